// Tabs over the counter: one channel at a time, named in the address so that a reload stays there.

/** Calls `opened(id)` with the id of the panel that is shown, now and after each change. */
export function mount(root, opened) {
  const tabs = [...root.querySelectorAll("[role=tab]")];

  function show(chosen) {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      panelOf(tab).hidden = !on;
    }
    opened(panelOf(chosen).id);
  }

  function named() {
    return tabs.find((tab) => `#${panelOf(tab).id}` === location.hash) ?? tabs[0];
  }

  root.addEventListener("click", ({ target }) => {
    const tab = target.closest("[role=tab]");
    if (!tab) return;
    history.replaceState(null, "", `#${panelOf(tab).id}`);
    show(tab);
  });
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = tabs.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.click();
    next.focus();
  });
  addEventListener("hashchange", () => show(named()));
  show(named());
}

function panelOf(tab) {
  return document.getElementById(tab.getAttribute("aria-controls"));
}
