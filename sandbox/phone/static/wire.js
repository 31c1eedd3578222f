// The till receipt: the last turn and the last end-of-session notice, as they went over the wire.

import { element, partsOf } from "./parts.js";

export class Wire {
  #part;

  constructor(root) {
    this.#part = partsOf(root);
  }

  /** `exchange` is what a line's `carried` event tells; `door` says which of the two it was. */
  show(name, exchange) {
    const { door, path, request, status, content_type: type, body, error } = exchange;
    const answer = error || `${status} ${type}`;
    this.#part(door).replaceChildren(
      element("h3", "", door === "turn" ? "Turn" : "End of session", element("span", "", name)),
      element("pre", "receipt-request", `POST ${path}\n\n${request}`),
      element("p", "receipt-line", element("span", "", answer), element("b", "", `${exchange.elapsed_ms} ms`)),
      element("pre", "receipt-reply", body),
    );
  }
}
