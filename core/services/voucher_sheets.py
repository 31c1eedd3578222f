"""Vouchers on paper and in files: sheets to be cut, and tables for a spreadsheet.

What shows codes is written down with who asked for it.
"""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from core.domain.hotspot import Router
from core.domain.voucher_codes import login_link, masked
from core.domain.vouchers import Voucher
from core.kit.counts import counted
from core.kit.errors import Problem
from core.kit.money import Money, to_major
from core.kit.texts import Texts
from core.ports import Backoffice, Event, Tenants
from core.ports.hotspot_books import RouterBook
from core.ports.pictures import (
    SheetForm,
    SheetPrinting,
    VoucherCard,
    VoucherSheet,
)
from core.ports.vouchers import Batch, VoucherBatches
from core.services.receipts import printed
from core.services.voucher_batches import UnknownBatch
from core.services.voucher_words import good_for

CARDS_MAX: Final = 1008
"""In one file: 48 pages of A4, some seconds of work."""

COLUMNS: Final = (
    "serial",
    "batch",
    "plan",
    "price",
    "currency",
    "code",
    "status",
    "router",
    "created",
)
_ROWS_AT_ONCE: Final = 1000
_NAME_CHARS: Final = 4
_BOM: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class BatchUnfinished(Problem):
    """Its codes are still being made, or it was taken back: there is nothing to print."""

    code = "voucher_batch.unfinished"


class SheetTooLong(Problem):
    """More cards than one file takes, or none asked for; `most` is how many it takes."""

    code = "voucher_batch.too_long"


class NoCards(Problem):
    """There are no cards of these numbers to print. `words` says why."""

    code = "voucher_batch.no_cards"

    def __init__(self, words: str) -> None:
        super().__init__(words=words)
        self.words = words


class VoucherSheets:
    """Prints and exports what operators have made."""

    def __init__(
        self,
        batches: VoucherBatches,
        routers: RouterBook,
        tenants: Tenants,
        texts: Texts,
        printing: SheetPrinting,
        notes: Backoffice,
    ) -> None:
        self._batches = batches
        self._routers = routers
        self._tenants = tenants
        self._texts = texts
        self._printing = printing
        self._notes = notes

    async def pdf(
        self,
        tenant_id: UUID,
        batch_id: UUID,
        form: SheetForm,
        *,
        actor: str,
        first: int = 1,
        count: int | None = None,
    ) -> bytes:
        """The cards of a batch from serial number `first` on, without those that are over.

        Raises:
            UnknownBatch, BatchUnfinished, NoCards, SheetTooLong
        """
        batch = await self._ready(tenant_id, batch_id)
        left = batch.made - first + 1
        if left < 1:
            cards = counted(batch.made, "card")
            raise NoCards(f"This batch has {cards}: there is none from number {first} on.")
        wanted = left if count is None else min(count, left)
        if not 0 < wanted <= CARDS_MAX:
            raise SheetTooLong(most=CARDS_MAX)
        found = await self._batches.codes(tenant_id, batch_id, first - 1, wanted)
        vouchers = [voucher for voucher in found if not voucher.sale_state.over]
        if not vouchers:
            raise NoCards("The vouchers of these cards are over: there is nothing to print.")
        facts = {"form": form.value, "first": first, "cards": len(vouchers)}
        await self._note(tenant_id, batch_id, "voucher_batch.printed", actor, facts)
        return await self._printing.pdf(await self._sheet(batch, vouchers), form)

    async def table(
        self, tenant_id: UUID, batch_id: UUID, *, clear: bool, actor: str
    ) -> AsyncIterator[bytes]:
        """A batch as CSV for a spreadsheet, which can run none of it. `clear`: with whole codes.

        Raises:
            UnknownBatch, BatchUnfinished: at once, before the first row.
        """
        batch = await self._ready(tenant_id, batch_id)
        facts = {"codes": "clear" if clear else "masked", "rows": batch.made}
        await self._note(tenant_id, batch_id, "voucher_batch.exported", actor, facts)
        router = await self._routers.get(tenant_id, batch.router_id)
        return self._rows(batch, "" if router is None else router.name, clear=clear)

    async def _rows(self, batch: Batch, router: str, *, clear: bool) -> AsyncIterator[bytes]:
        yield (_BOM + table_of([COLUMNS])).encode()
        after = 0
        while vouchers := await self._batches.codes(
            batch.tenant_id, batch.id, after, _ROWS_AT_ONCE
        ):
            yield table_of([_row(batch, each, router, clear=clear) for each in vouchers]).encode()
            after = vouchers[-1].serial or after + _ROWS_AT_ONCE

    async def _ready(self, tenant_id: UUID, batch_id: UUID) -> Batch:
        batch = await self._batches.get(tenant_id, batch_id)
        if batch is None:
            raise UnknownBatch
        if batch.state != "ready":
            raise BatchUnfinished
        return batch

    async def _note(
        self, tenant_id: UUID, batch_id: UUID, kind: str, actor: str, facts: Mapping[str, object]
    ) -> None:
        await self._notes.note(tenant_id, Event(str(batch_id), kind, actor, facts))

    async def _sheet(self, batch: Batch, vouchers: Sequence[Voucher]) -> VoucherSheet:
        tenant = await self._tenants.get(batch.tenant_id)
        router = await self._routers.get(batch.tenant_id, batch.router_id)
        login_url = "" if router is None else router.login_url
        terms = good_for(self._texts, tenant, batch.terms)
        price = printed(Money(batch.price_minor, batch.currency)) if batch.price_minor else ""
        card = VoucherCard("", "", batch.plan_name, price, terms, "")
        return VoucherSheet(
            shop=tenant.name,
            place=_place(router),
            steps=self._steps(tenant.language, login_url),
            cards=[
                replace(
                    card,
                    code=voucher.code or "",
                    link=login_link(login_url, voucher.code or ""),
                    number=f"{_name(batch)} \u00b7 {voucher.serial}",
                )
                for voucher in vouchers
            ],
        )

    def _steps(self, language: str, login_url: str) -> tuple[str, ...]:
        page = urlsplit(login_url).netloc
        second = (
            self._texts.get(language, "sheet.scan", page=page)
            if page
            else self._texts.get(language, "sheet.open")
        )
        return (
            self._texts.get(language, "sheet.join"),
            second,
            self._texts.get(language, "sheet.type"),
        )


def table_of(rows: Sequence[Sequence[object]]) -> str:
    """Rows as CSV. A cell that a spreadsheet would take for a formula becomes text."""
    out = io.StringIO()
    csv.writer(out).writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(batch: Batch, voucher: Voucher, router: str, *, clear: bool) -> Sequence[object]:
    hidden = masked(voucher.head, voucher.code_chars)
    return (
        voucher.serial,
        _name(batch),
        voucher.plan_code,
        to_major(Money(voucher.price_minor, voucher.currency)),
        voucher.currency,
        voucher.code or "" if clear else hidden,
        voucher.sale_state.value,
        router,
        voucher.created_at.isoformat(),
    )


def _name(batch: Batch) -> str:
    """What people call a batch: the random end of its id."""
    return batch.id.hex[-_NAME_CHARS:].upper()


def _place(router: Router | None) -> str:
    return "" if router is None else router.place.location or router.name
