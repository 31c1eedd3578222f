// A SIM's line to the gateway: at most one session at a time, and what the handset shows of it.

import { post } from "./gateway.js";
import { dialledText, readReply, Session } from "./session.js";

const NO_CONNECTION = "Connection problem or invalid MMI code.";

/**
 * Phases: `idle` (standby), `waiting` (a turn is under way), `open` (a reply is expected) and
 * `over` (the last screen still stands). `changed` fires with each, `carried` with each exchange,
 * `repeated` with the outcome of a repeat: `same`, `different` or `unanswered`.
 */
export class Line extends EventTarget {
  phase = "idle";
  screen = "";
  delivered = false; // Whether Callbox wrote the screen, and not the handset itself.
  #serviceCode;
  #session = null;
  #last = null; // The last turn's bodies and the promise of its answer.

  constructor(serviceCode) {
    super();
    this.#serviceCode = serviceCode;
  }

  get inSession() {
    return this.phase === "waiting" || this.phase === "open";
  }

  get canRepeat() {
    return this.#last !== null;
  }

  /** Dials for `subscriber` (`{msisdn, networkCode}`); a code that is not ours finds nobody. */
  async dial(dialled, subscriber) {
    const firstText = dialledText(dialled, this.#serviceCode);
    if (firstText === null) return this.#show("over", NO_CONNECTION);
    this.#session = new Session({ ...subscriber, serviceCode: this.#serviceCode }, firstText);
    return this.#turn();
  }

  async answer(text) {
    this.#session.answer(text, this.screen);
    return this.#turn();
  }

  /** Sends the last turn again, to the byte, as a gateway does that missed the answer. */
  async repeat() {
    const { bodies, answer } = this.#last;
    const again = this.#carry("turn", bodies);
    const [first, second] = await Promise.all([answer, again]);
    const answered = first.status !== null && second.status !== null;
    const same = first.status === second.status && first.digest === second.digest;
    this.#fire("repeated", answered ? (same ? "same" : "different") : "unanswered");
  }

  /** The customer ends the session. */
  hangUp() {
    if (this.inSession) this.#end("Incomplete");
    this.#show("idle", "");
  }

  /** The network drops the session. */
  timeOut() {
    this.#end("Incomplete", "Session timed out");
    this.#show("over", "USSD session timed out.");
  }

  async #turn() {
    const session = this.#session;
    const bodies = session.turn();
    session.hops += 1;
    const answer = this.#carry("turn", bodies);
    this.#last = { bodies, answer };
    this.#show("waiting", "");
    this.#take(session, await answer);
  }

  #take(session, answer) {
    if (session !== this.#session) return; // Ended meanwhile: nobody looks at the screen any more.
    session.lastReply = answer.body;
    const reply = readReply(answer);
    if (reply && !reply.ends) return this.#show("open", reply.text, true);
    if (reply) this.#end("Success");
    else this.#end("Failed", answer.error || "Reply begins with neither CON nor END");
    return reply ? this.#show("over", reply.text, true) : this.#show("over", NO_CONNECTION);
  }

  #end(status, errorMessage) {
    this.#carry("notice", this.#session.notice(status, errorMessage));
    this.#session = null;
  }

  #carry(door, { body, shown }) {
    const answer = post(door, body);
    answer.then((result) => this.#fire("carried", { door, request: shown, ...result }));
    return answer;
  }

  #show(phase, screen, delivered = false) {
    Object.assign(this, { phase, screen, delivered });
    this.#fire("changed");
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
