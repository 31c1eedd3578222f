// Telegram on a small phone: bubbles, keyboards under messages and under the text, the menu button.

import { act } from "./control.js";
import { bubble, button, link, linked, picture } from "./feed.js";
import { international } from "./numbers.js";
import { element } from "./parts.js";
import { Pocket } from "./pocket.js";

const TAGS = {
  bold: "b",
  italic: "i",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "code",
  blockquote: "q",
};
const NAMES = ["Ada Obi", "Bola Ade", "Chidi Eze", "Dayo Bello", "Efe Oke", "Fatima Sani"];
const FIRST = { id: 5001001, name: NAMES[0], phone: "08031234567" };

/** The Telegram tab; `open` tells whether it is looked at. */
export function mount(root) {
  const pocket = new Pocket(root, app);
  return pocket;
}

let answered = null;

const app = {
  name: "telegram",
  title: "Telegram",
  late: "update_late",
  person: FIRST,

  path: (person) => `telegram/${person.id}`,
  reach: (person) => person.id,
  introduced(person) {
    const [first, last] = person.name.split(" ");
    return { first_name: first, last_name: last ?? "", language_code: "en" };
  },

  newPerson() {
    const number = String(10_000_000 + Math.floor(Math.random() * 89_999_999));
    const name = NAMES[1 + Math.floor(Math.random() * (NAMES.length - 1))];
    return { id: 5_100_000 + Math.floor(Math.random() * 8e8), name, phone: `080${number}` };
  },

  met(person, pocket) {
    answered = null;
    const phone = element("input", "");
    Object.assign(phone, { type: "tel", value: person.phone, autocomplete: "off" });
    phone.addEventListener("change", () => (person.phone = phone.value));
    pocket.part("people").replaceChildren(
      element("label", "", "Phone number to share", phone),
      element("p", "hint", `Telegram user ${person.id}`),
    );
    pocket.part("keyboard").hidden = true;
    pocket.bar("Start", () => pocket.does("start"));
  },

  read(chat) {
    const there = chat.messages.filter((message) => !message.deleted);
    return {
      messages: there.map((message) => ({ key: message.message_id, ...message })),
      presence: chat.typing ? "typing…" : "bot",
      blocked: chat.blocked,
    };
  },

  showing(chat, pocket) {
    commands(chat.commands, pocket);
    keyboard(chat.blocked ? null : chat.keyboard, pocket);
    if (chat.blocked) pocket.bar("Restart bot", () => pocket.does("start"));
    else if (chat.messages.length) pocket.bar("");
    else pocket.bar("Start", () => pocket.does("start"));
    const last = chat.answers.at(-1);
    if (answered !== null && last && last.callback_query_id !== answered && last.text) {
      pocket.toast(last.text);
    }
    answered = last?.callback_query_id ?? "";
  },

  async block(person, blocked, path) {
    const refused = await act(`${path}/${blocked ? "block" : "unblock"}`);
    return refused || (blocked ? "The bot is blocked." : "The bot may write again.");
  },

  called: ({ method, status, description }) => ({
    name: method,
    told: description ? `${status} ${description}` : String(status),
    wrong: status !== 200,
  }),

  draw(message, pocket) {
    const mine = message.from === "user";
    const parts = [];
    if (message.photo) parts.push(picture(message.photo.url, message.text || "Picture"));
    if (message.document) {
      parts.push(link("file", location.origin + message.document.url, message.document.file_name));
    }
    if (message.contact) parts.push(card(message.contact));
    if (message.text) parts.push(element("p", "words", ...marked(message.text, message.entities)));
    const rows = message.buttons.map((row) => inlineRow(row, message, pocket));
    const below = rows.length ? [element("div", "inline", ...rows)] : [];
    return bubble(mine, message.at, parts, { below, note: message.edited ? "edited " : "" });
  },
};

function inlineRow(row, message, pocket) {
  const buttons = row.map((each) => {
    if (each.url) return link("inline-button leads-out", each.url, each.text);
    const body = { message_id: message.message_id, data: each.callback_data };
    const made = button("inline-button", each.text, () => pocket.does("press", body));
    if (each.style) made.dataset.style = each.style;
    return made;
  });
  return element("div", "inline-row", ...buttons);
}

function card({ first_name: name, phone_number: number }) {
  const face = element("span", "face", name.slice(0, 1));
  return element("div", "contact", face, element("p", "", element("b", "", name), number));
}

function keyboard(rows, pocket) {
  const keys = pocket.part("keyboard");
  keys.hidden = !rows;
  keys.replaceChildren(
    ...(rows ?? []).map((row) =>
      element("div", "key-row", ...row.map((each) => keyOf(each, pocket))),
    ),
  );
}

function keyOf(each, pocket) {
  const { text, request_contact: asks } = typeof each === "string" ? { text: each } : each;
  if (!asks) return button("reply-key", text, () => pocket.does("say", { text }));
  return button("reply-key", text, () =>
    pocket.sheet([
      element("p", "sheet-title", "Share your phone number?"),
      element("p", "sheet-words", "The bot will see it, and know that it is yours."),
      button("sheet-button main", "Share", () => {
        pocket.sheet(null);
        const { phone } = app.person;
        // Telegram sends numbers as they are written abroad; what is no number goes as it is typed.
        pocket.does("contact", { phone_number: international(phone) ?? phone });
      }),
      button("sheet-button", "Cancel", () => pocket.sheet(null)),
    ]),
  );
}

function commands(known, pocket) {
  const menu = pocket.part("commands");
  menu.hidden = known.length === 0;
  menu.onclick = () =>
    pocket.sheet(
      known.map(({ command, description }) => {
        const made = button("sheet-row", "", () => {
          pocket.sheet(null);
          pocket.does("say", { text: `/${command}` });
        });
        made.append(element("b", "", `/${command}`), element("span", "", description));
        return made;
      }),
    );
}

/** Text with what its entities say of it. They are counted in UTF-16, as strings are here. */
function marked(text, entities) {
  const spans = entities.filter(({ type }) => type in TAGS || /link|url|command/.test(type));
  const [first] = spans.sort((a, b) => a.offset - b.offset || b.length - a.length);
  if (!first) return linked(text);
  const end = first.offset + first.length;
  const within = spans
    .filter((each) => each !== first && each.offset < end)
    .map((each) => ({ ...each, offset: each.offset - first.offset }));
  const after = spans
    .filter((each) => each.offset >= end)
    .map((each) => ({ ...each, offset: each.offset - end }));
  const inner = text.slice(first.offset, end);
  return [
    ...linked(text.slice(0, first.offset)),
    spanOf(first, inner, within),
    ...marked(text.slice(end), after),
  ];
}

function spanOf(entity, text, within) {
  if (entity.type === "text_link") return link("", entity.url, text);
  if (entity.type === "url") return link("", text, text);
  return element(TAGS[entity.type] ?? "span", entity.type, ...marked(text, within));
}
