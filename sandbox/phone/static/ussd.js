// The USSD channel: two handsets side by side, and the computer's keyboard for the one in hand.

import { Station } from "./station.js";

const SIMS = ["08031234567", "08051234567"];
const OWN_KEYS = "input, select, textarea, a, summary";

export function mount(root, wire) {
  const serviceCode = document.querySelector("meta[name=service-code]").content;
  const stations = SIMS.map((sim, index) => new Station(`Handset ${index + 1}`, sim, serviceCode));
  for (const station of stations) {
    root.append(station.element);
    station.line.addEventListener("carried", ({ detail }) => wire.show(station.name, detail));
    for (const type of ["pointerdown", "focusin"]) {
      station.element.addEventListener(type, () => pickUp(stations, station));
    }
  }
  pickUp(stations, stations[0]);
  document.addEventListener("keydown", (event) => typeInto(stations, event));
}

function pickUp(stations, station) {
  for (const other of stations) other.inHand = other === station;
}

function typeInto(stations, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { handset } = stations.find((station) => station.inHand);
  const elsewhere = event.target.closest(OWN_KEYS);
  if (elsewhere && elsewhere !== handset.entry) return;
  const pressesButton = event.target.closest("button") && /^(Enter| )$/.test(event.key);
  if (!pressesButton) handset.type(event);
}
