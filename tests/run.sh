#!/bin/sh
# Runs every test. Finds Chromium and FreeRADIUS, installs them from Debian where it may, and
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

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1
}

debian() {
    echo "Installing from Debian's packages: $* ..."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_freeradius() {
    for program in freeradius radclient; do
        PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null 2>&1 || return 1
    done
    [ -e /usr/lib/freeradius/rlm_sql_postgresql.so ] && [ -r /etc/freeradius/3.0/mods-config ]
}

# Without its service, now and after the next start: tests start their own.
install_freeradius() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    else
        policy=""
    fi
    debian freeradius freeradius-postgresql freeradius-utils
    [ -n "$policy" ] && rm -f "$policy" && trap - EXIT
    command -v systemctl >/dev/null 2>&1 && systemctl disable --quiet freeradius 2>/dev/null
    has_freeradius
}

left_out() {
    missing="$missing$1
"
    marks="$marks${marks:+ and }not $2"
}

marks=""
if ! chromium=$(find_chromium); then
    may_install && debian chromium
    chromium=$(find_chromium) || left_out "the page tests: no Chromium here; install your system's chromium package" browser
fi
[ -n "$chromium" ] && export CALLBOX_CHROMIUM="$chromium"
has_freeradius || { may_install && install_freeradius; } ||
    left_out "the RADIUS tests: no FreeRADIUS 3 with PostgreSQL here; on Debian: freeradius freeradius-postgresql freeradius-utils" radius

if [ -n "$missing" ] && [ -n "${CI:-}" ]; then
    printf 'CI leaves nothing out, and this could not run:\n%s' "$missing" >&2
    exit 1
fi

[ -n "$marks" ] && set -- -m "$marks" "$@"

# All that tests write goes into one folder of this run, in memory where there is plenty of it: making
# a database is thousands of small files. Who may pass through it: root's servers run as nobody.
enough_kb=6000000
room=${TMPDIR:-/tmp}
free_kb() { df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }'; }
[ -w /dev/shm ] && [ "$(free_kb || echo 0)" -gt "$enough_kb" ] 2>/dev/null && room=/dev/shm
TMPDIR=$(mktemp -d "$room/callbox-tests.XXXXXX") || exit 1
export TMPDIR
chmod 711 "$TMPDIR"

leftover() {
    found=""
    for process in /proc/[0-9]*; do
        pid=${process#/proc/}
        [ "$pid" = "$$" ] && continue
        if tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -qxF "TMPDIR=$TMPDIR" ||
            tr '\0' '\n' 2>/dev/null <"$process/cmdline" | grep -qF "$TMPDIR/"; then
            found="$found $pid"
        fi
    done
    [ -n "$found" ] && echo "$found"
}

# Whatever ends this run, nothing of it is left: neither a process nor a file.
tidy() {
    trap - EXIT HUP INT TERM
    for signal in INT KILL; do
        left=$(leftover) && kill -s "$signal" $left 2>/dev/null && sleep 2
    done
    rm -rf "$TMPDIR"
}
trap tidy EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Side by side, most of a test being waiting; the folders that take longest begin first.
"$bin/python" -m pytest -q -n "${CALLBOX_TEST_WORKERS:-3}" \
    tests/e2e tests/conversations tests/integration tests/contract tests/unit "$@"
status=$?

[ -n "$missing" ] && printf '\nDid not run:\n%s' "$missing"
exit "$status"
