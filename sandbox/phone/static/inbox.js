// The messages of one SIM, asked for again and again as a phone asks its network.

import { element, partsOf } from "./parts.js";

const POLL_MS = 1500;
const LINK = /(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/;

export class Inbox {
  #part;
  #msisdn = null;
  #messages = [];
  #seen = 0;

  constructor(root) {
    this.#part = partsOf(root);
    this.#part("inbox").addEventListener("toggle", () => this.#draw());
    setInterval(() => this.#poll(), POLL_MS);
  }

  /** Shows the messages of `msisdn` from now on; null when there is no SIM. */
  open(msisdn) {
    if (msisdn === this.#msisdn) return;
    this.#msisdn = msisdn;
    this.#messages = [];
    this.#seen = 0;
    this.#draw();
    this.#poll();
  }

  async #poll() {
    const msisdn = this.#msisdn;
    if (!msisdn || document.hidden) return;
    const messages = await fetchMessages(msisdn);
    if (!messages || msisdn !== this.#msisdn) return;
    if (JSON.stringify(messages) === JSON.stringify(this.#messages)) return;
    this.#messages = messages;
    this.#draw();
  }

  #draw() {
    const all = this.#messages;
    const reading = this.#part("inbox").open;
    if (reading || this.#seen > all.length) this.#seen = all.length;
    const unread = all.length - this.#seen;
    this.#part("unread").textContent = unread;
    this.#part("unread").hidden = unread === 0;
    this.#part("unread").setAttribute("aria-label", `${unread} unread`);
    this.#part("envelope").hidden = unread === 0;
    this.#part("inbox-empty").hidden = all.length > 0;
    this.#part("messages").replaceChildren(...all.toReversed().map(slip));
  }
}

/** Oldest first; null when the sandbox cannot say just now, which the next poll will mend. */
async function fetchMessages(msisdn) {
  try {
    const response = await fetch("/control/sms?" + new URLSearchParams({ to: msisdn }));
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

function slip({ from, text, at }) {
  const time = element("time", "", new Date(at).toTimeString().slice(0, 5));
  time.dateTime = at;
  const head = element("p", "slip-head", element("b", "", from), time);
  return element("li", "slip", head, element("p", "slip-text", ...text.split(LINK).map(linked)));
}

function linked(piece) {
  if (!LINK.test(piece)) return piece;
  const link = element("a", "", piece);
  Object.assign(link, { href: piece, target: "_blank", rel: "noopener noreferrer" });
  return link;
}
