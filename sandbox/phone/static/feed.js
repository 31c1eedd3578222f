// The messages of a chat on the glass: each is drawn once, and again only when it has changed.

import { element } from "./parts.js";

const NEAR_END_PX = 80;

export class Feed {
  #window;
  #list;
  #draw;
  #drawn = new Map();

  /** `draw(message)` makes the element of a message; `feed` scrolls around `list`. */
  constructor(feed, list, draw) {
    this.#window = feed;
    this.#list = list;
    this.#draw = draw;
  }

  /** Shows `messages`, each `{key, ...}`, oldest first; a new last one is scrolled to. */
  show(messages) {
    const last = messages.at(-1)?.key;
    const fresh = last !== undefined && !this.#drawn.has(last);
    const { scrollHeight, scrollTop, clientHeight } = this.#window;
    const follow = fresh || scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    const before = this.#drawn;
    this.#drawn = new Map(messages.map((message) => [message.key, this.#of(message, before)]));
    const wanted = [...this.#drawn.values()].map(({ node }) => node);
    for (const node of [...this.#list.children]) if (!wanted.includes(node)) node.remove();
    wanted.forEach((node, at) => {
      if (this.#list.children[at] !== node) this.#list.insertBefore(node, this.#list.children[at]);
    });
    if (follow) this.#window.scrollTop = this.#window.scrollHeight;
  }

  #of(message, before) {
    const text = JSON.stringify(message);
    const known = before.get(message.key);
    return known?.text === text ? known : { text, node: this.#draw(message) };
  }
}

/** A bubble on the side of whoever wrote it, with `children` in it and whatever hangs `below` it. */
export function bubble(mine, at, children, { below = [], note = "" } = {}) {
  const time = element("time", "", note, clock(at));
  const body = element("div", "bubble", ...children, time);
  const row = element("li", mine ? "from-me" : "from-them", body, ...below);
  return row;
}

export function clock(at) {
  return new Date(at).toTimeString().slice(0, 5);
}

/** A link that opens as an app's own small browser would; anything but a web address is none. */
export function link(className, url, ...children) {
  const made = element("a", className, ...children);
  if (!/^https?:\/\//i.test(url)) return made;
  Object.assign(made, { href: url, target: "_blank", rel: "noopener noreferrer" });
  made.addEventListener("click", (event) => {
    event.preventDefault();
    open(url, "_blank", "popup,noopener,noreferrer,width=400,height=640");
  });
  return made;
}

/** A button that calls `press` once. */
export function button(className, label, press) {
  const made = element("button", className, label);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

/** A picture of the chat's. */
export function picture(url, alt) {
  const made = element("img", "picture");
  Object.assign(made, { src: url, alt });
  return made;
}

/** Text with its web addresses as links. */
export function linked(text) {
  const pieces = text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/);
  return pieces.map((piece, at) => (at % 2 ? link("", piece, piece) : piece));
}
