// One USSD session in Africa's Talking's words: what a turn and the notice at its end carry.

const SECRET_ASKED = /\b(pin|code)\b/i;
const SECRET_TYPED = /^\d{4,8}$/;
const REPLY_SHOWN_MAX = 1000; // A failing server may answer with a whole page.

/** The text a dialled code begins with ("" for the bare code), or null when it is not ours. */
export function dialledText(dialled, serviceCode) {
  const stem = serviceCode.replace(/#$/, "");
  if (dialled === serviceCode) return "";
  if (!dialled.startsWith(stem + "*") || !dialled.endsWith("#")) return null;
  return dialled.slice(stem.length + 1, -1);
}

/** A reply as the gateway reads it: anything but `CON ...` and `END ...` is none. */
export function readReply({ status, body }) {
  const found = status === 200 && /^(CON|END) ([^]*)$/.exec(body);
  return found ? { ends: found[1] === "END", text: found[2] } : null;
}

export class Session {
  #subscriber;
  #inputs; // Each with `hidden`: true where it must not be shown again.
  #startedAt = Date.now();

  /** `subscriber` is `{msisdn, networkCode, serviceCode}`. */
  constructor(subscriber, firstText) {
    this.#subscriber = subscriber;
    this.#inputs = firstText ? [{ text: firstText, hidden: false }] : [];
    this.id = "ATUid_" + randomHex(16);
    this.hops = 0;
    this.lastReply = "";
  }

  /** Adds what was typed on a screen that said `prompt`. */
  answer(text, prompt) {
    const hidden = SECRET_ASKED.test(prompt) && SECRET_TYPED.test(text);
    this.#inputs.push({ text, hidden });
  }

  /** The body of this session's next turn, and the same with PINs and codes blotted out. */
  turn() {
    return this.#bodies((transcript) => ({ ...this.#who(), text: transcript }));
  }

  /** The body of the notice that the session is over; `status` is Success, Incomplete or Failed. */
  notice(status, errorMessage = "") {
    return this.#bodies((transcript) => ({
      date: new Date().toISOString().slice(0, 19).replace("T", " "),
      ...this.#who(),
      status,
      cost: "0.00",
      durationInMillis: Date.now() - this.#startedAt,
      hopsCount: this.hops,
      input: transcript,
      lastAppResponse: this.lastReply.slice(0, REPLY_SHOWN_MAX),
      ...(errorMessage && { errorMessage }),
    }));
  }

  #who() {
    const { msisdn, networkCode, serviceCode } = this.#subscriber;
    return { sessionId: this.id, phoneNumber: msisdn, networkCode, serviceCode };
  }

  #bodies(fields) {
    const form = (blot) => {
      const inputs = this.#inputs.map(({ text, hidden }) => (hidden ? blot(text) : text));
      return new URLSearchParams(fields(inputs.join("*"))).toString();
    };
    return {
      body: form((text) => text),
      shown: form((text) => "_".repeat(text.length)),
    };
  }
}

// Not crypto.randomUUID, which a page opened over plain HTTP from another machine lacks.
function randomHex(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
