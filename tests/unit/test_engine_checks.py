"""Before the program starts: every word exists, was kept and fits; and running talks survive."""

from xml.etree import ElementTree as Xml

import pytest

from core.engine import diagram, paging
from core.engine.checks import Severity, check
from core.engine.flow import Flow, Flows
from core.engine.kinds import COUNT, OPAQUE, TEXT
from core.engine.manifest import compare, manifest
from core.engine.outcomes import Done, Masked
from core.engine.screens import (
    Act,
    Ask,
    Call,
    Confirm,
    End,
    Fact,
    Jump,
    Menu,
    Node,
    Option,
    Return,
    Secret,
)
from core.kit.texts import Texts
from tests.fakes.engine_world import BUY, ENGLISH, FLOWS, LOCALE, TEXTS

CHANNELS = (paging.USSD, paging.TELEGRAM, paging.WHATSAPP)


async def run(_: object) -> Done:
    return Done("ok")


async def checked(_: object, __: Masked) -> str:
    return "ok"


def found(
    *screens: Node, texts: dict[str, str] | None = None, **others: dict[str, str]
) -> list[str]:
    flows = Flows((Flow("home", screens),), home="home")
    catalogues = {"en": ENGLISH | (texts or {}), **others}
    return [str(finding) for finding in check(flows, Texts(catalogues), CHANNELS, LOCALE)]


def test_the_shop_is_sound() -> None:
    assert check(FLOWS, TEXTS, CHANNELS, LOCALE) == []


@pytest.mark.parametrize(
    ("screens", "texts", "finding"),
    [
        pytest.param(
            (Menu("m", "no.text"),), {}, "error: home.m: text 'no.text' is missing", id="text"
        ),
        pytest.param(
            (Menu("m", "m", (Option("o", "no.label", to="e"),)), End("e", "m")),
            {"m": "x"},
            "error: home.m: text 'no.label' is missing",
            id="label",
        ),
        pytest.param(
            (Ask("a", "m", COUNT, "k", to="e"), End("e", "m")),
            {"m": "x"},
            "error: home.a: text 'count.unreadable' is missing",
            id="a problem's text",
        ),
        pytest.param(
            (Menu("m", "m"),),
            {"m": "{k}"},
            "error: home.m: shows {k}, which is never kept",
            id="kept",
        ),
        pytest.param(
            (
                Fact("f", run, {"ok": "m", "no": "m"}, keeps={"k": TEXT}, bare=("no",)),
                Menu("m", "m"),
            ),
            {"m": "{k}"},
            "error: home.m: shows {k}, which may not have been kept",
            id="kept on one path",
        ),
        pytest.param(
            (Fact("f", run, {"ok": "m"}, keeps={"k": OPAQUE}), Menu("m", "m")),
            {"m": "{k}"},
            "error: home.m: shows {k}, which is not to be seen",
            id="opaque",
        ),
        pytest.param(
            (Ask("a", "m", TEXT, "k", to="e"), End("e", "m")),
            {"m": "long " * 40},
            "error: home.a: takes 2 pages on ussd in 'en'",
            id="a question over two pages",
        ),
        pytest.param(
            (
                Ask("a", "common.yes", TEXT, "k", to="c"),
                Confirm("c", "m", yes="e", no="f"),
                End("e", "common.yes"),
                End("f", "common.no"),
            ),
            {"m": "Really? " * 12 + "{k}"},
            "error: home.c: takes 2 pages on ussd in 'en'",
            id="too long with the longest value",
        ),
        pytest.param(
            (Menu("m", "common.yes", (Option("o", "m", to="e"),)), End("e", "common.yes")),
            {"m": "M" * 41},
            f"error: home.m: label '{'M' * 41}' is cut on ussd in 'en'",
            id="label too long",
        ),
        pytest.param(
            (Menu("m", "m"),),
            {"m": "\u4f60\u597d"},
            "error: home.m: holds '\u4f60\u597d', which becomes '??' on ussd in 'en'",
            id="foreign letters",
        ),
    ],
)
def test_a_fault_in_the_words_is_found(
    screens: tuple[Node, ...], texts: dict[str, str], finding: str
) -> None:
    assert finding in found(*screens, texts=texts)


