/* Keeps the progress of a gift up to date. The page is whole without it, and it asks for nothing
   that browsers of 2012 have not. */
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

  source.onopen = function () {
    part("refresh").className = "hidden";
    part("live").className = "";
  };

  source.onerror = function () {
    part("refresh").className = "";
    part("live").className = "hidden";
  };

  source.onmessage = function (event) {
    var now = JSON.parse(event.data);
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
  };
}());
