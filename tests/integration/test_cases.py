"""The queue of what only a person can settle: what opens it, what closes it, who is told."""

from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest

from core.domain.orders import NewOrder, Verdict
from core.domain.vending import Capabilities, Outcome, Product, Result
from core.ports import Alert, AlertKind, NewCase, Paging
from core.ports.desk import Case, CaseQuery
from core.services.cases import (
    CaseClosed,
    CaseDesk,
    CaseRules,
    CaseSweep,
    ResolutionNeeded,
    UnknownCase,
)
from core.store.cases import PgCases
from tests.fakes.books import DELIVERED, REFUSED, UNKNOWN, Books, open_books
from tests.integration.test_order_actions import REFUND, SAYS_YES, acted, asked

FAILED = Outcome(Result.FAILED, reason="016")
RULES = CaseRules(in_doubt_after_s=3600, evidence_after_s=900)
HOUR_S = 3600


@dataclass
class HeardAlerts:
    """See `core.ports.Alerts`."""

    open_now: dict[tuple[UUID, str], Alert] = field(default_factory=dict)

    async def open(self, alert: Alert) -> bool:
        return self.open_now.setdefault((alert.tenant_id, alert.key), alert) is alert

    async def close(self, tenant_id: UUID, key: str) -> bool:
        return self.open_now.pop((tenant_id, key), None) is not None


def cases_of(books: Books) -> PgCases:
    return PgCases(books.database, books.clock)


async def all_cases(books: Books) -> list[Case]:
    return list(await cases_of(books).listed(books.tenant.id, CaseQuery(), Paging()))


async def only_case(books: Books) -> Case:
    [case] = await all_cases(books)
    return case


async def doubtful(books: Books, outcome: Outcome = UNKNOWN, looks: int = 2) -> NewOrder:
    """An order that was asked about `looks` times, and nobody could say."""
    order = await books.begun(await books.customer(funds=1000))
    for _ in range(looks):
        await books.claimed(order)
        await books.rule(order, Verdict.WAIT, outcome, check_in_s=5)
        books.clock.advance(5)
    return order


@dataclass(frozen=True)
class OneSeller:
    """Sells everything, and can be asked by our reference or not."""

    capabilities: Capabilities

    @property
    def own(self) -> "OneSeller":
        return self

    async def seller(self, *_: object) -> "OneSeller":
        return self


async def swept(
    books: Books, *, askable: bool = False, alerts: HeardAlerts | None = None
) -> HeardAlerts:
    seller = OneSeller(Capabilities(frozenset(Product), askable, enforces_unique=True))
    alerts = alerts or HeardAlerts()
    await CaseSweep(cases_of(books), alerts, seller, books.clock, RULES).run()
    return alerts


@pytest.mark.parametrize(
    ("reason", "askable", "after_s", "kind"),
    [
        ("timeout", False, HOUR_S, "order_in_doubt"),
        ("timeout", False, HOUR_S - 60, None),
        ("timeout", True, HOUR_S * 20, None),
        ("no_seller", True, HOUR_S, "order_in_doubt"),
        ("other_account", True, HOUR_S, "order_in_doubt"),
        ("evidence_missing", True, 900, "order_evidence_missing"),
        ("evidence_missing", True, 600, None),
    ],
)
async def test_a_doubt_that_asking_cannot_end_becomes_a_case(
    books: Books, reason: str, askable: bool, after_s: float, kind: str | None
) -> None:
    order = await doubtful(books, Outcome(Result.UNKNOWN, reason=reason))
    books.clock.advance(after_s)

    for _ in range(2):
        await swept(books, askable=askable)

    found = await all_cases(books)
    assert [case.kind for case in found] == ([kind] if kind else [])
    assert all((case.subject, case.state) == (order.reference, "open") for case in found)


async def test_a_pay_back_at_the_deadline_opens_a_case_in_the_same_commit(books: Books) -> None:
    order = await doubtful(books)

    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=3600)

    case = await only_case(books)
    assert (case.kind, case.subject, case.opened_by) == (
        "order_paid_back", order.reference, "ruling",
    )  # fmt: skip
    assert case.facts["provider"] == "vtpass"


@pytest.mark.parametrize(
    ("verdict", "outcome", "words"),
    [(Verdict.BOOK_LOSS, DELIVERED, "loss is booked"), (Verdict.CLEAR, FAILED, "cleared")],
)
async def test_what_was_paid_back_and_is_proven_closes_its_case(
    books: Books, verdict: Verdict, outcome: Outcome, words: str
) -> None:
    order = await doubtful(books)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=3600)

    await books.rule(order, verdict, outcome)

    case = await only_case(books)
    assert (case.state, case.closed_by) == ("closed", "ruling")
    assert words in (case.resolution or "")


async def test_a_doubt_that_is_paid_back_becomes_the_other_case(books: Books) -> None:
    order = await doubtful(books)
    books.clock.advance(HOUR_S)
    await swept(books)

    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=3600)
    await swept(books)

    found = {case.kind: case.state for case in await all_cases(books)}
    assert found == {"order_in_doubt": "closed", "order_paid_back": "open"}


async def test_a_late_delivery_opens_a_case_once(books: Books) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.REFUND, REFUSED)

    for _ in range(2):
        await books.rule(order, Verdict.CAPTURE, DELIVERED)

    assert (await only_case(books)).kind == "order_late_delivery"


