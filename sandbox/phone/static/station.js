// A handset's place on the counter: the phone, its SIM, and the card beside it.

import { measure } from "./gsm7.js";
import { Handset } from "./handset.js";
import { Inbox } from "./inbox.js";
import { Line } from "./line.js";
import { international, networkOf } from "./numbers.js";
import { partsOf } from "./parts.js";

const VERDICTS = {
  same: "Same reply, byte for byte.",
  different: "The reply differs from the first.",
  unanswered: "No reply to compare.",
};

export class Station {
  #part;
  #inbox;

  constructor(name, sim, serviceCode) {
    this.name = name;
    this.element = document.querySelector("#station").content.cloneNode(true).firstElementChild;
    this.#part = partsOf(this.element);
    this.line = new Line(serviceCode);
    this.handset = new Handset(this.element, this.line, serviceCode, () => this.#subscriber());
    this.#inbox = new Inbox(this.element);
    this.#label(sim);
    this.#listen();
    this.#insertSim();
    this.#refresh();
  }

  /** The handset that the keyboard types into, its backlight on. */
  get inHand() {
    return this.element.dataset.inHand === "true";
  }

  set inHand(held) {
    this.element.dataset.inHand = held;
  }

  #label(sim) {
    this.element.setAttribute("aria-label", this.name);
    this.#part("handset").setAttribute("aria-label", `${this.name}, phone`);
    this.#part("desk").setAttribute("aria-label", `${this.name}, tools`);
    this.#part("name").textContent = this.name.toLowerCase();
    this.#part("sim").value = sim;
  }

  #listen() {
    this.#part("sim").addEventListener("change", () => this.#insertSim());
    this.#part("repeat").addEventListener("click", () => this.#repeat());
    this.#part("time-out").addEventListener("click", () => this.line.timeOut());
    this.line.addEventListener("changed", () => this.#refresh());
    this.line.addEventListener("repeated", ({ detail }) => this.#judge(detail));
  }

  #subscriber() {
    const msisdn = international(this.#part("sim").value);
    return msisdn && { msisdn, networkCode: networkOf(msisdn).code };
  }

  #insertSim() {
    const msisdn = international(this.#part("sim").value);
    const network = msisdn ? networkOf(msisdn).name : "No SIM";
    this.#part("sim").setAttribute("aria-invalid", msisdn === null);
    this.#part("network").textContent = network;
    this.#part("network-chip").textContent = network;
    this.#part("network-chip").dataset.network = network;
    this.#inbox.open(msisdn);
  }

  #repeat() {
    this.#part("verdict").textContent = "Sent again…";
    delete this.#part("verdict").dataset.verdict;
    this.line.repeat();
  }

  #judge(verdict) {
    this.#part("verdict").textContent = VERDICTS[verdict];
    this.#part("verdict").dataset.verdict = verdict;
  }

  #refresh() {
    this.#part("sim").readOnly = this.line.inSession;
    this.#part("repeat").disabled = !this.line.canRepeat;
    this.#part("time-out").disabled = !this.line.inSession;
    if (this.line.phase === "waiting") this.#part("verdict").textContent = "";
    const { alphabet, used, room } = measure(this.line.delivered ? this.line.screen : "");
    this.#part("alphabet").textContent = alphabet;
    this.#part("used").textContent = `${used}/${room}`;
    this.#part("meter").dataset.alphabet = alphabet;
    this.#part("meter").dataset.over = used > room;
    this.#part("meter").style.setProperty("--filled", Math.min(used / room, 1));
  }
}
