// The sandbox's control calls: what people do in a chat app, and what their phones show.

const JSON_TYPE = { "content-type": "application/json" };

/** What `GET /control/{path}` tells; null when the sandbox cannot say just now. */
export async function ask(path) {
  try {
    const response = await fetch(`/control/${path}`);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** Posts `body` to `/control/{path}`. "" when it was done, or else why not, in words. */
export async function act(path, body = {}) {
  try {
    const response = await fetch(`/control/${path}`, {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    });
    if (response.ok) return "";
    const told = await response.json().catch(() => ({}));
    return told.error ?? `The sandbox said ${response.status}.`;
  } catch {
    return "The sandbox did not answer.";
  }
}

/** Has the sandbox play `scenario`, as `POST /control/scenarios` takes it. */
export function play(provider, scenario, recipient, more = {}) {
  return act("scenarios", { provider, scenario, recipient: String(recipient), ...more });
}
