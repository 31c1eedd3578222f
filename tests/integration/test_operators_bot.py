"""What operators do from a chat: by their role, in two steps where money moves, and on record."""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from bots.operators import acting
from bots.operators.commands import COMMANDS
from cli.demo import TENANT
from core.domain.operators import Role
from core.domain.payouts import PayoutState
from core.kit.clock import SetClock
from core.kit.errors import Fault
from core.ports import NewCase
from core.ports.desk import Learned
from core.store.cases import PgCases
from core.store.database import Database
from core.store.embedded import ServiceUrls
from tests.contract.admin.test_payout_commands import waiting
from tests.fakes.books import Books, open_books
from tests.fakes.bot_api import Sent
from tests.fakes.operators import Desk, open_desk
from tests.fakes.waiting import until

MORNING = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
TOPE, UCHE, BOLA, SEUN, STRANGER = 501, 502, 503, 504, 999
GROUP = -700


@pytest.fixture
async def desk(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_desk(urls, tmp_path, SetClock(MORNING)) as opened:
        opened.start()
        yield opened


@pytest.fixture
async def books(desk: Desk, database: Database) -> Books:
    """The demo tenant's books."""
    channel = await desk.house.channel()
    opened = await open_books(database, key="other")
    return replace(opened, tenant=TENANT, channel=channel)


async def in_doubt(books: Books, number: int = 1) -> str:
    """The reference of an order of which N500 is held."""
    customer = await books.customer(number, funds=1000_00)
    order = await books.begun(customer, amount=500_00)
    await books.claimed(order)
    return order.reference


async def state_of(desk: Desk, reference: str) -> str:
    detail = await desk.core.order_actions.show(TENANT.id, reference)
    return detail.listed.order.state.value


async def test_a_stranger_gets_one_polite_line_and_nothing_else(desk: Desk) -> None:
    for text in ("/status", "hello", "/order ABC", "/join"):
        desk.api.writes(STRANGER, text)
    desk.api.writes(STRANGER, "/status", chat_id=GROUP)
    await desk.api.idle()

    [line] = desk.api.texts(STRANGER)
    assert "people who run this shop" in line
    assert desk.api.texts(GROUP) == []


async def test_a_code_makes_an_operator_once(desk: Desk) -> None:
    code = await desk.core.operations.desk.add(TENANT.id, "Tope", Role.SUPPORT, "cli:root")
    assert "not known" in (await desk.api.asked(STRANGER, "/join WRONG")).text

    welcome = await desk.api.asked(TOPE, f"/join {code[:6]}-{code[6:].lower()}")
    again = await desk.api.asked(TOPE, f"/join {code}")
    other = await desk.api.asked(STRANGER, f"/join {code}")

    assert welcome.text.startswith("Welcome, Tope: support of Callbox demo")
    wrong = await desk.api.asked(TOPE, "/join WRONGCODE")
    for later in (again, wrong):  # whoever is in is not welcomed by a code that was not theirs
        assert later.text.startswith("You have joined already, Tope: support of Callbox demo")
    assert "was used" in other.text
    assert await desk.core.operations.desk.known(STRANGER) is None


async def test_a_code_lasts_a_day(desk: Desk) -> None:
    code = await desk.core.operations.desk.add(TENANT.id, "Tope", Role.ADMIN, "cli:root")
    desk.house.clock.advance(86_401)

    assert "too old" in (await desk.api.asked(TOPE, f"/join {code}")).text


async def test_codes_are_not_guessed_for_long(desk: Desk) -> None:
    for _ in range(8):
        desk.api.writes(STRANGER, "/join 0000-0000-0000")
    await desk.api.idle()
    code = await desk.core.operations.desk.add(TENANT.id, "Tope", Role.ADMIN, "cli:root")
    desk.api.writes(STRANGER, f"/join {code}")
    await desk.api.idle()

    assert await desk.core.operations.desk.known(STRANGER) is None


async def test_whoever_is_removed_is_a_stranger_at_once(desk: Desk) -> None:
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    assert "Tope, admin" in (await desk.api.asked(TOPE, "/help")).text
    await desk.api.asked(TOPE, "/subscribe")
    await desk.core.operations.desk.remove(TENANT.id, "Tope", "cli:root")

    assert "people who run this shop" in (await desk.api.asked(TOPE, "/help")).text


async def test_status_tells_of_each_part(desk: Desk) -> None:
    await desk.joins(TOPE, "Tope", Role.VIEWER)

    said = (await desk.api.asked(TOPE, "/status@operators_bot")).text

    for part in ("database: well", "redis: well", "worker: well", "chats: well", "open alerts: 0"):
        assert part in said, said


async def test_what_only_looks_looks(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.VIEWER)
    order, payout = await in_doubt(books), await waiting(books, 2)

    said = {
        name: (await desk.api.asked(TOPE, f"/{name} {reference}".strip())).text
        for name, reference in (
            ("providers", ""),
            ("routers", ""),
            ("order", order.lower()),
            ("payout", payout),
            ("cases", ""),
            ("digest", ""),
            ("alerts", ""),
        )
    }

    assert "airtime at vtpass: score" in said["providers"]
    assert "circuit closed" in said["providers"]
    assert said["routers"].startswith("Routers: 1 offline")
    assert "Callbox Cafe" in said["routers"]
    assert f"Order {order}: held" in said["order"]
    assert "1. vtpass, sent" in said["order"]
    assert f"/refund {order} REASON" in said["order"]
    assert "Guaranty Trust Bank ..6789" in said["payout"]
    assert f"/settle {payout} paid|not-paid EVIDENCE" in said["payout"]
    assert said["cases"] == "No case is open."
    assert "- held: 1, N500" in said["digest"]
    assert said["alerts"] == "Nothing is wrong."
    whole = "\n".join(said.values())
    assert "2348030000001" not in whole
    assert "ADA OKAFOR" not in whole


async def test_a_router_that_is_not_there_is_not_none_at_all(desk: Desk) -> None:
    await desk.joins(TOPE, "Tope", Role.VIEWER)

    said = (await desk.api.asked(TOPE, "/routers nope")).text

    assert said == "No router is called 'nope'. /routers shows all of them."


async def test_what_is_of_another_tenant_is_unknown(desk: Desk, database: Database) -> None:
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    others = await open_books(database, key="rival")
    order, payout = await in_doubt(others, 5), await waiting(others, 6)

    for text in (f"/order {order}", f"/refund {order} because they said so"):
        assert (await desk.api.asked(TOPE, text)).text == "There is no order of this reference."
    for text in (f"/payout {payout}", f"/settle {payout} unpaid nothing came"):
        assert (await desk.api.asked(TOPE, text)).text == "There is no payout of this reference."


@pytest.mark.parametrize(
    ("role", "text"),
    [
        (Role.VIEWER, "/refund {order} it never came"),
        (Role.VIEWER, "/settle {payout} unpaid it never came"),
        (Role.VIEWER, "/chats"),
        (Role.VIEWER, "/take ABCDE"),
        (Role.VIEWER, "/reply ABCDE hello"),
        (Role.VIEWER, "/close ABCDE"),
    ],
)
async def test_a_role_that_does_not_do_is_told_so(
    desk: Desk, books: Books, role: Role, text: str
) -> None:
    await desk.joins(TOPE, "Tope", role)
    order, payout = await in_doubt(books), await waiting(books, 2)

    said = await desk.api.asked(TOPE, text.format(order=order, payout=payout))

    assert "takes the role support at least; you are viewer" in said.text
    assert said.buttons == {}


async def test_every_command_answers_without_its_words(desk: Desk) -> None:
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    for name in COMMANDS:
        said = await desk.api.asked(TOPE, f"/{name}")
        assert "wrong here" not in said.text, name


async def test_an_approver_refunds_in_two_steps(
    desk: Desk, books: Books, owner: asyncpg.Connection
) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    order = await in_doubt(books)

    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    assert await state_of(desk, order) == "held"
    assert list(asked.buttons) == ["Confirm", "Reject"]
    assert "Because: it never came" in asked.text
    answer = await desk.api.tapped(TOPE, asked, "Confirm")
    await desk.api.idle()

    assert answer == "Confirmed."
    assert await state_of(desk, order) == "paid_back"
    assert "Tope has confirmed it" in asked.text
    assert asked.buttons == {}
    events = await owner.fetch(
        "select kind, actor, facts from events where actor like 'operator:%' order by at, id"
    )
    told = [(row["kind"], row["actor"]) for row in events]
    assert told[:3] == [
        ("operator.joined", "operator:Tope"),
        ("operator.asked", "operator:Tope"),
        ("operator.confirmed", "operator:Tope"),
    ]
    assert ("order.refund_asked", "operator:Tope") in told or len(told) > 3, told
    assert json.loads(events[1]["facts"]) == {"asking": "refund", "reference": order}


@pytest.mark.parametrize("word", ["not-paid", "unpaid", "NOT-PAID"])
async def test_a_payout_is_settled_with_its_evidence(desk: Desk, books: Books, word: str) -> None:
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    payout = await waiting(books)

    asked = await desk.api.asked(TOPE, f"/settle {payout} {word} session 0001 was reversed")
    await desk.api.tapped(TOPE, asked, "Confirm")
    await desk.api.idle()
    again = await desk.api.asked(TOPE, f"/settle {payout} paid no it was paid")

    assert (await desk.core.payouts.show(TENANT.id, payout)).state is PayoutState.REFUNDED
    assert "waits for a person" in again.text


async def test_whoever_only_asks_needs_somebody_else(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)

    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    await until(lambda: desk.api.in_chat(UCHE))
    [request] = desk.api.in_chat(UCHE)
    assert asked.buttons == {}
    assert "Tope asks to give the money of order" in request.text
    assert await desk.api.tapped(TOPE, request, "Confirm") == "This button is not yours."
    assert await state_of(desk, order) == "held"

    await desk.api.tapped(UCHE, request, "Confirm")
    await desk.api.idle()

    assert await state_of(desk, order) == "paid_back"
    assert "Uche has confirmed it" in desk.api.texts(TOPE)[-1]


async def test_a_second_person_where_that_is_wanted(desk: Desk, books: Books) -> None:
    approvals = desk.core.operations.approvals
    approvals._rules = replace(approvals._rules, second_person=True)
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    order = await in_doubt(books)
    alone = await desk.api.asked(TOPE, f"/refund {order} it never came")
    assert "Nobody who may confirm this" in alone.text

    await desk.joins(UCHE, "Uche", Role.APPROVER)
    await desk.api.asked(TOPE, f"/refund {order} it never came, really")
    await until(lambda: desk.api.in_chat(UCHE))
    assert await state_of(desk, order) == "held"
    await desk.api.tapped(UCHE, desk.api.in_chat(UCHE)[0], "Confirm")
    await desk.api.idle()

    assert await state_of(desk, order) == "paid_back"


async def test_a_rejected_request_does_nothing_and_ends(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    order = await in_doubt(books)
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    buttons = dict(asked.buttons)

    await desk.api.tapped(TOPE, asked, "Reject")
    await desk.api.idle()
    desk.api.brings(TOPE, asked, buttons["Confirm"])
    await desk.api.idle()

    assert "Tope has rejected it" in asked.text
    assert desk.api.answers[-1] == "Tope has rejected it already."
    assert await state_of(desk, order) == "held"


async def test_what_is_confirmed_too_late_is_not_done(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    order = await in_doubt(books)
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    desk.house.clock.advance(121)

    answer = await desk.api.tapped(TOPE, asked, "Confirm")
    await desk.api.idle()

    assert answer.startswith("Too late")
    assert await state_of(desk, order) == "held"
    assert "Too late: nothing was done" in asked.text
    assert (asked.buttons, "Confirm within" in asked.text) == ({}, False)


async def test_what_was_delivered_is_not_put_to_anybody(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)
    await desk.core.order_actions.resolve(
        TENANT.id, order, "test", learned=Learned.DELIVERED, evidence="their word"
    )

    said = await desk.api.asked(TOPE, f"/refund {order} it never came")
    await desk.api.idle()

    assert said.text.startswith("It was delivered")
    assert desk.api.in_chat(UCHE) == []


async def test_what_was_paid_back_is_not_put_to_anybody(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)
    await desk.core.order_actions.refund(TENANT.id, order, "test", reason="it never came")
    desk.house.clock.advance(3600)

    said = await desk.api.asked(TOPE, f"/refund {order} it never came")
    await desk.api.idle()

    assert said.text == (
        "The customer has the money back since 02 Mar 13:00: there is nothing to do."
    )
    assert desk.api.in_chat(UCHE) == []


async def test_whoever_asked_is_told_that_it_could_not_be_done(desk: Desk, books: Books) -> None:
    """It was delivered between asking and confirming; the message says so, without its buttons."""
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)
    await desk.api.asked(TOPE, f"/refund {order} it never came")
    await until(lambda: desk.api.in_chat(UCHE))
    [request] = desk.api.in_chat(UCHE)
    desk.house.clock.advance(100)
    await desk.core.order_actions.resolve(
        TENANT.id, order, "test", learned=Learned.DELIVERED, evidence="their word"
    )

    answer = await desk.api.tapped(UCHE, request, "Confirm")
    await desk.api.idle()

    assert answer.startswith("It was delivered")
    assert (request.buttons, "Confirm within" in request.text) == ({}, False)
    for told in (request.text, desk.api.texts(TOPE)[-1]):
        assert f"Uche has confirmed it: give the money of order {order} back" in told
        assert "It was delivered" in told


async def test_a_double_tap_is_one_act(desk: Desk, books: Books, owner: asyncpg.Connection) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    payout = await waiting(books)
    asked = await desk.api.asked(TOPE, f"/settle {payout} unpaid it was reversed")
    data = asked.buttons["Confirm"]
    for _ in range(5):
        desk.api.brings(TOPE, asked, data)
    await desk.api.idle()

    assert desk.api.answers == ["Confirmed."] * 5
    assert await owner.fetchval("select count(*) from events where kind = 'payout.settled'") == 1


async def test_two_approvers_at_once_are_one_act(
    desk: Desk, books: Books, owner: asyncpg.Connection
) -> None:
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    people = [
        await desk.joins(UCHE, "Uche", Role.APPROVER),
        await desk.joins(BOLA, "Bola", Role.ADMIN),
    ]
    order = await in_doubt(books)
    await desk.api.asked(TOPE, f"/refund {order} it never came")
    await until(lambda: desk.api.in_chat(UCHE) and desk.api.in_chat(BOLA))
    messages: list[Sent] = [desk.api.in_chat(each)[0] for each in (UCHE, BOLA)]

    taps = [
        acting.decide(desk.core, person, message.buttons["Confirm"])
        for person, message in zip(people, messages, strict=True)
        for _ in range(3)
    ]
    done = await asyncio.gather(*taps)
    winner = next(name for name in ("Uche", "Bola") if any(name in answer for answer, _ in done))

    assert Counter(answer for answer, _ in done) == {
        "Confirmed.": 3,
        f"{winner} has confirmed it already.": 3,
    }
    assert await state_of(desk, order) == "paid_back"
    confirmed = "select count(*) from events where kind = 'operator.confirmed'"
    assert await owner.fetchval(confirmed) == 1
    acted = "select count(*) from order_actions where action = 'refund'"
    assert await owner.fetchval(acted) == 1


async def test_a_forged_button_does_nothing(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    data = asked.buttons["Confirm"]

    for forged in (data[:-1] + "~", "y:zz:nonsense", "y:", "x" * 64, f"n{data[1:-3]}abc"):
        desk.api.brings(TOPE, asked, forged)
    desk.api.brings(UCHE, asked, data)
    desk.api.brings(STRANGER, asked, data)
    await desk.api.idle()

    assert await state_of(desk, order) == "held"
    assert desk.api.answers.count("You are no operator here.") == 1


async def test_a_role_that_was_taken_away_confirms_nothing(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    order = await in_doubt(books)
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    await desk.core.operations.desk.remove(TENANT.id, "Tope", "cli:root")

    assert await desk.api.tapped(TOPE, asked, "Confirm") == "You are no operator here."
    assert await state_of(desk, order) == "held"


async def test_long_answers_come_in_pieces(desk: Desk, books: Books) -> None:
    await desk.joins(TOPE, "Tope", Role.ADMIN)
    asked = await desk.api.asked(TOPE, "/help")
    assert len(asked.text) < 4096
    cases = PgCases(books.database, books.clock)
    for number in range(25):
        await cases.open(
            NewCase(TENANT.id, "order_in_doubt", f"{number}", f"{number}-" + "X" * 300)
        )
    before = len(desk.api.in_chat(TOPE))
    desk.api.writes(TOPE, "/cases")
    await desk.api.idle()

    pieces = desk.api.texts(TOPE)[before:]
    assert len(pieces) == 3
    assert "".join(pieces).count("order in doubt") == 25


async def test_a_token_that_telegram_does_not_know_ends_it_in_one_line(desk: Desk) -> None:
    await desk.stop()
    desk.start(token="110201544:another-token-than-it-should-be")

    with pytest.raises(Fault, match="CALLBOX_OPERATOR_BOT_TOKEN"):
        await desk.ended()
