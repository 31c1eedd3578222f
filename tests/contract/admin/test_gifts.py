"""`/gift-rooms`: listed, shown, stopped, ended once, and what new ones may be."""

import json
from typing import Any

import asyncpg
import pytest

from core.domain.gifts import GiftKind, Room
from core.domain.ledger import AccountType
from core.kit import ids
from core.kit.msisdn import Msisdn
from core.services.gifts import Guest, KeptOut
from tests.contract.admin.test_access import assert_refused
from tests.fakes.admin import Desk
from tests.fakes.gift_desk import Rooms

NEW = Msisdn("2348039999999")
WHY = {"reason": "a customer complained"}


@pytest.fixture
def rooms(operator: Desk) -> Rooms:
    return Rooms(operator)


async def act(operator: Desk, room: Room, what: str) -> Any:
    answer = await operator.post(f"/gift-rooms/{room.id}/{what}", **WHY)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_rooms_are_listed_searched_sorted_and_paged(operator: Desk, rooms: Rooms) -> None:
    small, large = await rooms.gives(500), await rooms.gives(2000)
    await act(operator, small, "cancel")

    every = await operator.get("/gift-rooms")
    by_total = await operator.data("/gift-rooms", sort_by="total", sort_order="asc")
    [still] = await operator.data("/gift-rooms", status="open")
    [found] = await operator.data("/gift-rooms", search=small.code[1:7])
    second = await operator.get("/gift-rooms", per_page=1, page=2)

    assert [row["code"] for row in every["data"]] == [large.code, small.code]
    assert every["pagination"]["total"] == 2
    assert [row["total"] for row in by_total] == ["500.00", "2000.00"]
    assert (still["code"], still["seed"]) == (large.code, None)
    assert (found["status"], found["returned"], found["currency"]) == ("cancelled", "500.00", "NGN")
    assert [row["code"] for row in second["data"]] == [small.code]
    assert await operator.data("/gift-rooms", search="0803000") != []
    assert await operator.data("/gift-rooms", search="zzz") == []


async def test_a_wrong_question_is_told_by_field(operator: Desk) -> None:
    for field, wrong in (
        ("status", "lost"),
        ("sort_by", "code"),
        ("per_page", "0"),
        ("search", "\0"),
    ):
        answer = await operator.http.get("/gift-rooms", params={field: wrong})
        assert_refused(answer, 422, "request.invalid")
        assert [detail["field"] for detail in answer.json()["details"]] == [field]


async def test_a_room_shows_claims_refusals_and_escrow(operator: Desk, rooms: Rooms) -> None:
    room = await rooms.gives(1000, 3)
    paid = await rooms.claims(room, 2)
    waits = await rooms.claims(room, 3, pin=False)
    guard = operator.core.gifts._guard
    guard._rules = type(guard._rules)(rooms_an_hour=0)
    with pytest.raises(KeptOut):
        await rooms.claims(room, 4)

    shown = await operator.data(f"/gift-rooms/{room.id}")

    left = 1000_00 - paid.amount_minor
    assert shown["escrow"] == f"{left / 100:.2f}"
    assert (shown["taken"], shown["joined"]) == (2, 2)
    assert [claim["status"] for claim in shown["claims"]] == ["paid", "reserved"]
    assert shown["claims"][1]["amount"] == f"{waits.amount_minor / 100:.2f}"
    assert shown["claims"][1]["reserved_until"] is not None
    [refusal] = shown["refusals"]
    assert (refusal["why"], refusal["facts"]["most"]) == ("hurry", 0)


async def test_numbers_are_masked_for_who_may_not_read_users(operator: Desk, rooms: Rooms) -> None:
    room = await rooms.gives()
    await rooms.claims(room, 2)
    tenant = operator.books.tenant.id
    tokens = operator.core.tokens
    blind = await tokens.create("blind", tenant, ["gifts:read"], "test")
    sees = await tokens.create("sees", tenant, ["gifts:read", "users:read"], "test")

    masked = (await operator.as_token(blind, f"/gift-rooms/{room.id}")).json()["data"]
    plain = (await operator.as_token(sees, f"/gift-rooms/{room.id}")).json()["data"]

    assert (masked["creator"], masked["claims"][0]["phone"]) == ("234803****001", "234803****002")
    assert (plain["creator"], plain["claims"][0]["phone"]) == ("2348030000001", "2348030000002")