async def unchecked(_: object) -> None: ...


@pytest.mark.parametrize(
    ("ask", "finding"),
    [
        pytest.param(
            Ask("a", "m", COUNT, "k", to="e"),
            "does not fit with 'Please enter a number.' above it",
            id="what cannot be read",
        ),
        pytest.param(
            Ask("a", "m", TEXT, "k", to="e", check=unchecked),
            f"does not fit with '{'M' * 40}' above it",
            id="what a check refuses",
        ),
        pytest.param(
            Secret("a", "m", checked, {"ok": "e", "wrong": "a"}, choosing=True),
            "does not fit with 'Please enter 4 digits.' above it",
            id="a secret",
        ),
    ],
)
def test_a_question_must_fit_with_what_is_said_before_it_is_asked_again(
    ask: Node, finding: str
) -> None:
    count = {"count.unreadable": "Please enter a number.", "count.out_of_range": "{min} to {max}."}
    long, short = count | {"m": "long " * 26 + "?"}, count | {"m": "long " * 10 + "?"}

    where = f"error: home.a: {finding} on ussd in 'en'"

    menu = Menu("menu", "common.yes", (Option("on", "common.yes", to="a"),))
    screens = (menu, ask, End("e", "common.yes"))

    assert where in found(*screens, texts=long)
    assert found(*screens, texts=short) == []


def test_a_secret_must_fit_with_what_its_caller_says_it_is_about() -> None:
    pay = Flow(
        "home", (Menu("m", "common.yes", _ON), Call("c", "pin", to="e", about="about"), _END)
    )
    pin = Flow("pin", (Secret("a", "q", checked, {"ok": "r", "wrong": "a"}, choosing=True), _BACK))
    flows = Flows((pay, pin), home="home")

    def problems(about: str) -> list[str]:
        texts = Texts({"en": ENGLISH | {"about": about, "q": "Your PIN?"}})
        return [str(each) for each in check(flows, texts, CHANNELS, LOCALE)]

    assert problems("You pay N500.") == []
    assert problems("pay " * 50) == [
        "error: pin.a: takes 2 pages under home.c on ussd in 'en'",
    ]
    assert problems("You pay {total}.") == ["error: home.c: shows {total}, which is never kept"]


def test_every_language_must_fit() -> None:
    screens = (Ask("a", "q", TEXT, "k", to="e"), End("e", "q"))
    yoruba = ENGLISH | {"q": "gun " * 45}

    assert found(*screens, texts={"q": "Short?"}, yo=yoruba) == [
        "error: home.a: takes 2 pages on ussd in 'yo'"
    ]


def test_languages_with_other_names_are_found() -> None:
    assert "error: yo: 'm' has {b} where English has {a}" in found(
        Menu("m", "common.yes"), texts={"m": "{a}"}, yo=ENGLISH | {"m": "{b}"}
    )


def test_a_flow_that_nothing_leads_into_is_found() -> None:
    home = Flow("home", (Menu("m", "common.yes"),))
    lone = Flow("lone", (Menu("m", "common.yes"),))
    back = Flow("back", (Return("r"),))
    jumps = Flow(
        "home",
        (Menu("m", "common.yes", (Option("o", "common.yes", to="j"),)), Jump("j", "back")),
    )

    def problems(*flows: Flow) -> list[str]:
        every = Flows(flows, home="home")
        return [str(each) for each in check(every, TEXTS, CHANNELS, LOCALE)]

    assert problems(home, lone) == ["error: lone: nothing leads into this flow"]
    assert problems(jumps, back) == ["error: back: returns, but nothing calls it"]


