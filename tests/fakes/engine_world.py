"""A shop with every kind of node, for the engine to be tried on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.engine.flow import Flow, Flows, Shortcut
from core.engine.kinds import COUNT, MSISDN, OPAQUE, Locale, bounded_money, named, text
from core.engine.machine import Machine, Outcome
from core.engine.outcomes import Choice, Done, Masked
from core.engine.screens import (
    Act,
    Ask,
    Call,
    Confirm,
    End,
    Exit,
    Fact,
    Jump,
    Menu,
    Node,
    Option,
    Pick,
    Return,
    Secret,
)
from core.engine.step import Effect
from core.kit.errors import Problem
from core.kit.texts import Texts

LOCALE = Locale("en", "NG", "NGN", "Africa/Lagos")
NETWORK = named("network", {"mtn": "MTN", "airtel": "Airtel"})
PRICE = bounded_money(50_00, 50_000_00)


@dataclass
class Shop:
    """What the flow's functions find outside. A name in `scripted` overrides what is answered."""

    pin: str = "4821"
    tries: int = 3
    bundles: int = 3
    fee: int = 10_00
    scripted: dict[str, Outcome] = field(default_factory=dict)
    seen: list[Effect] = field(default_factory=list)
    paid: dict[str, int] = field(default_factory=dict)


@dataclass
class Visit:
    """The context of one effect."""

    shop: Shop
    effect: Effect

    @property
    def answers(self) -> Mapping[str, Any]:
        return self.effect.answers


async def network(visit: Visit) -> Done | str:
    number = str(visit.answers["msisdn"])
    return Done("known", {"network": "mtn"}) if number.startswith("234803") else "unknown"


async def bundles(visit: Visit) -> list[Choice]:
    return [
        Choice(f"b{n}", f"N{n * 100} for {n} day", keep={"amount": n * 100_00})
        for n in range(1, visit.shop.bundles + 1)
    ]


async def affordable(visit: Visit) -> None:
    if visit.answers["amount"] > 20_000_00:
        raise Problem("shop.too_much", most="N20,000")


async def quote(visit: Visit) -> Done:
    return Done("ok", {"total": visit.answers["amount"] + visit.shop.fee})


async def own(_: Visit) -> Done:
    return Done("ok", {"msisdn": "2348051234567"})


async def pay(visit: Visit) -> Done:
    visit.shop.paid.setdefault(visit.effect.key, visit.answers["total"])
    return Done("paid", {"reference": f"R{len(visit.shop.paid)}"})


async def check_pin(visit: Visit, pin: Masked) -> Done:
    if pin.reveal() == visit.shop.pin:
        return Done("right")
    visit.shop.tries -= 1
    if visit.shop.tries:
        return Done("wrong", {"tries_left": visit.shop.tries})
    return Done("locked")


async def first_typing(_: Visit, pin: Masked) -> Done | str:
    if len(set(pin.reveal())) == 1:
        raise Problem("pin.weak")
    return Done("ok", {"digest": f"#{hash(pin.reveal()) % 997}"})


async def second_typing(visit: Visit, pin: Masked) -> str:
    same = visit.answers["digest"] == f"#{hash(pin.reveal()) % 997}"
    return "ok" if same else "wrong"


async def save_name(_: Visit) -> str:
    return "saved"


