// What the outside world does to a recipient's orders, chosen from the sandbox's own list.

import { element, partsOf } from "./parts.js";

export function mount(root) {
  const part = partsOf(root);
  root.addEventListener("toggle", () => root.open && fill(part("form").elements.scenario));
  part("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    part("outcome").textContent = await choose(new FormData(event.target));
  });
}

async function fill(select) {
  const response = await fetch("/control/scenarios").catch(() => null);
  if (!response?.ok) return;
  const providers = await response.json();
  select.replaceChildren(...Object.entries(providers).map(group));
}

function group([provider, scenarios]) {
  const options = Object.entries(scenarios).map(([scenario, description]) => {
    const option = element("option", "", `${scenario}: ${description}`);
    option.value = JSON.stringify({ provider, scenario });
    return option;
  });
  const made = element("optgroup", "", ...options);
  made.label = provider;
  return made;
}

async function choose(form) {
  const order = { ...JSON.parse(form.get("scenario")), recipient: form.get("recipient") };
  const response = await fetch("/control/scenarios", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  }).catch(() => null);
  if (response?.ok) return `${order.provider} will play ${order.scenario} for ${order.recipient}.`;
  return response ? `Refused: ${await response.text()}` : "The sandbox did not answer.";
}
