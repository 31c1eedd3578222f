// Puts the page together. A channel is one file that exports `mount(root, wire)` and one line here.

import * as scenarios from "./scenarios.js";
import * as tabs from "./tabs.js";
import * as telegram from "./telegram.js";
import * as ussd from "./ussd.js";
import * as whatsapp from "./whatsapp.js";
import { Wire } from "./wire.js";

const CHANNELS = [
  { channel: ussd, root: "#stations" },
  { channel: telegram, root: "#telegram" },
  { channel: whatsapp, root: "#whatsapp" },
];

const wire = new Wire(document.querySelector(".receipt"));
const chats = new Map();
for (const { channel, root } of CHANNELS) {
  const chat = channel.mount(document.querySelector(root), wire);
  if (chat) chats.set(root.slice(1), chat);
}
tabs.mount(document.querySelector(".tabs"), (shown) => {
  for (const [name, chat] of chats) chat.open = name === shown;
  document.body.dataset.channel = shown;
});
scenarios.mount(document.querySelector("#scenarios"));
