// WhatsApp on a small phone: bubbles with reply buttons, lists in a sheet, links and pictures.

import { act, play } from "./control.js";
import { bubble, button, link, linked, picture } from "./feed.js";
import { element } from "./parts.js";
import { Pocket } from "./pocket.js";

const MARKS = { "*": "b", _: "i", "~": "s", "`": "code" };
const MARKED = /(?<![\p{L}\p{N}])([*_~`])(\S(?:[^\n]*?\S)?)\1(?![\p{L}\p{N}])/u;
const NAMES = ["Ada Obi", "Bola Ade", "Chidi Eze", "Dayo Bello", "Efe Oke", "Fatima Sani"];
const FIRST = { id: "2348031234567", name: NAMES[0] };
const UNSEEN = ["accepted", "failed"];

const blocking = new Set();

/** The WhatsApp tab; `open` tells whether it is looked at. */
export function mount(root) {
  return new Pocket(root, app);
}

const app = {
  name: "whatsapp",
  title: "WhatsApp",
  late: "webhook_late",
  person: FIRST,

  path: (person) => `whatsapp/${encodeURIComponent(person.id)}`,
  reach: (person) => person.id,
  introduced: (person) => ({ name: person.name }),

  /** Reading tells statuses too, and they would be late in the place of what comes next. */
  beforeLate: (path) => act(`${path}/read`),

  newPerson() {
    const number = String(10_000_000 + Math.floor(Math.random() * 89_999_999));
    const name = NAMES[1 + Math.floor(Math.random() * (NAMES.length - 1))];
    return { id: `23480${number}`, name };
  },

  met(person, pocket) {
    const who = element("input", "");
    Object.assign(who, { type: "text", value: person.id, autocomplete: "off", spellcheck: false });
    who.addEventListener("change", () => {
      const id = who.value.trim().replace(/^0/, "234");
      if (id) pocket.meet({ id, name: person.name });
    });
    pocket.part("people").replaceChildren(
      element("label", "", "Number, or @username", who),
      element("p", "hint", "Who has a username shows no number."),
    );
    pocket.bar("");
  },

  read(chat) {
    const there = chat.messages.filter(({ status }) => !UNSEEN.includes(status));
    const seen = there.findLastIndex((message) => message.from === "business");
    return {
      messages: there.map((message, at) => ({ key: message.id, ...message, seen: at < seen })),
      presence: chat.typing ? "typing…" : "Business account",
      blocked: blocking.has(app.person.id),
    };
  },

  showing() {},

  async block(person, blocked) {
    const refused = await play("whatsapp", blocked ? "undeliverable" : "ok", person.id);
    if (refused) return refused;
    blocking[blocked ? "add" : "delete"](person.id);
    return blocked ? "Nothing reaches this phone now." : "The business may write again.";
  },

  called: ({ body, status, error }) => ({
    name: body?.interactive?.type ?? body?.type ?? body?.status ?? "message",
    told: error ? `${status} error ${error}` : String(status),
    wrong: status !== 200,
  }),

  draw(message, pocket) {
    const mine = message.from === "user";
    const parts = [];
    if (message.image) parts.push(picture(message.image.url, message.image.caption || "Picture"));
    if (message.document) {
      const { url, filename } = message.document;
      parts.push(link("file", location.origin + url, filename ?? "Document"));
    }
    if (message.header) parts.push(element("p", "header", ...styled(message.header)));
    const text = message.text || message.image?.caption;
    if (text) parts.push(element("p", "words", ...styled(text)));
    if (message.type === "contacts") parts.push(element("p", "words", "Contact shared"));
    if (message.template) parts.push(element("p", "footer", `Template ${message.template.name}`));
    if (message.footer) parts.push(element("p", "footer", message.footer));
    if (!parts.length) parts.push(element("p", "footer", message.type));
    const note = mine ? element("span", message.seen ? "ticks seen" : "ticks", "✓✓") : "";
    return bubble(mine, message.at, parts, { below: waysOn(message, pocket), note });
  },
};

/** What can be tapped under a message. */
function waysOn(message, pocket) {
  const ways = message.buttons.map(({ id, title }) =>
    button("way", title, () => pocket.does("press", { id, message_id: message.id })),
  );
  if (message.list) {
    ways.push(button("way opens-list", message.list.button, () => openList(message, pocket)));
  }
  if (message.link) ways.push(link("way leads-out", message.link.url, message.link.text));
  if (message.type === "request_contact_info") {
    ways.push(button("way", "Share contact info", () => pocket.does("contact")));
  }
  return ways.length ? [element("div", "ways", ...ways)] : [];
}

function openList(message, pocket) {
  const { button: title, sections } = message.list;
  const choice = `choice-${message.id}`;
  let chosen = null;
  const send = button("sheet-button main", "Send", () => {
    pocket.sheet(null);
    pocket.does("press", { id: chosen, message_id: message.id });
  });
  send.disabled = true;
  const rows = sections.flatMap((section) => [
    ...(section.title ? [element("p", "sheet-section", section.title)] : []),
    ...section.rows.map((row) => {
      const radio = element("input", "");
      Object.assign(radio, { type: "radio", name: choice });
      radio.addEventListener("change", () => {
        chosen = row.id;
        send.disabled = false;
      });
      const words = element("span", "row-words", element("b", "", row.title));
      if (row.description) words.append(element("small", "", row.description));
      return element("label", "sheet-choice", words, radio);
    }),
  ]);
  const close = button("sheet-close", "×", () => pocket.sheet(null));
  close.setAttribute("aria-label", "Close");
  pocket.sheet([
    element("p", "sheet-title", close, title),
    element("div", "sheet-rows", ...rows),
    send,
  ]);
}

/** WhatsApp's own marks: *bold*, _italic_, ~struck~ and `code`. */
function styled(text) {
  const found = MARKED.exec(text);
  if (!found) return linked(text);
  const [whole, mark, inner] = found;
  return [
    ...linked(text.slice(0, found.index)),
    element(MARKS[mark], "", ...styled(inner)),
    ...styled(text.slice(found.index + whole.length)),
  ];
}