BUY = Flow(
    name="buy",
    menu="buy.menu",
    keywords=("airtime", "top up"),
    screens=(
        Menu(
            "who",
            "buy.who",
            (
                Option("me", "buy.me", to="own", keep={"for_whom": "self"}, keywords=("self",)),
                Option("other", "buy.other", to="number", keep={"for_whom": "other"}),
            ),
        ),
        Fact("own", own, {"ok": "which"}, keeps={"msisdn": MSISDN}),
        Ask("number", "buy.number", MSISDN, keep="msisdn", to="which"),
        Fact("which", network, {"known": "bundle", "unknown": "network"}, bare=("unknown",),
             keeps={"network": NETWORK}),
        Menu(
            "network",
            "buy.network",
            (
                Option("mtn", "buy.mtn", to="bundle", keep={"network": "mtn"}),
                Option("airtel", "buy.airtel", to="bundle", keep={"network": "airtel"}),
            ),
        ),
        Pick("bundle", "buy.bundle", bundles, keep="amount", kind=PRICE, to="quote",
             empty="amount", also=(Option("own", "buy.own_amount", to="amount"),)),
        Ask("amount", "buy.amount", PRICE, keep="amount", to="quote", check=affordable),
        Fact("quote", quote, {"ok": "review"}, keeps={"total": PRICE}),
        Confirm("review", "buy.review", yes="gate", no="cancelled"),
        Call("gate", "gate", to="pay", give={"price": "total"}, keep={"proof": "proof"},
             exits={"refused": "cancelled"}),
        Act("pay", pay, {"paid": "done", "shop.closed": "closed"}, pending="slow", fault="broken",
            keeps={"reference": text(12)}),
        End("done", "buy.done"),
        End("slow", "buy.slow"),
        End("broken", "buy.broken"),
        End("closed", "buy.closed"),
        End("cancelled", "buy.cancelled"),
    ),
)  # fmt: skip

GATE = Flow(
    name="gate",
    takes={"price": PRICE},
    screens=(
        Secret("pin", "gate.pin", check_pin, {
            "right": "prove", "wrong": Exit("again", {"tries_left": COUNT}), "locked": "locked",
        }),
        Secret("again", "gate.again", check_pin, {
            "right": "prove", "wrong": Exit("again", {"tries_left": COUNT}), "locked": "locked",
        }),
        Fact("prove", lambda _: _done("ok", {"proof": "yes"}), {"ok": "sure"},
             keeps={"proof": text(5)}),
        Confirm("sure", "gate.sure", yes="passed", no="refused"),
        Return("passed"),
        Return("refused", exit="refused"),
        End("locked", "gate.locked"),
    ),
)  # fmt: skip


async def _done(exit_: str, keep: Mapping[str, Any]) -> Done:
    return Done(exit_, keep)


PIN = Flow(
    name="pin",
    menu="pin.menu",
    screens=(
        Secret("first", "pin.first", first_typing, {"ok": "second", "wrong": "first"},
               keeps={"digest": OPAQUE}, choosing=True),
        Secret("second", "pin.second", second_typing, {"ok": "set", "wrong": "first"},
               choosing=True),
        End("set", "pin.set"),
    ),
)  # fmt: skip

PROFILE = Flow(
    name="profile",
    menu="profile.menu",
    screens=(
        Menu("what", "profile.what", (
            Option("name", "profile.name", to="name"),
            Option("rules", "profile.rules", to="rules"),
            Option("buy", "profile.buy", to="buy"),
        )),
        Ask("name", "profile.ask_name", text(20), keep="name", to="save"),
        Act("save", save_name, {"saved": "saved"}, pending="saved", fault="saved", commits=False),
        Menu("saved", "profile.saved"),
        Menu("rules", "profile.long_rules"),
        Jump("buy", "buy"),
    ),
)  # fmt: skip

HOME = Flow(
    name="home",
    screens=(
        Menu("menu", "home.title", (
            Option("buy", "buy.menu", to="buy"),
            Option("pin", "pin.menu", to="pin"),
            Option("profile", "profile.menu", to="profile"),
        )),
        Jump("buy", "buy"),
        Jump("pin", "pin"),
        Jump("profile", "profile"),
    ),
)  # fmt: skip

DIAL = Shortcut(
    "1", flow="buy", node="which", args=("msisdn",), optional=("amount",),
    keep={"for_whom": "other"}, otherwise={"amount": "which"},
)  # fmt: skip

RULES = " ".join(f"Rule {n}: be kind to the person who sells you airtime." for n in range(1, 7))

