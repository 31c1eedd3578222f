"""Plans, codes, and how a plan sells by how its router is."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.hotspot import (
    GIB,
    STANDARD_PROFILES,
    CodeStyle,
    HotspotPlan,
    Limits,
    Load,
    Router,
    RouterStatus,
    Terms,
    fullest,
)
from core.domain.routers import RouterAccess
from core.domain.voucher_codes import (
    ALPHABET,
    LENGTHS,
    head,
    login_link,
    masked,
    new_codes,
    said_in,
    typed,
    without,
)
from core.domain.vouchers import Selling, Usage, comment_of, mark_of, selling_of, wanted_on_router
from core.kit import ids
from tests.fakes.books import NOON

TENANT = ids.uuid7()
PLAN = HotspotPlan(ids.uuid7(), TENANT, "1GB-DAILY", "1 GB", Terms(GIB), 100, "NGN")
ROUTER = Router(
    ids.uuid7(),
    TENANT,
    "gate",
    RouterAccess("10.0.0.1", "callbox", "secret"),
    status=RouterStatus.ONLINE,
)


def test_the_standard_profiles_are_six() -> None:
    assert list(STANDARD_PROFILES) == [
        "1GB-DAILY",
        "5GB-WEEKLY",
        "20GB-MONTHLY",
        "UNLIMITED-DAILY",
        "UNLIMITED-WEEKLY",
        "UNLIMITED-MONTHLY",
    ]
    assert all(each.terms.wrong is None for each in STANDARD_PROFILES.values())
    assert STANDARD_PROFILES["20GB-MONTHLY"].terms == Terms(20 * GIB, validity_s=30 * 86_400)


@given(
    st.builds(
        Terms,
        st.integers(0, 2**50),
        st.integers(0, 2**30),
        st.integers(0, 2**30),
        st.none() | st.datetimes(timezones=st.just(dt.UTC)),
        st.integers(0, 2**40),
        st.integers(0, 2**40),
        st.integers(1, 50),
    )
)
def test_terms_are_kept_as_they_are(terms: Terms) -> None:
    assert Terms.of(terms.kept()) == terms


def test_a_profile_is_named_by_what_it_does() -> None:
    slow = Terms(GIB, down_bps=5_000_000, up_bps=512_000, shared_users=2)
    assert slow.profile.rate_limit == "512k/5M"  # as the router sees it: upload first
    assert (slow.profile.name, slow.profile.shared_users) == ("callbox-512k-5M-2", 2)
    assert Terms(GIB).profile == Terms(online_s=60).profile


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"code": "daily!"}, "code"),
        ({"name": " "}, "name"),
        ({"price_minor": -1}, "price"),
        ({"terms": Terms()}, "data"),
        ({"terms": Terms(-1)}, "data_bytes"),
        ({"terms": Terms(2**62)}, "data_bytes"),
        ({"terms": Terms(validity_s=(2**31 - 1) * 3600)}, "validity_s"),
        ({"terms": Terms(ends_at=dt.datetime.max.replace(tzinfo=dt.UTC))}, "ends_at"),
        ({"terms": Terms(1, shared_users=0)}, "shared_users"),
        ({"router_id": TENANT, "group": "x"}, "router"),
    ],
)
def test_what_is_wrong_with_a_plan_is_named(change: dict[str, object], named: str) -> None:
    assert str(replace(PLAN, **change).wrong).startswith(named)  # type: ignore[arg-type]
    assert PLAN.wrong is None


@pytest.mark.parametrize("style", CodeStyle)
def test_codes_are_of_the_alphabet_and_as_likely_each(style: CodeStyle) -> None:
    codes = new_codes(3000, style)
    assert len(set(codes)) == 3000
    assert {len(code) for code in codes} == {LENGTHS[style]}
    letters = Counter("".join(codes))
    alphabet = "0123456789" if style is CodeStyle.DIGITS else ALPHABET
    assert set(letters) == set(alphabet)
    even = letters.total() / len(alphabet)
    assert all(0.8 * even < count < 1.2 * even for count in letters.values())


def test_codes_read_as_people_write_them() -> None:
    assert typed(" k7qm2-xv9ta ") == "K7QM2XV9TA" == typed("K7QM2\u2013XV9TA")
    assert typed("K7QM2") is None
    assert typed("K7QM2/XV9TA") is None
    assert masked(head("K7QM2XV9TA"), 10) == "K7QM2*****"
    assert masked(head("K7QM2XV9"), 8) == "K7QM****"
    assert (
        login_link("http://wifi.lan/login", "K7") == "http://wifi.lan/login?username=K7&password=K7"
    )
    assert login_link("", "K7") == ""


def test_a_prefix_is_of_letters_and_of_digits_that_look_like_none() -> None:
    [code] = new_codes(1, prefix="BIL")
    assert code.startswith("BIL")
    for wrong in ("bil", "B L", "ABCDEFGHI", "B-", "B0B", "1B", "=cmd|", "\uff22"):
        with pytest.raises(ValueError, match="prefix"):
            new_codes(1, prefix=wrong)


def test_a_mark_tells_vouchers_of_one_moment_apart() -> None:
    made = [ids.uuid7() for _ in range(500)]
    assert len({mark_of(each) for each in made}) == 500
    assert comment_of(made[0], 3) == f"{mark_of(made[0])}:r3"
    assert comment_of(made[0], 3).isascii()


def test_what_is_left_is_what_a_router_is_told() -> None:
    terms = Terms(1000, online_s=60)
    assert wanted_on_router(terms, Usage(20, 400)).online_limit_s == 40
    assert wanted_on_router(terms, Usage(20, 400)).data_limit_bytes == 600
    assert not wanted_on_router(terms, Usage(59, 999)).spent
    assert wanted_on_router(terms, Usage(60, 0)).spent
    assert wanted_on_router(terms, Usage(0, 1000)).spent
    assert not wanted_on_router(Terms(validity_s=60), Usage(10**6, 10**12)).spent


S = Selling


@pytest.mark.parametrize(
    ("status", "away_s", "stock", "selling"),
    [
        (RouterStatus.ONLINE, 0, 1, S.READY),
        (RouterStatus.ONLINE, 0, 0, S.SOON),
        (RouterStatus.DEGRADED, 600, 0, S.SOON),
        (RouterStatus.OFFLINE, 600, 1, S.READY),
        (RouterStatus.OFFLINE, 86_400, 1, S.READY),
        (RouterStatus.OFFLINE, 86_401, 1, S.CONSENT),
        (RouterStatus.OFFLINE, 120, 0, S.SOON),
        (RouterStatus.OFFLINE, 121, 0, S.CONSENT),
        (RouterStatus.NEEDS_ATTENTION, 0, 5, S.CLOSED),
    ],
)
def test_a_plan_sells_by_how_its_router_is(
    status: RouterStatus, away_s: int, stock: int, selling: Selling
) -> None:
    router = replace(ROUTER, status=status, status_since=NOON - dt.timedelta(seconds=away_s))
    assert selling_of(router, stock, NOON) is selling
    assert selling_of(replace(router, selling=False), stock, NOON) is S.CLOSED


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (Load(active_users=90), "active_users"),
        (Load(bandwidth_bps=95), "bandwidth"),
        (Load(addresses_used=86, addresses_total=100), "addresses"),
    ],
)
def test_near_a_limit_it_is_full(load: Load, name: str) -> None:
    limits = Limits(active_users_max=100, bandwidth_max_bps=100, addresses_used_max_percent=95)
    assert fullest(limits, load)[0] == name
    assert selling_of(replace(ROUTER, limits=limits, load=load), 9, NOON) is S.FULL
    assert not replace(ROUTER, limits=limits, load=Load()).full
    assert not replace(ROUTER, limits=Limits(), load=Load(active_users=10**6)).full


def test_a_plan_is_sold_where_it_says() -> None:
    assert PLAN.sold_at(ROUTER)
    assert not replace(PLAN, group="campus").sold_at(ROUTER)
    assert replace(PLAN, group="campus").sold_at(replace(ROUTER, group="campus"))
    assert replace(PLAN, router_id=ROUTER.id).sold_at(ROUTER)
    assert not replace(PLAN, router_id=TENANT).sold_at(ROUTER)


def test_known_codes_are_left_out_of_words_however_they_are_written() -> None:
    text = "k7qm2-xv9ta, (1234 5678 9012) or K7QM2XV9TB; user=K7QM2 XV9TA&x=1 yesterday"

    assert {"K7QM2XV9TA", "123456789012", "K7QM2XV9TB"} <= {*said_in(text).values()}
    assert without(text, {"K7QM2XV9TA", "123456789012"}) == (
        "K7QM2*****, (12345*******) or K7QM2XV9TB; user=K7QM2*****&x=1 yesterday"
    )
    assert without(text, set()) == text
    assert said_in("a-b 12 \u00e9t\u00e9") == {}
