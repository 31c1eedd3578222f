"""What stands on sheets and in exports, who may have codes, and what is written down of it."""

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from api.admin.errors import of_problem
from core.domain.hotspot import DAY_S, GIB, HOUR_S, MIB, Place, Router, Terms
from core.domain.routers import RouterAccess
from core.domain.vouchers import Desired, SaleState, SyncState, Voucher
from core.kit import ids
from core.kit.texts import Texts
from core.ports import Event
from core.ports.pictures import SheetForm, VoucherSheet
from core.ports.vouchers import Batch
from core.services.voucher_batches import UnknownBatch
from core.services.voucher_sheets import (
    CARDS_MAX,
    COLUMNS,
    BatchUnfinished,
    NoCards,
    SheetTooLong,
    VoucherSheets,
    table_of,
)
from core.services.voucher_words import good_for
from tests.fakes.stores import TENANT

TEXTS = Texts.load(Path(__file__).parents[2] / "core" / "texts")
AT = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
ROUTER = Router(
    id=ids.uuid7(),
    tenant_id=TENANT.id,
    name="gate",
    access=RouterAccess("192.0.2.1", "api", "secret"),
    login_url="http://wifi.lan/login",
    place=Place("Ikeja market"),
)
BATCH = Batch(
    id=UUID("01920000-0000-7000-8000-00000000b7c2"),
    tenant_id=TENANT.id,
    key="one",
    router_id=ROUTER.id,
    plan_id=None,
    plan_code="1GB-DAILY",
    plan_name="1 GB, 1 day",
    terms=Terms(GIB, validity_s=DAY_S),
    price_minor=500_00,
    currency="NGN",
    quantity=3,
    code_style="standard",
    code_prefix="",
    activate=False,
    send=False,
    owner_id=None,
    customer_name="",
    created_by="token:till",
    created_at=AT,
    state="ready",
    made=3,
)
CODES = ("K7QM2XV9TA", "Q4RT7YH2WX", "9C2K723KYA")


def voucher(serial: int, state: SaleState = SaleState.STOCK) -> Voucher:
    code = CODES[serial - 1]
    return Voucher(
        id=ids.uuid7(),
        tenant_id=TENANT.id,
        router_id=ROUTER.id,
        plan_code=BATCH.plan_code,
        plan_name=BATCH.plan_name,
        terms=BATCH.terms,
        price_minor=BATCH.price_minor,
        currency="NGN",
        head=code[:5],
        code_chars=len(code),
        sale_state=state,
        sync_state=SyncState.GONE,
        desired=Desired.ABSENT,
        desired_rev=1,
        applied_rev=0,
        created_at=AT,
        code=code,
        batch_id=BATCH.id,
        serial=serial,
    )


class Made:
    """One batch with its vouchers."""

    def __init__(self, batch: Batch, vouchers: Sequence[Voucher]) -> None:
        self.batch = batch
        self.vouchers = vouchers

    async def get(self, tenant_id: UUID, batch_id: UUID) -> Batch | None:
        known = (tenant_id, batch_id) == (TENANT.id, self.batch.id)
        return self.batch if known else None

    async def codes(
        self, tenant_id: UUID, batch_id: UUID, after: int, count: int
    ) -> Sequence[Voucher]:
        assert (tenant_id, batch_id) == (TENANT.id, self.batch.id)
        return [each for each in self.vouchers if (each.serial or 0) > after][:count]


class Desk:
    """Sheets over fakes; keeps what is to be printed and what was written down."""

    def __init__(self, batch: Batch = BATCH, router: Router | None = ROUTER) -> None:
        self.made = Made(batch, [voucher(serial) for serial in (1, 2, 3)])
        self.printed: list[VoucherSheet] = []
        self.events: list[Event] = []

        async def found(*_: object) -> Router | None:
            return router

        async def tenant(_: UUID) -> Any:
            return TENANT

        async def note(_: UUID, event: Event) -> None:
            self.events.append(event)

        houses = cast("Any", SimpleNamespace(get=tenant))
        self.sheets = VoucherSheets(
            cast("Any", self.made),
            cast("Any", SimpleNamespace(get=found)),
            houses,
            TEXTS,
            self,
            cast("Any", SimpleNamespace(note=note)),
        )

    async def pdf(self, sheet: VoucherSheet, form: SheetForm) -> bytes:
        self.printed.append(sheet)
        return form.value.encode()

    async def print(self, **asked: Any) -> bytes:
        return await self.sheets.pdf(TENANT.id, BATCH.id, SheetForm.A4, actor="token:till", **asked)

    async def exported(self, *, clear: bool) -> list[list[str]]:
        rows = await self.sheets.table(TENANT.id, BATCH.id, clear=clear, actor="token:till")
        text = b"".join([part async for part in rows]).decode()
        assert text.startswith("\ufeff")
        return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


async def test_a_card_says_all_that_a_customer_needs() -> None:
    desk = Desk()

    assert await desk.print() == b"a4"

    [sheet] = desk.printed
    assert (sheet.shop, sheet.place) == (TENANT.name, "Ikeja market")
    assert sheet.steps[1] == "Scan this, or open wifi.lan"
    first = sheet.cards[0]
    assert first.code == "K7QM2XV9TA"
    assert first.link == "http://wifi.lan/login?username=K7QM2XV9TA&password=K7QM2XV9TA"
    assert (first.plan, first.price) == ("1 GB, 1 day", "\u20a6500")
    assert first.good_for == ("1 GB of data", "1 day from the first login")
    assert [card.number for card in sheet.cards] == [f"B7C2 \u00b7 {n}" for n in (1, 2, 3)]