_ON = (Option("on", "common.yes", to="c"),)
_END = End("e", "common.yes")
_BACK = Return("r")


# Releases.


def of(*screens: Node, renamed: dict[str, str] | None = None) -> Flows:
    return Flows((Flow("home", screens, renamed=renamed or {}),), home="home")


_KIND_CHANGED = (
    "error: home: answer 'k' was text 40 and is count 0..999999: keep it under a new name"
)
BEFORE = manifest(of(Ask("a", "x", TEXT, "k", to="b"), Menu("b", "x")))


def test_the_same_flows_have_the_same_fingerprint() -> None:
    assert manifest(FLOWS) == manifest(FLOWS)
    assert compare(manifest(FLOWS), manifest(FLOWS)) == []
    assert manifest(FLOWS)["fingerprint"] != BEFORE["fingerprint"]


@pytest.mark.parametrize(
    ("after", "problems"),
    [
        pytest.param(
            of(Ask("a", "x", TEXT, "k", to="c"), Menu("c", "x")),
            ["error: home.b: is gone and not renamed"],
            id="gone",
        ),
        pytest.param(
            of(Ask("a", "x", TEXT, "k", to="c"), Menu("c", "x"), renamed={"b": "c"}),
            [],
            id="renamed",
        ),
        pytest.param(
            of(Ask("a", "x", COUNT, "k", to="b"), Menu("b", "x")),
            [
                _KIND_CHANGED,
            ],
            id="another kind",
        ),
        pytest.param(
            of(
                Ask("a", "x", TEXT, "k", to="b"),
                Act("b", run, {"ok": "e"}, pending="e", fault="e"),
                End("e", "x"),
            ),
            ["warning: home.b: was Menu and is Act"],
            id="another kind of node",
        ),
    ],
)
def test_a_release_must_not_strand_running_conversations(after: Flows, problems: list[str]) -> None:
    assert [str(finding) for finding in compare(BEFORE, manifest(after))] == problems


def test_a_flow_that_is_gone_is_found_unless_renamed() -> None:
    shop = Flow("shop", (Menu("m", "x"),), keywords=("shop",))
    store = Flow("store", (Menu("m", "x"),), keywords=("shop",))
    home = Flow("home", (Menu("m", "x"),))
    before = manifest(Flows((home, shop), home="home"))

    gone = compare(before, manifest(Flows((home, store), home="home")))
    moved = compare(before, manifest(Flows((home, store), home="home", renamed={"shop": "store"})))

    assert [(each.severity, each.flow) for each in gone] == [(Severity.ERROR, "shop")]
    assert moved == []


# Pictures.


def test_a_picture_shows_every_node_and_every_way() -> None:
    picture = diagram.svg(BUY)
    root = Xml.fromstring(picture)
    words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]

    assert {node.name for node in BUY.screens} - {"gate"} <= set(words)
    assert "gate > gate" in words
    assert "shop.closed" in words
    assert picture == diagram.svg(BUY)
    assert "href" not in picture


def test_mermaid_names_every_edge_once() -> None:
    source = diagram.mermaid(BUY)

    for name, edges in BUY.ways.items():
        for edge in edges:
            lines = [
                line for line in source.split("\n") if line.startswith(f"  {name} -->")
                and line.endswith(f"| {edge.to}")
            ]  # fmt: skip
            assert len(lines) == 1
            assert edge.label in lines[0]


def test_a_flow_that_goes_round_can_be_drawn() -> None:
    round_flow = Flow(
        "round",
        (
            Menu("a", "x", (Option("on", "x", to="b"), Option("self", "x", to="a"))),
            Menu("b", "x", (Option("back", "x", to="a"), Option("end", "x", to="c"))),
            Menu("c", "x"),
        ),
    )

    assert Xml.fromstring(diagram.svg(round_flow)).get("aria-label") == "Flow round"
