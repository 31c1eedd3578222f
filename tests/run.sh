#!/bin/sh
# Runs every test. Finds Chromium for the page tests, installs it from Debian where it may, and
# otherwise runs the rest and says at the end what did not run. With CI set nothing may be left out.
set -u
bin=${CALLBOX_BIN:-.venv/bin}
missing=""

find_chromium() {
    for name in "${CALLBOX_CHROMIUM:-}" chromium chromium-browser google-chrome; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && { command -v "$name"; return 0; }
    done
    return 1
}

if ! chromium=$(find_chromium); then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Chromium for the page tests (Debian's package) ..."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    fi
    chromium=$(find_chromium) || missing="the page tests (marker: browser): no Chromium here; install your system's chromium package"
fi
[ -n "$chromium" ] && export CALLBOX_CHROMIUM="$chromium"

if [ -n "$missing" ] && [ -n "${CI:-}" ]; then
    echo "CI leaves nothing out, and this could not run: $missing" >&2
    exit 1
fi

[ -n "$missing" ] && set -- -m "not browser" "$@"
# From the rules to the whole: what fails small fails first.
"$bin/python" -m pytest -q tests/unit tests/contract tests/integration tests/conversations tests/e2e "$@"
status=$?

[ -n "$missing" ] && printf '\nDid not run: %s\n' "$missing"
exit "$status"
