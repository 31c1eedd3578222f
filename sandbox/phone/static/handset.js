// The phone itself: keys, screen, and what each key means in each phase of its line.

import { element, partsOf } from "./parts.js";

const KEYS = [
  ["1", ""],
  ["2", "abc"],
  ["3", "def"],
  ["4", "ghi"],
  ["5", "jkl"],
  ["6", "mno"],
  ["7", "pqrs"],
  ["8", "tuv"],
  ["9", "wxyz"],
  ["*", "+"],
  ["0", "␣"],
  ["#", "⇧"],
];
const SPOKEN = { "*": "Star", "#": "Hash" };

/** What the soft keys say; the entry line says `entry`, and is hidden where there is none. */
const FACES = {
  idle: { left: "Call", right: "Clear", entry: "Dial" },
  waiting: { left: "", right: "Cancel", entry: "" },
  open: { left: "Send", right: "Clear", entry: "Reply" },
  over: { left: "OK", right: "", entry: "" },
};
const CLOCK_MS = 10_000;
const LINE_PX = 17;

export class Handset {
  #part;
  #root;
  #line;
  #dialled;
  #subscriber;
  #keys = {
    left: () => this.#confirm(),
    right: () => this.#clear(),
    call: () => this.#call(),
    end: () => this.#hangUp(),
    up: () => this.#part("screen").scrollBy(0, -3 * LINE_PX),
    down: () => this.#part("screen").scrollBy(0, 3 * LINE_PX),
  };

  /** `subscriber()` gives `{msisdn, networkCode}`, or null when there is no SIM. */
  constructor(root, line, serviceCode, subscriber) {
    this.#root = root;
    this.#part = partsOf(root);
    this.#line = line;
    this.#dialled = serviceCode;
    this.#subscriber = subscriber;
    this.entry = this.#part("entry");
    this.#part("keypad").append(...KEYS.map(keyButton));
    this.#part("handset").addEventListener("click", (event) => this.#press(event));
    this.#part("handset").addEventListener("pointerdown", keepFocus);
    this.#part("screen").addEventListener("scroll", () => this.#tellOfMore());
    line.addEventListener("changed", () => this.#draw());
    this.#draw();
    this.#tell();
    setInterval(() => this.#tell(), CLOCK_MS);
  }

  /** A key of the computer's keyboard, while this handset is in hand. */
  type(event) {
    if (event.key === "Escape") return this.#hangUp();
    if (event.key === "Enter") {
      event.preventDefault();
      return this.#confirm();
    }
    // The browser itself puts the letter into whatever has the focus by then.
    if (event.key.length === 1 || event.key === "Backspace") this.#takeEntry();
    return undefined;
  }

  #press(event) {
    const key = event.target.closest("button")?.dataset.key;
    if (!key) return;
    if (this.#keys[key]) this.#keys[key]();
    else this.#insert(key);
  }

  #insert(digit) {
    if (!this.#takeEntry()) return;
    const { selectionStart, selectionEnd } = this.entry;
    this.entry.setRangeText(digit, selectionStart, selectionEnd, "end");
    this.entry.scrollLeft = this.entry.scrollWidth;
  }

  /** Makes the entry line ready for a keypress; false while nothing can be typed. */
  #takeEntry() {
    if (this.#line.phase === "waiting") return false;
    if (this.#line.phase === "over") this.#line.hangUp();
    this.entry.focus({ preventScroll: true });
    return true;
  }

  #confirm() {
    if (this.#line.phase === "over") return this.#line.hangUp();
    return this.#call();
  }

  #call() {
    if (this.#line.phase === "waiting") return;
    if (this.#line.phase === "over") this.#line.hangUp();
    const text = this.entry.value.trim();
    if (!text) return;
    if (this.#line.phase === "open") this.#line.answer(text);
    else this.#dial(text);
  }

  #dial(text) {
    const subscriber = this.#subscriber();
    if (!subscriber) {
      this.#part("screen").textContent = "Insert SIM card.";
      return;
    }
    this.#dialled = text;
    this.#line.dial(text, subscriber);
  }

  #clear() {
    if (this.#line.phase === "waiting") return this.#line.hangUp();
    const { selectionStart, selectionEnd } = this.entry;
    const from = selectionStart === selectionEnd ? Math.max(selectionStart - 1, 0) : selectionStart;
    return this.entry.setRangeText("", from, selectionEnd, "end");
  }

  #hangUp() {
    this.#line.hangUp();
  }

  #draw() {
    const { phase, screen } = this.#line;
    const face = FACES[phase];
    this.#root.dataset.phase = phase;
    this.#part("screen").textContent = phase === "waiting" ? "USSD code running…" : screen;
    this.#part("screen").scrollTop = 0;
    this.#part("entry-label").textContent = face.entry;
    this.#part("entry-line").hidden = !face.entry;
    this.#soft("left", face.left);
    this.#soft("right", face.right);
    this.#tellOfMore();
    this.#offerEntry(phase === "idle" ? this.#dialled : "");
  }

  /** Sets the entry line; a code that stands there is selected, so that typing replaces it. */
  #offerEntry(text) {
    this.entry.value = text;
    if (text) this.entry.setSelectionRange(0, text.length);
    const focused = document.activeElement;
    const free = focused === document.body || this.#part("handset").contains(focused);
    if (free && this.#root.dataset.inHand === "true") this.entry.focus({ preventScroll: true });
  }

  #tellOfMore() {
    const { scrollHeight, scrollTop, clientHeight } = this.#part("screen");
    this.#part("more").hidden = scrollHeight - scrollTop - clientHeight < LINE_PX / 4;
  }

  #soft(side, label) {
    const button = this.#root.querySelector(`[data-key="${side}"]`);
    this.#part(`${side}-label`).textContent = label;
    button.setAttribute("aria-label", label || "Soft key");
    button.disabled = !label;
  }

  #tell() {
    const now = new Date();
    const words = { weekday: "short", day: "numeric", month: "short" };
    this.#part("clock").textContent = now.toTimeString().slice(0, 5);
    this.#part("date").textContent = now.toLocaleDateString("en-GB", words);
  }
}

function keyButton([key, letters]) {
  const button = element("button", "key", element("b", "", key), element("small", "", letters));
  button.type = "button";
  button.dataset.key = key;
  button.setAttribute("aria-label", SPOKEN[key] ?? key);
  return button;
}

// A pressed key must not take the focus from the entry line: the next Enter would press it again.
function keepFocus(event) {
  if (event.target.closest("button")) event.preventDefault();
}
