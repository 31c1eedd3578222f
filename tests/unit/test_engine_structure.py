"""A flow that could strand a customer cannot be made."""

from collections.abc import Sequence

import pytest

from core.engine.flow import BrokenFlow, Flow, Flows, Shortcut
from core.engine.kinds import COUNT, MONEY, TEXT, Kind
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


async def run(_: object) -> Done:
    return Done("ok")


async def listing(_: object) -> list[Choice]:
    return []


async def check(_: object, __: Masked) -> str:
    return "ok"


END = End("end", "x")


def pin(**exits: str) -> Secret:
    return Secret("pin", "x", check, exits)


@pytest.mark.parametrize(
    ("screens", "fault"),
    [
        pytest.param((), "f has no screens", id="empty"),
        pytest.param((END, END), "f.end is there twice", id="name twice"),
        pytest.param(
            (Ask("a", "x", TEXT, "k", to="gone"), END),
            "f.a leads to 'gone' (answered), which is no screen",
            id="dangling ask",
        ),
        pytest.param(
            (Fact("a", run, {"ok": "gone"}), END),
            "f.a leads to 'gone' (ok), which is no screen",
            id="dangling exit",
        ),
        pytest.param(
            (Act("a", run, {"ok": "end"}, pending="gone", fault="end"), END),
            "f.a leads to 'gone' (pending), which is no screen",
            id="dangling pending",
        ),
        pytest.param(
            (Act("a", run, {"ok": "end"}, pending="end", fault="gone"), END),
            "f.a leads to 'gone' (fault), which is no screen",
            id="dangling fault",
        ),
        pytest.param(
            (Pick("a", "x", listing, keep="k", kind=TEXT, to="end", empty="gone"), END),
            "f.a leads to 'gone' (nothing to choose), which is no screen",
            id="dangling empty",
        ),
        pytest.param(
            (
                Menu("a", "x", (Option("o", "x", to="b"),)),
                Menu("b", "x", (Option("o", "x", to="a"),)),
            ),
            "f.a leads to no end",
            id="no end",
        ),
        pytest.param(
            (
                Fact("a", run, {"ok": "b", "no": "end"}),
                Fact("b", run, {"ok": "a"}),
                END,
            ),
            "f goes round without the customer: a > b",
            id="round without input",
        ),
        pytest.param(
            (pin(ok="end", locked="end"), END), "f.pin has no exit for 'wrong'", id="no wrong"
        ),
        pytest.param(
            (pin(ok="end", wrong="pin"), END), "f.pin has no exit for 'locked'", id="no locked"
        ),
        pytest.param(
            (pin(ok="pin", wrong="pin", locked="end"), END),
            "f.pin leads back to itself by 'ok'",
            id="secret round",
        ),
        pytest.param(
            (
                Secret("pin", "x", check, {"wrong": "end", "locked": "end"}, digits=(2, 4)),
                END,
            ),
            "f.pin takes 2 to 4 digits, where navigation keys have up to two",
            id="short secret",
        ),
        pytest.param(
            (Menu("a", "x", (Option("o", "x", to="end"), Option("o", "x", to="end"))), END),
            "f.a has option 'o' twice",
            id="option twice",
        ),
        pytest.param(
            (Menu("a", "x", (Option("00", "x", to="end"),)), END),
            "f.a has option '00', which answers to a reserved key",
            id="reserved key",
        ),
        pytest.param(
            (Menu("a", "x", (Option("o", "x", to="end", keywords=("98",)),)), END),
            "f.a has option 'o', which answers to a reserved key",
            id="reserved keyword",
        ),
        pytest.param((Fact("a", run, {}), END), "f.a has no exits", id="no exits"),
        pytest.param(
            (Fact("a", run, {"ok": "end"}, bare=("no",)), END),
            "f.a calls 'no' bare, which is no exit of it",
            id="bare",
        ),
        pytest.param(
            (Confirm("a", "x", yes="end", no="end"), END),
            "f.a leads to the same screen for yes and no",
            id="yes is no",
        ),
        pytest.param(
            (Ask("a", "x", TEXT, "k", to="b"), Ask("b", "x", COUNT, "k", to="end"), END),
            "f keeps 'k' as text 40 and, at b, as count 0..999999",
            id="two kinds",
        ),
    ],
)
def test_a_fault_of_one_flow_is_found(screens: Sequence[Node], fault: str) -> None:
    with pytest.raises(BrokenFlow) as broken:
        Flow("f", tuple(screens))

    assert fault in broken.value.faults


def test_a_rename_must_lead_somewhere_safe() -> None:
    secret = pin(ok="end", wrong="pin", locked="end")

    with pytest.raises(BrokenFlow) as broken:
        Flow("f", (secret, END), renamed={"old": "pin", "end": "end", "older": "gone"})

    assert broken.value.faults == (
        "f renames 'old' to 'pin', where nobody may land",
        "f renames 'end', which is still there",
        "f renames 'older' to 'gone', which is no screen",
    )


def test_every_fault_is_listed_at_once() -> None:
    with pytest.raises(BrokenFlow) as broken:
        Flow("f", (Ask("a", "x", TEXT, "k", to="gone"), Fact("b", run, {})))

    assert len(broken.value.faults) >= 3


def home(*screens: Node) -> Flow:
    return Flow("home", screens)


def child(*screens: Node, takes: dict[str, Kind] | None = None) -> Flow:
    return Flow("child", screens, takes=takes or {})