async def test_a_room_is_frozen_goes_on_and_is_cancelled_once(
    operator: Desk, rooms: Rooms, owner: asyncpg.Connection
) -> None:
    room = await rooms.gives(1000, 2)
    won = await rooms.claims(room, 2)

    for what, status in (
        ("freeze", "frozen"),
        ("freeze", "frozen"),
        ("unfreeze", "open"),
        ("unfreeze", "open"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
    ):
        assert (await act(operator, room, what))["status"] == status

    shown = await operator.data(f"/gift-rooms/{room.id}")
    assert shown["escrow"] == "0.00"
    assert await operator.books.posted(AccountType.ESCROW, str(room.id)) == 0
    creator = await operator.books.customer(1)
    assert await operator.books.money(creator) == (1000_00 - won.amount_minor, 0)
    events = await owner.fetch(
        "select kind, actor, facts from events where subject = $1 order by id", str(room.id)
    )
    done = [row for row in events if row["actor"] == "token:admin-token"]
    kinds = ["gift.frozen", "gift.unfrozen", "gift.cancelled"]
    assert [row["kind"] for row in done] == kinds
    assert {json.loads(row["facts"])["reason"] for row in done} == {WHY["reason"]}


async def test_going_on_may_pay_the_last_share_and_says_so(operator: Desk, rooms: Rooms) -> None:
    """Its winner chose a PIN while it was frozen: nothing was refused, and nothing says so."""
    room = await rooms.gives(1000, 1)
    await rooms.claims(room, 2, pin=False)
    await act(operator, room, "freeze")
    await rooms.guest(2, pin=True)

    answer = await operator.post(f"/gift-rooms/{room.id}/unfreeze", **WHY)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["data"]["status"] == "completed"
    assert "all that waited was paid" in told["message"]
    assert await operator.books.money(await operator.books.customer(2)) == (1000_00, 0)


async def test_what_has_ended_is_not_stopped(operator: Desk, rooms: Rooms) -> None:
    room = await rooms.gives(1000, 1)
    await rooms.claims(room, 2)

    for what in ("freeze", "unfreeze", "cancel"):
        answer = await operator.post(f"/gift-rooms/{room.id}/{what}", **WHY)
        assert_refused(answer, 409, "gift.ended")
    shown = await operator.data(f"/gift-rooms/{room.id}")
    assert (shown["status"], bool(shown["seed"])) == ("completed", True)


async def test_nothing_is_done_without_a_room_a_reason_or_the_ability(
    operator: Desk, rooms: Rooms
) -> None:
    room = await rooms.gives()
    plain = await operator.core.tokens.create(
        "reader", operator.books.tenant.id, ["gifts:read"], "test"
    )
    as_reader = {"authorization": f"Bearer {plain}"}
    for what in ("freeze", "unfreeze", "cancel"):
        path = f"/gift-rooms/{room.id}/{what}"
        unknown = await operator.post(f"/gift-rooms/{ids.uuid7()}/{what}", **WHY)
        assert_refused(unknown, 404, "gift.unknown")
        for body in ({}, {"reason": ""}, {"reason": "x"}, {"reason": "abc", "more": 1}):
            assert_refused(await operator.http.post(path, json=body), 422, "request.invalid")
        assert_refused(await operator.post(path, reason="   "), 422, "gift.reason_needed")
        refused = await operator.http.post(path, json=WHY, headers=as_reader)
        assert_refused(refused, 403, "auth.forbidden")
    assert (await operator.data(f"/gift-rooms/{room.id}"))["status"] == "open"


async def test_gifts_need_their_abilities(operator: Desk) -> None:
    plain = await operator.core.tokens.create(
        "clerk", operator.books.tenant.id, ["users:read"], "test"
    )
    for path in ("", "/settings", "/figures", f"/{ids.uuid7()}"):
        assert_refused(await operator.as_token(plain, f"/gift-rooms{path}"), 403, "auth.forbidden")


async def test_settings_are_read_changed_and_audited(
    operator: Desk, rooms: Rooms, owner: asyncpg.Connection
) -> None:
    before = await operator.data("/gift-rooms/settings")
    assert (before["total_min"], before["total_max"]) == ("100.00", "100000.00")
    assert (before["currency"], before["enabled"]) == ("NGN", True)

    wanted = {**before, "total_min": "50", "fee_basis_points": 150, **WHY}
    for _ in range(2):
        put = await operator.put("/gift-rooms/settings", **wanted)
        assert put.status_code == 200, put.text
    after = await operator.data("/gift-rooms/settings")

    assert after == {**before, "total_min": "50.00", "fee_basis_points": 150}
    room = await rooms.gives(60, 1)
    assert room.fee_minor == 90
    [event] = await owner.fetch("select * from events where kind = 'gift.terms_changed'")
    facts = json.loads(event["facts"])
    assert facts["before"] == {"total_min_minor": 10_000, "fee_basis_points": 0}
    assert facts["after"] == {"total_min_minor": 5_000, "fee_basis_points": 150}
    assert facts["reason"] == WHY["reason"]


BAD_SETTINGS: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"total_min": "0"}, "gift.bad_terms", "total_min"),
    ({"total_max": "1"}, "gift.bad_terms", "total_max"),
    ({"day_max": "1"}, "gift.bad_terms", "day_max"),
    ({"shares_max": 0}, "gift.bad_terms", "shares_max"),
    ({"shares_max": 10**20}, "gift.bad_terms", "shares_max"),
    ({"fee_basis_points": 9000}, "gift.bad_terms", "fee_basis_points"),
    ({"open_max": 0}, "gift.bad_terms", "open_max"),
    ({"total_min": "1.234"}, "request.invalid", "total_min"),
    ({"total_min": 1.5}, "request.invalid", "total_min"),
    ({"total_min": "-5"}, "request.invalid", "total_min"),
    ({"currency": "KES"}, "request.invalid", "currency"),
    ({"reason": ""}, "request.invalid", "reason"),
    ({"enabled": None}, "request.invalid", "enabled"),
)