ENGLISH = {
    "common.yes": "Yes",
    "common.no": "No",
    "common.back": "Back",
    "common.home": "Main menu",
    "common.home_short": "Menu",
    "common.more": "More",
    "common.choose": "Please choose one of these.",
    "common.choose_short": "Choose one:",
    "common.decide": "Please finish this one or cancel it first.",
    "common.resume": "Welcome back. Go on?",
    "common.continue": "Continue",
    "common.updated": "We have improved this service.",
    "common.restart": "That took too many steps.",
    "common.sorry": "Sorry, something went wrong on our side.",
    "common.no_shortcut": "We do not know that code.",
    "common.no_command": "We do not know that command.",
    "common.expired": "That menu has expired.",
    "common.open_list": "Choose",
    "common.unlock": "Enter PIN",
    "common.share_number": "Share my number",
    "secret.out_of_sight": "Use the button.",
    "secret.digits": "Please enter {count} digits.",
    "secret.digits_between": "Please enter {min} to {max} digits.",
    "amount.unreadable": "Please enter an amount.",
    "amount.too_small": "The least is {min}.",
    "amount.too_large": "The most is {max}.",
    "amount.not_whole": "No kobo, please.",
    "msisdn.unreadable": "Please enter a mobile number.",
    "text.empty": "Please enter at least one letter.",
    "text.too_long": "At most {max} letters.",
    "home.title": "Welcome to the shop",
    "buy.menu": "Buy airtime",
    "buy.who": "For whom?",
    "buy.me": "Myself",
    "buy.other": "Somebody else",
    "buy.number": "Which number?",
    "buy.network": "Which network is {msisdn} on?",
    "buy.mtn": "MTN",
    "buy.airtel": "Airtel",
    "buy.bundle": "How much for {msisdn}?",
    "buy.own_amount": "Other amount",
    "buy.amount": "How much, from N50?",
    "buy.review": "{msisdn} gets {amount}. You pay {total}.",
    "buy.done": "{msisdn} has {amount} now. Reference {reference}.",
    "buy.slow": "It takes a while. We will message you.",
    "buy.broken": "We cannot say what came of it. You will not pay twice.",
    "buy.closed": "The shop is closed. Nothing was taken.",
    "buy.cancelled": "Cancelled. Nothing was taken.",
    "gate.pin": "PIN to pay {price}:",
    "gate.again": "Wrong. {tries_left} left. PIN:",
    "gate.sure": "Really pay {price}?",
    "gate.locked": "Too many tries.",
    "shop.too_much": "No more than {most} today.",
    "pin.menu": "Change PIN",
    "pin.first": "New PIN:",
    "pin.second": "The same again:",
    "pin.set": "Your PIN is set.",
    "pin.weak": "Too easy to guess.",
    "profile.menu": "Profile",
    "profile.what": "Your profile",
    "profile.name": "Name",
    "profile.rules": "Rules",
    "profile.buy": "Buy airtime",
    "profile.ask_name": "What is your name?",
    "profile.saved": "Thank you, {name}.",
    "profile.long_rules": RULES,
}

FLOWS = Flows((HOME, BUY, GATE, PIN, PROFILE), home="home", shortcuts=(DIAL,))
TEXTS = Texts({"en": ENGLISH})
MACHINE = Machine(FLOWS, TEXTS)


def with_flows(*changed: Flow, renamed: Mapping[str, str] | None = None) -> Machine:
    """The shop of another release: these flows in place of those with the same name."""
    by_name = {flow.name: flow for flow in changed}
    flows = [by_name.get(flow.name, flow) for flow in FLOWS.all]
    return Machine(Flows(flows, home="home", shortcuts=(DIAL,), renamed=renamed), TEXTS)


def changed(flow: Flow, **nodes: Node) -> Flow:
    """The flow of another release, with these nodes in place of those of the same name."""
    screens = tuple(nodes.get(node.name, node) for node in flow.screens)
    return replace(flow, screens=screens)
