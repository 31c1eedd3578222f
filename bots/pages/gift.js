/* Keeps the progress of a gift up to date: as it is told, or, where too many listen, by asking now
   and then. The page is whole without it, and it asks for nothing that browsers of 2012 have not. */
(function () {
  "use strict";
  var box = document.getElementById("progress");
  if (!box || !window.EventSource || !window.JSON) {
    return;
  }
  var source = new window.EventSource(box.getAttribute("data-events"));

  function part(id) {
    return document.getElementById(id);
  }

  function say(id, words) {
    if (part(id).firstChild) {
      part(id).firstChild.nodeValue = words;
    } else {
      part(id).appendChild(document.createTextNode(words));
    }
  }

  function alive(lives) {
    part("refresh").className = lives ? "hidden" : "";
    part("live").className = lives ? "" : "hidden";
  }

  function show(now) {
    say("said", now.said);
    say("more", now.more);
    if (part("bar") && now.percent !== null) {
      part("bar").setAttribute("width", now.percent + "%");
      part("meter").setAttribute("aria-valuenow", now.percent);
      part("meter").setAttribute("aria-label", now.said);
    }
    if (now.over) {
      source.close();
      part("live").className = "hidden";
      part("ended").className = "";
    }
    return now.over;
  }

  function later() {
    window.setTimeout(ask, 10000 + Math.random() * 5000);
  }

  function ask() {
    var request = new window.XMLHttpRequest();
    request.open("GET", box.getAttribute("data-now"));
    request.onload = function () {
      var good = request.status === 200;
      alive(good);
      if (!good || !show(JSON.parse(request.responseText))) {
        later();
      }
    };
    request.onerror = function () {
      alive(false);
      later();
    };
    request.send();
  }

  source.onopen = function () {
    alive(true);
  };

  source.onerror = function () {
    alive(false);
    if (source.readyState === 2) {
      later();
    }
  };

  source.onmessage = function (event) {
    show(JSON.parse(event.data));
  };
}());
