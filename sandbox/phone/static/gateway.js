// The way to Callbox: the sandbox carries each body there unchanged and says what came back.

const DOORS = { turn: "/phone/turn", notice: "/phone/notice" };

/**
 * Posts `body` and answers `{path, status, content_type, body, digest, elapsed_ms, error}`.
 * Never throws: `error` says in words why there is no answer, and is empty when there is one.
 */
export async function post(door, body) {
  try {
    const response = await fetch(DOORS[door], {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body,
    });
    if (response.ok) return await response.json();
    return missing(door, `The sandbox answered ${response.status}.`);
  } catch {
    return missing(door, "The sandbox did not answer.");
  }
}

function missing(door, error) {
  const path = DOORS[door];
  return { path, status: null, content_type: "", body: "", digest: "", elapsed_ms: 0, error };
}