@pytest.mark.parametrize("verdict", [Verdict.WAIT, Verdict.KEEP, Verdict.REFUND])
async def test_failed_of_what_was_delivered_is_a_contradiction(
    books: Books, verdict: Verdict
) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE, DELIVERED)

    await books.rule(order, verdict, FAILED, check_in_s=60)

    case = await only_case(books)
    assert (case.kind, case.state) == ("order_contradiction", "open")
    assert (await acted(books, asked(order, SAYS_YES))).answer == "already"
    case = await only_case(books)
    assert (case.state, case.closed_by) == ("closed", "ada")


async def test_what_agrees_opens_nothing(books: Books) -> None:
    for verdict, outcome in ((Verdict.CAPTURE, DELIVERED), (Verdict.REFUND, FAILED)):
        order = await books.begun(await books.customer(funds=1000))
        await books.claimed(order)
        await books.rule(order, verdict, outcome)
        await books.rule(order, Verdict.KEEP, outcome)

    await swept(books)

    assert await all_cases(books) == []


async def test_an_order_settled_by_a_worker_closes_its_doubt(books: Books) -> None:
    order = await doubtful(books)
    books.clock.advance(HOUR_S)
    alerts = await swept(books)
    assert [alert.kind for alert in alerts.open_now.values()] == [AlertKind.STUCK]

    await books.rule(order, Verdict.CAPTURE, DELIVERED)
    await swept(books, alerts=alerts)

    case = await only_case(books)
    assert (case.state, case.resolution) == ("closed", "It was delivered.")
    assert alerts.open_now == {}


async def test_an_order_settled_by_hand_closes_its_doubt_in_the_same_commit(books: Books) -> None:
    order = await doubtful(books)
    books.clock.advance(HOUR_S)
    await swept(books)

    await acted(books, asked(order, SAYS_YES))

    case = await only_case(books)
    assert (case.state, case.closed_by) == ("closed", "ada")


async def test_a_refund_by_hand_of_what_is_in_doubt_leaves_the_proof_to_wait_for(
    books: Books,
) -> None:
    order = await doubtful(books)

    await acted(books, asked(order, REFUND))

    assert (await only_case(books)).kind == "order_paid_back"


async def test_every_doubt_is_found_however_many_are_passed_over(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.services.cases._PAGE", 1)
    for _ in range(3):
        await doubtful(books)
    await doubtful(books, Outcome(Result.UNKNOWN, reason="no_seller"))
    books.clock.advance(HOUR_S)

    await swept(books, askable=True)

    assert (await only_case(books)).facts["why"] == "no_seller"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "select 1 from jobs j where j.tries >= 2 and j.ref > $1 order by j.ref limit 500",
            "jobs_looked_at_again",
        ),
        (
            "select 1 from cases where tenant_id = $1 and subject = 'x' and state = 'open'",
            "cases_open",
        ),
    ],
)
async def test_the_sweep_reads_by_index(owner: asyncpg.Connection, query: str, index: str) -> None:
    await owner.execute("set enable_seqscan = off")

    plan = "\n".join(row[0] for row in await owner.fetch(f"explain {query}", UUID(int=0)))

    assert index in plan
    assert "Seq Scan" not in plan


def new_case(books: Books, key: str = "payout/1") -> NewCase:
    return NewCase(books.tenant.id, "payout_in_doubt", key, "PO1", {"bank": "044"})


async def test_a_case_is_opened_once_and_stays_closed(books: Books) -> None:
    cases, desk = cases_of(books), CaseDesk(cases_of(books))
    assert [await cases.open(new_case(books)) for _ in range(2)] == [True, False]
    case = await only_case(books)

    closed = await desk.close(books.tenant.id, case.id, " Paid, by their letter. ", "ada")
    again = await desk.close(books.tenant.id, case.id, "Paid, by their letter.", "bob")

    assert (closed.state, closed.resolution, closed.closed_by) == (
        "closed", "Paid, by their letter.", "ada",
    )  # fmt: skip
    assert again == closed
    with pytest.raises(CaseClosed):
        await desk.close(books.tenant.id, case.id, "Not paid.", "bob")
    with pytest.raises(ResolutionNeeded):
        await desk.close(books.tenant.id, case.id, "  ", "bob")
    assert not await cases.open(new_case(books))


async def test_closing_is_noted_once(books: Books, owner: asyncpg.Connection) -> None:
    await cases_of(books).open(new_case(books))
    case = await only_case(books)
    for _ in range(2):
        await CaseDesk(cases_of(books)).close(books.tenant.id, case.id, "Paid.", "ada")

    noted = await owner.fetch("select actor from events where subject = $1", f"case/{case.id}")

    assert [row["actor"] for row in noted] == ["ada"]


async def test_a_case_of_another_tenant_is_not_found(books: Books) -> None:
    stranger = await open_books(books.database, "stranger")
    await cases_of(stranger).open(new_case(stranger))
    theirs = await only_case(stranger)
    desk = CaseDesk(cases_of(books))

    assert await all_cases(books) == []
    with pytest.raises(UnknownCase):
        await desk.show(books.tenant.id, theirs.id)
    with pytest.raises(UnknownCase):
        await desk.close(books.tenant.id, theirs.id, "Mine.", "ada")
    assert (await only_case(stranger)).state == "open"


async def test_many_cases_of_a_kind_are_one_alarm(books: Books) -> None:
    for number in range(3):
        await cases_of(books).open(new_case(books, f"payout/{number}"))

    alerts = await swept(books)

    [alert] = alerts.open_now.values()
    assert (alert.kind, alert.facts) == (AlertKind.STUCK, {"open": 3})
