// Puts the page together. A channel is one file that exports `mount(root, wire)` and one line here.

import * as scenarios from "./scenarios.js";
import * as ussd from "./ussd.js";
import { Wire } from "./wire.js";

const CHANNELS = [{ channel: ussd, root: "#stations" }];

const wire = new Wire(document.querySelector(".receipt"));
for (const { channel, root } of CHANNELS) channel.mount(document.querySelector(root), wire);
scenarios.mount(document.querySelector("#scenarios"));
