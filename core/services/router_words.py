"""What a router's answers mean, and what to do about them, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.ports.hotspot import Examination, Refusal, Refused, Step, StepResult, Unknown

STEPS: Mapping[Step, str] = {
    Step.NETWORK: "The router can be reached",
    Step.HANDSHAKE: "It speaks the RouterOS API",
    Step.LOGIN: "It lets our account in",
    Step.PERMISSIONS: "Our account may do what is needed",
    Step.SYSTEM: "It tells its version",
    Step.DEVICE_MODE: "Its device-mode allows a hotspot",
    Step.HOTSPOT: "A hotspot is set up",
    Step.CLOCK: "Its clock is right",
}


class _Advice(NamedTuple):
    cause: str
    remedy: str


_ANY_UNREAD = _Advice(
    "The router did not answer this question.",
    "Try again; if it goes on, restart the router's API service or look at its log.",
)

_CAUSES: Mapping[tuple[Step, str], _Advice] = {
    (Step.NETWORK, "unresolvable"): _Advice(
        "The name {host} leads to no address.",
        "Check the spelling, or give the address of the router in the tunnel.",
    ),
    (Step.NETWORK, "not_allowed"): _Advice(
        "{host} is an address that Callbox must not reach.",
        "Routers are reached at public addresses or through a tunnel: have its network added to "
        "ROUTEROS_NETWORKS.",
    ),
    (Step.NETWORK, "unreachable"): _Advice(
        "Nobody answers there ({why}).",
        "Check that the router is on and the tunnel is up, that /ip service has api (8728) or "
        "api-ssl (8729) enabled on this port, and that its firewall and `available-from` let us "
        "in.",
    ),
    (Step.HANDSHAKE, "untrusted"): _Advice(
        "Its certificate is not trusted ({why}).",
        "Give the router a certificate for this host and put its authority's PEM in `certificate`; "
        "or use the plain API inside a tunnel.",
    ),
    (Step.HANDSHAKE, "no_answer"): _Advice(
        "Something takes the connection and says nothing.",
        "Check the port: 8728 is the plain API, 8729 the one with TLS, which needs `tls` on.",
    ),
    (Step.HANDSHAKE, "closed"): _Advice(
        "The connection is taken and closed at once.",
        "Our address may be missing in `available-from` of /ip service, or all of the API's "
        "sessions are taken (20 by default).",
    ),
    (Step.HANDSHAKE, "not_the_api"): _Advice(
        "What answers there is not the RouterOS API.",
        "Check the port: 8728 is the API, 8291 is WinBox, 80 and 443 are the web pages.",
    ),
    (Step.LOGIN, "credentials"): _Advice(
        "The router does not know this account or password; both styles of login were tried.",
        "Set the password again on the router (/user) and here, and check that the account's "
        "`address` lets us in.",
    ),
    (Step.LOGIN, "busy"): _Advice(
        "The router was asked a hundred times this minute already.",
        "Wait a minute and test again.",
    ),
    (Step.PERMISSIONS, "policies_missing"): _Advice(
        "The account's group lacks: {missing}.",
        "Run: /user group set [find name=GROUP] policy=api,read,write,sensitive - and add "
        "ftp,test,reboot for backups.",
    ),
    (Step.SYSTEM, "too_old"): _Advice(
        "It runs RouterOS {version}; 6.40 or newer is needed.",
        "Update the router.",
    ),
    (Step.DEVICE_MODE, "hotspot_forbidden"): _Advice(
        "The device-mode is {mode}, which keeps hotspots switched off: codes would not work.",
        "Run /system device-mode update hotspot=yes, then press the router's button or cut its "
        "power within five minutes.",
    ),
    (Step.HOTSPOT, "none"): _Advice(
        "No hotspot is set up on it.",
        "Run /ip hotspot setup on the router, then test again.",
    ),
    (Step.HOTSPOT, "not_usable"): _Advice(
        "The hotspot ({servers}) is disabled or held back.",
        "Enable it under /ip hotspot, and check its interface and the device-mode.",
    ),
    (Step.HOTSPOT, "no_pap"): _Advice(
        "Login links and QR codes do not work: the hotspot takes no HTTP PAP.",
        "Add http-pap to login-by of the hotspot's profile. Typing the code works without it.",
    ),
    (Step.CLOCK, "drifts"): _Advice(
        "Its clock is {drift_s} seconds from ours.",
        "Set up /system ntp client and the time zone on the router.",
    ),
}

_REFUSALS: Mapping[Refusal, str] = {
    Refusal.AWAY: "The router cannot be reached. Nothing was done.",
    Refusal.RESTING: "The router kept failing and is left alone for a moment. Nothing was done.",
    Refusal.BUSY: "The router was asked as often as it may be this minute. Nothing was done.",
    Refusal.CREDENTIALS: "The router does not know our account or password. Nothing was done.",
    Refusal.UNTRUSTED: "The router's certificate is not trusted. Nothing was done.",
    Refusal.PERMISSION: "Our account may not do this on the router: give its group the policy.",
    Refusal.DEVICE_MODE: "The router's device-mode forbids this.",
    Refusal.EXISTS: "There is one of that name on the router.",
    Refusal.MISSING: "There is no such thing on the router.",
    Refusal.FOREIGN: "Our own connection to the router goes through it: this would lock us out.",
    Refusal.NO_MATCH: "The profile, server or interface that was named is not on the router.",
    Refusal.INVALID: "The router does not take this value.",
    Refusal.UNSUPPORTED: "The router's version of RouterOS cannot do this.",
}

DOUBTED = "The router did not answer to the end: it may have been done. Look before you ask again."

ATTENTION: Mapping[str, str] = {
    "reset": "It lost its users, or is another box: check it, then say that it was attended to.",
    "credentials": "It does not know our account or password any more: set them again.",
    "untrusted": "Its certificate changed: check the router, then give its new authority.",
    "permission": "Our account may not read it: give its group api,read,write,sensitive.",
    "device_mode": "Its device-mode keeps the hotspot off: /system device-mode update hotspot=yes.",
}
"""What a person should do about a router that needs one, by the short word of why."""


@dataclass(frozen=True, slots=True)
class StepTold:
    """One step of an examination. `status`: passed | failed | not_reached."""

    name: str
    about: str
    status: str
    cause: str
    remedy: str
    facts: Mapping[str, str]


def examined(found: Examination) -> Sequence[StepTold]:
    """Every step, those that were not come to as well."""
    done = {result.step: result for result in found.steps}
    return [_step(step, done.get(step)) for step in Step]


def _step(step: Step, result: StepResult | None) -> StepTold:
    if result is None:
        return StepTold(step.value, STEPS[step], "not_reached", "", "", {})
    facts = dict(result.facts)
    if result.well:
        return StepTold(step.value, STEPS[step], "passed", "", "", facts)
    cause, remedy = _CAUSES.get((step, result.cause), _ANY_UNREAD)
    return StepTold(step.value, STEPS[step], "failed", cause.format_map(facts), remedy, facts)


def of_forbidden(host: str) -> str:
    """That nobody goes to this address, and what to set so that they do."""
    cause, remedy = _CAUSES[Step.NETWORK, "not_allowed"]
    return f"{cause.format(host=host)} {remedy}"


def of_refused(refused: Refused) -> str:
    words = _REFUSALS[refused.reason]
    return f"{words} It said: {refused.words}" if refused.words else words


def of_unknown(unknown: Unknown) -> str:
    return f"{DOUBTED} ({unknown.reason})"


def of_miss(missed: str) -> str:
    """Why a look was not answered, by its short word."""
    try:
        return _REFUSALS[Refusal(missed)]
    except ValueError:
        return f"The router did not answer ({missed})."