INFO = Menu("info", "x")
CALL = Call("call", "child", to="info")


@pytest.mark.parametrize(
    ("flows", "fault"),
    [
        pytest.param((child(END),), "'home', the main menu, is no flow", id="no home"),
        pytest.param((home(INFO), home(INFO)), "flow home is there twice", id="twice"),
        pytest.param(
            (home(Jump("go", "gone")),), "home.go leads to 'gone', which is no flow", id="jump"
        ),
        pytest.param((home(INFO, END),), "home.end is reached by nothing", id="unreached"),
        pytest.param(
            (home(CALL, INFO), child(END)),
            "home.call calls child, which never returns",
            id="no return",
        ),
        pytest.param(
            (
                home(Call("call", "child", to="info", exits={"no": "info"}), INFO),
                child(Return("r")),
            ),
            "home.call has an exit 'no', by which child never returns",
            id="no such return",
        ),
        pytest.param(
            (home(Call("call", "child", to="info", keep={"k": "k"}), INFO), child(Return("r"))),
            "home.call keeps 'k', which child.r may not bring back",
            id="not brought back",
        ),
        pytest.param(
            (home(CALL, INFO), child(Return("r"), takes={"sum": MONEY})),
            "home.call does not give 'sum', which child takes",
            id="not given",
        ),
        pytest.param(
            (
                home(Call("call", "child", to="info", give={"sum": "k"}), INFO),
                child(Return("r"), takes={"sum": MONEY}),
            ),
            "home.call gives 'k', which may not have been kept",
            id="given without having",
        ),
        pytest.param(
            (
                home(
                    Ask("a", "x", TEXT, "k", to="call"),
                    Call("call", "child", to="info", give={"sum": "k"}),
                    INFO,
                ),
                child(Return("r"), takes={"sum": MONEY}),
            ),
            "home.call gives 'k', a text 40, as money",
            id="given as another kind",
        ),
        pytest.param(
            (home(CALL, INFO), child(Call("again", "child", to="r"), Return("r"))),
            "flows call each other in a ring: child",
            id="ring",
        ),
        pytest.param(
            (
                home(CALL, Jump("info", "other")),
                child(Fact("f", run, {"ok": "r"}), Return("r")),
                Flow("other", (Jump("back", "home"),)),
            ),
            "flows go round without the customer",
            id="round over flows",
        ),
    ],
)
def test_a_fault_between_flows_is_found(flows: Sequence[Flow], fault: str) -> None:
    with pytest.raises(BrokenFlow) as broken:
        Flows(flows, home="home")

    assert any(each.startswith(fault) for each in broken.value.faults)


PAY = Act("pay", run, {"ok": "end"}, pending="end", fault="end")
SHOP = Flow(
    "shop",
    (
        Ask("amount", "x", MONEY, "amount", to="sure", check=run),  # type: ignore[arg-type] # only its presence counts
        Confirm("sure", "x", yes="gate", no="end"),
        Secret("gate", "x", check, {"ok": "pay", "wrong": "gate", "locked": "end"}),
        PAY,
        END,
        Fact("quick", run, {"ok": "sure", "pin": "gate"}),
    ),
)


@pytest.mark.parametrize(
    ("shortcut", "fault"),
    [
        (Shortcut("1", "gone", "x"), "shortcut 1 leads to 'gone', which is no flow"),
        (Shortcut("1", "shop", "gone"), "shortcut 1 leads to 'gone', no screen of shop"),
        (Shortcut("x", "shop", "amount"), "shortcut x cannot be dialled"),
        (
            Shortcut("1", "shop", "sure", args=("name",)),
            "shortcut 1 gives 'name', which shop does not keep",
        ),
        (
            Shortcut("1", "shop", "sure", args=("name",)),
            "shortcut 1 has nowhere to ask for 'name'",
        ),
        (
            Shortcut("1", "shop", "sure", args=("amount",)),
            "shortcut 1 gives 'amount' without the check that amount makes",
        ),
        (
            Shortcut("1", "shop", "sure", bare="x"),
            "shortcut 1 is entered by one answer alone and takes 0",
        ),
        (Shortcut("1", "shop", "pay"), "shortcut 1 opens pay, where nobody may land"),
        (Shortcut("1", "shop", "gate"), "shortcut 1 opens gate, where nobody may land"),
        (Shortcut("1", "shop", "quick"), "shortcut 1 opens quick and so reaches pay without sure"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.node,
)
def test_a_shortcut_must_be_safe(shortcut: Shortcut, fault: str) -> None:
    with pytest.raises(BrokenFlow) as broken:
        Flows((home(Jump("go", "shop")), SHOP), home="home", shortcuts=(shortcut,))

    assert fault in broken.value.faults


def test_an_answer_is_kept_only_where_every_path_keeps_it() -> None:
    flow = home(
        Menu("a", "x", (Option("o", "x", to="b", keep={"k": "v"}), Option("p", "x", to="c"))),
        Fact("b", run, {"ok": "c", "no": "d"}, keeps={"m": COUNT}, bare=("no",)),
        Menu("c", "x"),
        Fact("d", run, {"ok": Exit("e", {"n": COUNT}), "shop.shut": "c"}, keeps={"m": COUNT}),
        Menu("e", "x"),
    )

    kept = Flows((flow,), home="home").kept("home")

    assert kept == {
        "a": frozenset(),
        "b": frozenset({"k"}),
        "c": frozenset(),
        "d": frozenset({"k"}),
        "e": frozenset({"k", "m", "n"}),
    }