async def test_settings_that_cannot_be_are_told_by_field(operator: Desk) -> None:
    before = await operator.data("/gift-rooms/settings")
    for change, code, field in BAD_SETTINGS:
        answer = await operator.put("/gift-rooms/settings", **{**before, **WHY, **change})
        assert_refused(answer, 422, code)
        assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert await operator.data("/gift-rooms/settings") == before


async def test_figures_count_rooms_people_and_whom_they_brought(
    operator: Desk, rooms: Rooms
) -> None:
    empty = await operator.data("/gift-rooms/figures", since="2020-01-01T00:00:00Z")
    assert (empty["rooms"], empty["claim_rate"], empty["viral_coefficient"]) == (0, None, None)

    first = await rooms.gives(1000, 2)
    await rooms.gives(500, 2, kind=GiftKind.DRAW)
    await rooms.claims(first, 2)
    customer = await operator.core.customers.of_number(operator.books.tenant.id, NEW)
    await operator.core.gifts.claim(first, Guest(customer))

    told = await operator.data("/gift-rooms/figures")
    assert (told["rooms"], told["creators"], told["given"]) == (2, 1, "1500.00")
    assert (told["shares"], told["won"], told["claim_rate"]) == (4, 2, 0.5)
    assert (told["joined"], told["participation"]) == (2, 1.0)
    assert (told["new_customers"], told["viral_coefficient"]) == (1, 1.0)
    wrong = {"since": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"}
    answer = await operator.http.get("/gift-rooms/figures", params=wrong)
    assert_refused(answer, 422, "request.invalid")
