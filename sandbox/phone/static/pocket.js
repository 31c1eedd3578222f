// A small smartphone with one chat open, and the card beside it that makes the network misbehave.

import { act, ask, play } from "./control.js";
import { clock, Feed } from "./feed.js";
import { element, partsOf } from "./parts.js";

const POLL_MS = 700;
const LATE_S = 5;
const TOAST_MS = 3000;
const CALLS_SHOWN = 8;

/**
 * What differs between apps is in `app`:
 *   name, title         as in the control calls, and for people
 *   late                the scenario in which what people do arrives late
 *   person              whose phone it is; `app.newPerson()` makes another
 *   path(person)        of their control calls
 *   draw(message, does) the element of one message
 *   read(chat)          {messages, presence, blocked, empty}, or null while there is no chat yet
 *   showing(chat, pocket)   draws what stands around the messages
 *   block(person, blocked)  "" or why not
 */
export class Pocket {
  #app;
  #part;
  #feed;
  #last = "";
  #late = false;
  #open = false;

  constructor(root, app) {
    this.#app = app;
    root.append(document.querySelector("#pocket").content.cloneNode(true));
    this.element = root.firstElementChild;
    this.element.classList.add(app.name);
    this.#part = partsOf(root);
    this.#feed = new Feed(this.part("feed"), this.part("messages"), (message) =>
      app.draw(message, this),
    );
    this.part("phone").setAttribute("aria-label", `${app.title}, phone`);
    this.part("desk").setAttribute("aria-label", `${app.title}, tools`);
    this.#listen();
    this.meet(app.person);
    setInterval(() => this.#open && !document.hidden && this.look(), POLL_MS);
  }

  part(name) {
    return this.#part(name);
  }

  /** The chat is looked at as long as its tab is open. */
  set open(open) {
    this.#open = open;
    if (open) this.look();
  }

  /** The person does something; what comes of it is seen at once. */
  async does(action, body = {}) {
    if (this.#late) {
      await this.#app.beforeLate?.(this.#path);
      const more = { next: 1, seconds: LATE_S };
      await play(this.#app.name, this.#app.late, this.#app.reach(this.#app.person), more);
    }
    const who = this.#app.introduced?.(this.#app.person) ?? {};
    const refused = await act(`${this.#path}/${action}`, { ...who, ...body });
    this.#say(refused || (this.#late ? `On its way, in ${LATE_S} s.` : ""));
    this.#setLate(false);
    this.part("again").disabled = false;
    await this.look();
  }

  /** Another person holds the phone from now on. */
  meet(person) {
    this.#app.person = person;
    this.#last = "";
    this.#feed.show([]);
    this.part("again").disabled = true;
    this.part("who").textContent = person.name;
    this.sheet(null);
    this.#say("");
    this.#app.met?.(person, this);
    if (this.#open) this.look();
  }

  async look() {
    const { person } = this.#app;
    this.part("clock").textContent = clock(Date.now());
    const chat = await ask(`${this.#path}/messages`);
    if (chat === null || person !== this.#app.person) return;
    if (this.part("calls").open) await this.#showCalls();
    const text = JSON.stringify(chat);
    if (text === this.#last) return;
    this.#last = text;
    const { messages, presence, blocked } = this.#app.read(chat);
    this.element.dataset.empty = messages.length === 0;
    this.#feed.show(messages);
    this.part("presence").textContent = presence;
    this.part("block").textContent = blocked ? "Unblock" : "Block";
    this.part("block").dataset.blocked = blocked;
    this.#app.showing(chat, this);
  }

  /** A sheet from below with `children`, or none. */
  sheet(children) {
    const sheet = this.part("sheet");
    sheet.hidden = children === null;
    sheet.replaceChildren(...(children ?? []));
    sheet.querySelector("button")?.focus();
  }

  /** A bar in the place of the composer, which calls `press`; "" for none. */
  bar(label, press) {
    this.part("bar").textContent = label;
    this.part("bar").hidden = !label;
    this.part("bar").onclick = press;
    this.part("composer").hidden = Boolean(label);
  }

  toast(text) {
    this.part("toast").textContent = text;
    setTimeout(() => {
      if (this.part("toast").textContent === text) this.part("toast").textContent = "";
    }, TOAST_MS);
  }

  get #path() {
    return this.#app.path(this.#app.person);
  }

  #listen() {
    this.part("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.part("text").value.trim();
      this.part("text").value = "";
      if (text) this.does("say", { text });
    });
    this.element.addEventListener("keydown", ({ key }) => key === "Escape" && this.sheet(null));
    this.part("again").addEventListener("click", () => this.#again());
    this.part("late").addEventListener("click", () => this.#setLate(!this.#late));
    this.part("new").addEventListener("click", () => this.meet(this.#app.newPerson()));
    this.part("block").addEventListener("click", () => this.#block());
    this.part("calls").addEventListener("toggle", () => this.#showCalls());
  }

  async #again() {
    const refused = await act(`${this.#path}/again`);
    this.#say(refused || "The very same update was sent again.");
  }

  async #block() {
    const block = this.part("block").dataset.blocked !== "true";
    this.#say(await this.#app.block(this.#app.person, block, this.#path));
    this.#last = "";
    await this.look();
  }

  async #showCalls() {
    const calls = (await ask(`${this.#path}/calls`)) ?? [];
    const told = calls.slice(-CALLS_SHOWN).reverse().map((call) => callSlip(this.#app, call));
    this.part("call-list").replaceChildren(...told);
    this.part("no-calls").hidden = told.length > 0;
  }

  #setLate(late) {
    this.#late = late;
    this.part("late").setAttribute("aria-pressed", late);
  }

  #say(text) {
    this.part("verdict").textContent = text;
  }
}

function callSlip(app, call) {
  const { name, told, wrong } = app.called(call);
  const head = element("p", "slip-head", element("b", "", name), element("span", "", told));
  const slip = element("li", "slip", head);
  slip.dataset.wrong = wrong;
  return slip;
}