async def test_what_was_printed_is_written_down_without_a_code() -> None:
    desk = Desk()

    await desk.print(first=2)

    [event] = desk.events
    assert (event.subject, event.kind) == (str(BATCH.id), "voucher_batch.printed")
    assert (event.actor, event.facts) == ("token:till", {"form": "a4", "first": 2, "cards": 2})


async def test_a_part_can_be_printed_and_what_is_over_is_left_out() -> None:
    desk = Desk()
    desk.made.vouchers = [voucher(1), voucher(2, SaleState.CANCELLED), voucher(3)]

    await desk.print()
    await desk.print(first=3, count=5)

    assert [[card.code for card in sheet.cards] for sheet in desk.printed] == [
        ["K7QM2XV9TA", "9C2K723KYA"],
        ["9C2K723KYA"],
    ]


async def test_a_hotspot_without_a_known_page_gets_cards_without_a_link() -> None:
    for router in (None, replace(ROUTER, login_url="")):
        desk = Desk(router=router)
        await desk.print()
        [sheet] = desk.printed
        assert {card.link for card in sheet.cards} == {""}
        assert sheet.steps[1] == "Open any page in your browser"


@pytest.mark.parametrize("state", ["created", "void"])
async def test_only_a_batch_that_is_made_and_good_is_printed(state: str) -> None:
    desk = Desk(replace(BATCH, state=state))

    with pytest.raises(BatchUnfinished):
        await desk.print()
    with pytest.raises(BatchUnfinished):
        await desk.exported(clear=False)

    assert desk.events == []


async def test_another_tenants_batch_is_not_there() -> None:
    with pytest.raises(UnknownBatch):
        await Desk().sheets.pdf(ids.uuid7(), BATCH.id, SheetForm.A4, actor="token:till")


@pytest.mark.parametrize(("made", "asked"), [(CARDS_MAX + 1, {}), (3, {"count": 0})])
async def test_one_file_takes_so_many_cards(made: int, asked: dict[str, int]) -> None:
    desk = Desk(replace(BATCH, quantity=made, made=made))

    with pytest.raises(SheetTooLong) as refused:
        await desk.print(**asked)

    assert refused.value.facts["most"] == CARDS_MAX
    assert desk.printed == []


async def test_past_the_end_it_is_told_how_many_cards_there_are() -> None:
    desk = Desk()

    with pytest.raises(NoCards) as refused:
        await desk.print(first=9999)

    assert refused.value.words == "This batch has 3 cards: there is none from number 9999 on."
    assert of_problem(refused.value).status == 422
    assert of_problem(refused.value).message == refused.value.words
    assert desk.events == []


async def test_cards_of_vouchers_that_are_over_are_not_printed() -> None:
    desk = Desk()
    desk.made.vouchers = [
        replace(each, sale_state=SaleState.REFUNDED) for each in desk.made.vouchers
    ]

    with pytest.raises(NoCards) as refused:
        await desk.print()

    assert "nothing to print" in refused.value.words
    assert desk.events == []


async def test_an_export_masks_codes_unless_they_are_asked_for() -> None:
    desk = Desk()

    masked, clear = await desk.exported(clear=False), await desk.exported(clear=True)

    assert [row[5] for row in masked] == ["code", "K7QM2*****", "Q4RT7*****", "9C2K7*****"]
    assert [row[5] for row in clear] == ["code", "K7QM2XV9TA", "Q4RT7YH2WX", "9C2K723KYA"]
    assert tuple(masked[0]) == COLUMNS
    assert masked[1][:5] == ["1", "B7C2", "1GB-DAILY", "500.00", "NGN"]
    assert [event.facts["codes"] for event in desk.events] == ["masked", "clear"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    text = table_of([[f"{start}HYPERLINK(1)", f'a,"{start}', None, 7]])

    [row] = csv.reader(io.StringIO(text, newline=""))
    assert row == [f"'{start}HYPERLINK(1)", f'a,"{start}', "", "7"]


async def test_a_routers_name_cannot_be_a_formula() -> None:
    rows = await Desk(router=replace(ROUTER, name="=1+1")).exported(clear=False)

    assert {row[7] for row in rows[1:]} == {"'=1+1"}


@pytest.mark.parametrize(
    ("terms", "lines"),
    [
        (Terms(500 * MIB), ("500 MB of data",)),
        (Terms(online_s=2 * HOUR_S), ("2 hours online",)),
        (Terms(validity_s=7 * DAY_S), ("Unlimited data", "7 days from the first login")),
        (
            Terms(GIB * 3 // 2, online_s=5400, validity_s=DAY_S),
            ("1.5 GB of data, 90 min online", "1 day from the first login"),
        ),
        (
            Terms(validity_s=HOUR_S, ends_at=dt.datetime(2026, 12, 24, 17, tzinfo=dt.UTC)),
            ("Unlimited data", "1 hour from the first login, until 24 Dec 2026, 18:00"),
        ),
    ],
)
def test_terms_in_words(terms: Terms, lines: tuple[str, ...]) -> None:
    assert good_for(TEXTS, TENANT, terms) == lines
