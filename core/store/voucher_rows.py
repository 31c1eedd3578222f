"""How vouchers, their sales and batches read, and how codes are written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, or_, select

from core.domain.hotspot import Terms
from core.domain.voucher_codes import head
from core.domain.vouchers import Desired, SaleState, SyncState, Usage, Voucher
from core.kit import ids
from core.kit.crypto import Keyring
from core.ports.vouchers import Batch, NewCode, SaleView, VoucherQuery
from core.store.hotspot_tables import voucher_sales, vouchers

Row = RowMapping | Mapping[str, Any]

_DIGEST = "voucher"
JOINED = select(vouchers, voucher_sales.c.reference).outerjoin(
    voucher_sales, voucher_sales.c.voucher_id == vouchers.c.id
)
SOLD = select(voucher_sales, vouchers.c.owner_id, vouchers.c.plan_name).join(
    vouchers, vouchers.c.id == voucher_sales.c.voucher_id
)


def new_codes(keyring: Keyring, tenant_id: UUID, codes: Iterable[str]) -> list[NewCode]:
    """Codes as they are kept: sealed for the row that they are of, and a digest to find them by."""
    tenant, made = str(tenant_id), []
    for code in codes:
        voucher_id = ids.uuid7()
        made.append(
            NewCode(
                voucher_id,
                keyring.digest(_DIGEST, tenant, code),
                keyring.seal(code, voucher_id.bytes),
                head(code),
                len(code),
            )
        )
    return made


def digests(keyring: Keyring, tenant_id: UUID, code: str) -> list[str]:
    return keyring.digests(_DIGEST, str(tenant_id), code)


def code_items(codes: Sequence[NewCode]) -> list[tuple[object, ...]]:
    """The SQL type `voucher_code`."""
    return [(one.id, one.digest, one.sealed, one.head, one.chars) for one in codes]


def voucher_of(row: Row, keyring: Keyring | None = None) -> Voucher:
    """One voucher; with its code where a keyring is given."""
    code = None
    if keyring is not None:
        code = keyring.unseal(row["code_sealed"], row["id"].bytes)
    return Voucher(
        id=row["id"],
        tenant_id=row["tenant_id"],
        router_id=row["router_id"],
        plan_code=row["plan_code"],
        plan_name=row["plan_name"],
        terms=Terms.of(row["terms"]),
        price_minor=row["price_minor"],
        currency=row["currency"],
        head=row["code_head"],
        code_chars=row["code_chars"],
        sale_state=SaleState(row["sale_state"]),
        sync_state=SyncState(row["sync_state"]),
        desired=Desired(row["desired"]),
        desired_rev=row["desired_rev"],
        applied_rev=row["applied_rev"],
        created_at=row["created_at"],
        used=Usage(row["used_online_s"], row["used_bytes"]),
        base=Usage(row["base_online_s"], row["base_bytes"]),
        code=code,
        owner_id=row["owner_id"],
        batch_id=row["batch_id"],
        serial=row["serial"],
        reference=row["reference"],
        sold_at=row["sold_at"],
        first_login_at=row["first_login_at"],
        expires_at=row["expires_at"],
        observed_at=row["observed_at"],
        error=row["error"],
    )


def sale_of(row: Row) -> SaleView:
    return SaleView(**{name: row[name] for name in SaleView.__slots__})


def batch_of(row: Row, confirmed: int = 0) -> Batch:
    told = {name: row[name] for name in Batch.__slots__ if name not in {"terms", "confirmed"}}
    return Batch(**told, terms=Terms.of(row["terms"]), confirmed=confirmed)


def which(tenant_id: UUID, query: VoucherQuery, at_stake_before: object) -> ColumnElement[bool]:
    columns = vouchers.c
    asked = {
        columns.sale_state: query.sale_state and query.sale_state.value,
        columns.sync_state: query.sync_state and query.sync_state.value,
        columns.router_id: query.router_id,
        columns.owner_id: query.owner_id,
        columns.batch_id: query.batch_id,
    }
    wanted = [columns.tenant_id == tenant_id]
    wanted += [column == value for column, value in asked.items() if value is not None]
    if query.search:
        search = query.search.upper()
        wanted.append(
            or_(
                columns.code_head.startswith(search[:5], autoescape=True),
                columns.plan_code.contains(search, autoescape=True),
            )
        )
    if query.at_stake:
        wanted += [
            columns.sale_state.in_(("sold", "refund_due")),
            columns.sold_at < at_stake_before,
        ]
    return and_(*wanted)
