"""A router beside the books: what is missing, what is wrong, what is nobody's business."""

from dataclasses import replace

from core.domain.hotspot import Terms
from core.domain.routers import ActiveSession, HotspotUser, UserRef
from core.domain.vouchers import Desired, SaleState, SyncState, Usage, comment_of, mark_of
from core.kit import ids
from core.ports.router_ops import Expected, Snapshot
from core.services.router_compare import Comparison, OnTheRouter, compare
from tests.fakes.books import NOON

TERMS = Terms(1000, online_s=600)


def expected(**different: object) -> Expected:
    told = Expected(
        voucher_id=ids.uuid7(),
        rev=1,
        desired=Desired.PRESENT,
        sync_state=SyncState.CONFIRMED,
        sale_state=SaleState.DELIVERED,
        owed=False,
        terms=TERMS,
        base=Usage(),
        used=Usage(),
        logged_in=False,
        sealed=b"",
    )
    return replace(told, **different)  # type: ignore[arg-type]


def code(one: Expected) -> str:
    return one.voucher_id.hex[-10:]


def user(one: Expected, **different: object) -> HotspotUser:
    told = HotspotUser(
        id="*1",
        name=code(one),
        server="hotspot1",
        profile=TERMS.profile.name,
        comment=comment_of(one.voucher_id, one.rev),
        disabled=False,
        uptime_limit_s=600,
        bytes_limit=1000,
        uptime_s=0,
        bytes_in=0,
        bytes_out=0,
    )
    return replace(told, **different)  # type: ignore[arg-type]


def compared(
    books: list[Expected],
    users: list[HotspotUser],
    *sessions: ActiveSession,
    serial: str = "A",
    before: str = "A",
) -> Comparison:
    found = OnTheRouter(NOON, serial, users, sessions)
    return compare(books, found, "hotspot1", before, code)


def test_what_agrees_changes_nothing() -> None:
    one = expected()
    booked = compared([one], [user(one)]).booked
    assert (booked.missing, booked.differing, booked.extra, booked.used) == ([], [], [], [])
    assert not booked.reset


def test_what_is_missing_is_made_again_unless_it_is_spent_or_refused() -> None:
    lost, spent = expected(), expected(used=Usage(600, 0))
    refused = expected(sync_state=SyncState.BLOCKED)
    booked = compared([lost, spent, refused], []).booked
    assert booked.missing == [lost.voucher_id]
    assert booked.used == [Snapshot(spent.voucher_id, Usage(600, 0), logged_in=False, over=True)]


def test_what_differs_is_set_right_unless_work_for_it_waits() -> None:
    books = [expected() for _ in range(4)] + [expected(owed=True)]
    changes: list[dict[str, object]] = [
        {"disabled": True},
        {"bytes_limit": 0},
        {"profile": "other"},
        {"comment": comment_of(books[3].voucher_id, 7)},
        {"disabled": True},
    ]
    users = [user(one, **change) for one, change in zip(books, changes, strict=True)]
    assert compared(books, users).booked.differing == [one.voucher_id for one in books[:3]]


def test_strangers_and_copies_are_counted_and_left_alone() -> None:
    one, gone = expected(), expected(desired=Desired.ABSENT, sync_state=SyncState.GONE)
    theirs = user(one, name="guest", comment="monthly")
    copy = user(one, name="copy")
    elsewhere = user(expected())
    found = compared([one, gone], [theirs, copy, elsewhere, user(one), user(gone)])
    assert (found.foreign, found.strays) == (1, 2)
    assert found.booked.extra == [gone.voucher_id]
    assert (found.booked.missing, found.booked.differing) == ([], [])


def test_ours_on_another_hotspot_server_goes_once_the_right_one_is_there() -> None:
    """The server of a router was renamed in our books. What was used there is used."""
    one, over = expected(), expected(desired=Desired.ABSENT)
    waiting = expected(owed=True)
    there = [user(each, server="hotspot2", uptime_s=60) for each in (one, over, waiting)]

    before = compared([one, over, waiting], there)
    after = compared([one], [there[0], user(one)])

    assert before.booked.missing == [one.voucher_id]
    assert before.booked.used == [Snapshot(one.voucher_id, Usage(60, 0), logged_in=True)]
    assert before.booked.extra == [over.voucher_id]
    assert (before.copies, before.booked.reset) == ([], False)
    assert after.copies == [UserRef(code(one), "hotspot2", mark_of(one.voucher_id))]
    assert (after.booked.missing, after.booked.used) == ([], [])


def test_one_that_no_key_opens_keeps_nobody_from_comparing_the_others() -> None:
    sealed, one = expected(), expected()
    users = [user(sealed), user(one, disabled=True)]

    def code_of(each: Expected) -> str | None:
        return None if each is sealed else code(each)

    found = compare([sealed, one], OnTheRouter(NOON, "", users, ()), "hotspot1", "", code_of)

    assert found.booked.differing == [one.voucher_id]
    assert (found.booked.missing, found.booked.extra, found.booked.used) == ([], [], [])


def test_use_is_what_was_before_what_is_counted_and_what_is_under_way() -> None:
    one = expected(base=Usage(100, 100))
    seen = user(one, uptime_limit_s=500, bytes_limit=900, uptime_s=50, bytes_in=20, bytes_out=30)
    session = ActiveSession("*1", code(one), "hotspot1", "", "", "", 40, None, 5, 5)
    booked = compared([one], [seen], session).booked
    assert booked.used == [Snapshot(one.voucher_id, Usage(190, 160), logged_in=True)]
    assert booked.differing == []


def test_what_is_under_way_ends_no_voucher() -> None:
    """The router itself ends a session whose limit is reached; its counters then tell so."""
    one = expected()
    session = ActiveSession("*1", code(one), "hotspot1", "", "", "", 601, None, 0, 0)
    [snapshot] = compared([one], [user(one)], session).booked.used
    assert not snapshot.over
    [snapshot] = compared([one], [user(one, uptime_s=600)]).booked.used
    assert snapshot.over


def test_counters_that_went_back_are_honoured_and_counted() -> None:
    one = expected(used=Usage(300, 10), logged_in=True)
    found = compared([one], [user(one, uptime_s=100, bytes_in=10)])
    assert found.rolled_back == 1
    assert found.booked.used == [Snapshot(one.voucher_id, Usage(100, 10), logged_in=True)]


def test_another_box_or_all_of_many_gone_is_a_reset() -> None:
    few, many = [expected() for _ in range(3)], [expected() for _ in range(21)]
    assert compared(few, [], serial="B").booked.reset
    assert not compared(few, []).booked.reset
    assert compared(many, []).booked.reset
    assert not compared(many, [user(many[0])]).booked.reset
    # The configuration was moved to another box.
    assert not compared(few, [user(one) for one in few], serial="B").booked.reset
    assert compared(few, [], serial="B").booked.serial == "B"


def test_more_than_a_third_waits_for_a_person() -> None:
    stays = [expected() for _ in range(20)]
    gone = [expected(desired=Desired.ABSENT, sync_state=SyncState.GONE) for _ in range(11)]
    found = compared(stays + gone, [user(one) for one in stays + gone])
    assert (found.held_back, found.booked.extra) == (11, ())
    found = compared(stays + gone, [user(one) for one in stays + gone[:10]])
    assert (found.held_back, len(found.booked.extra)) == (0, 10)
