"""Commands on hotspot vouchers: make them, print them, look at them, take them back."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import ActionKey, TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain.voucher_codes import masked
from core.domain.vouchers import SaleState, SyncState, Voucher
from core.kit import ids
from core.kit.errors import Fault
from core.kit.money import Money, from_major, to_major
from core.kit.msisdn import BadMsisdn, parse_msisdn
from core.ports import Paging
from core.ports.pictures import SheetForm
from core.ports.vouchers import Batch, VoucherQuery
from core.services.voucher_batches import BadBatch, BatchOrder
from core.services.voucher_desk import VoucherDetail

app = typer.Typer(help="Hotspot vouchers.", no_args_is_help=True)

_Code = Annotated[str, typer.Argument(help="Its code, or its id in `callbox vouchers list`.")]
_BatchId = Annotated[UUID, typer.Argument(help="Its id, as `generate` said it.")]
_Out = Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)]


@app.command("list")
def list_vouchers(
    search: Annotated[str, typer.Option(help="The beginning of a code, or a plan.")] = "",
    status: Annotated[SaleState | None, typer.Option(help="How it stands with who pays.")] = None,
    router_status: Annotated[SyncState | None, typer.Option(help="With the router.")] = None,
    batch: Annotated[UUID | None, typer.Option(help="Only those of this batch.")] = None,
    tenant: TenantKey = "demo",
    count: Annotated[int, typer.Option(min=1, max=500)] = 50,
    *,
    at_stake: Annotated[bool, typer.Option(help="Paid for, and not working yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Vouchers, the latest first. Codes are masked."""
    query = VoucherQuery(search, status, router_status, batch_id=batch, at_stake=at_stake)

    async def ask(core: Core, tenant_id: UUID) -> list[Voucher]:
        rows = await core.hotspots.book.listed(tenant_id, query, Paging(per_page=count))
        return list(rows)[:count]

    show_rows([_line(voucher) for voucher in act(tenant, ask)], of="vouchers", as_json=as_json)


@app.command()
def show(code: _Code, tenant: TenantKey = "demo") -> None:
    """One voucher and its sale, with its code masked. JSON."""

    async def ask(core: Core, tenant_id: UUID) -> VoucherDetail:
        return await core.hotspots.desk.find(tenant_id, code)

    show_json(_detail(act(tenant, ask)))


@app.command()
def generate(
    quantity: Annotated[int, typer.Argument(help="How many.")],
    profile: Annotated[str, typer.Argument(help="A plan, a standard profile, or CUSTOM.")],
    tenant: TenantKey = "demo",
    router: Annotated[str | None, typer.Option(help="Where: a router's name or id.")] = None,
    price: Annotated[str | None, typer.Option(help="In major units, like 500.")] = None,
    validity_hours: Annotated[int | None, typer.Option(min=1)] = None,
    data_limit_mb: Annotated[int | None, typer.Option(min=1)] = None,
    prefix: Annotated[str, typer.Option(help="How codes begin.")] = "",
    phone: Annotated[str | None, typer.Option(help="Whose they are.")] = None,
    key: ActionKey = None,
    *,
    activate: Annotated[bool, typer.Option(help="Put them on the router at once.")] = False,
    send_sms: Annotated[bool, typer.Option(help="Tell that number the codes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Order a batch. Workers make it; `callbox vouchers batch` tells how far it is."""

    async def ask(core: Core, tenant_id: UUID) -> Batch:
        owner = await core.tenants.get(tenant_id)
        try:
            order = BatchOrder(
                quantity=quantity,
                profile=profile,
                router_id=await _router_id(core, tenant_id, router),
                validity_hours=validity_hours,
                price_minor=None if price is None else from_major(price, owner.currency).minor,
                data_limit_mb=data_limit_mb,
                code_prefix=prefix,
                auto_activate=activate,
                send_sms=send_sms,
                customer_phone=parse_msisdn(phone, owner.country) if phone else None,
            )
            desk = core.hotspots.batch_desk
            return await desk.generate(owner, order, key=key or str(ids.uuid7()), actor=actor())
        except ValueError as error:
            raise Fault(f"price: {error}") from None
        except BadMsisdn:
            raise Fault("phone: is no mobile number") from None
        except BadBatch as bad:
            raise Fault(str(bad.facts["why"])) from None

    _told(act(tenant, ask), as_json=as_json)


@app.command()
def batch(batch_id: _BatchId, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """One batch, and how far it is."""

    async def ask(core: Core, tenant_id: UUID) -> Batch:
        return await core.hotspots.batch_desk.show(tenant_id, batch_id)

    _told(act(tenant, ask), as_json=as_json)


@app.command()
def sheet(
    batch_id: _BatchId,
    out: _Out,
    form: Annotated[SheetForm, typer.Option("--format", help="What it is printed on.")] = (
        SheetForm.A4
    ),
    first: Annotated[int, typer.Option(min=1, help="From this serial number on.")] = 1,
    count: Annotated[int | None, typer.Option(min=1, help="So many cards.")] = None,
    tenant: TenantKey = "demo",
) -> None:
    """Cards with whole codes, as PDF. The audit shows who printed them."""

    async def ask(core: Core, tenant_id: UUID) -> bytes:
        return await core.hotspots.sheets.pdf(
            tenant_id, batch_id, form, actor=actor(), first=first, count=count
        )

    _private(out, act(tenant, ask))


@app.command()
def export(
    batch_id: _BatchId,
    out: _Out,
    tenant: TenantKey = "demo",
    *,
    codes: Annotated[bool, typer.Option("--codes", help="With whole codes.")] = False,
) -> None:
    """A batch as a table for a spreadsheet (CSV). The audit shows who asked for it."""

    async def ask(core: Core, tenant_id: UUID) -> bytes:
        rows = await core.hotspots.sheets.table(tenant_id, batch_id, clear=codes, actor=actor())
        return b"".join([part async for part in rows])

    _private(out, act(tenant, ask))


@app.command()
def refund(
    code: _Code,
    reason: Annotated[str, typer.Option(help="Why: the audit shows it.")],
    tenant: TenantKey = "demo",
) -> None:
    """Take it off the router, then give the money back. JSON: as it stands a moment after."""

    async def ask(core: Core, tenant_id: UUID) -> VoucherDetail:
        return await core.hotspots.desk.refund(tenant_id, code, reason=reason, actor=actor())

    show_json(_detail(act(tenant, ask)))


@app.command()
def disable(code: _Code, tenant: TenantKey = "demo") -> None:
    """Nobody logs in with it any more, and whoever is online with it is put out. JSON."""

    async def ask(core: Core, tenant_id: UUID) -> VoucherDetail:
        await core.hotspots.desk.disable(tenant_id, code, actor=actor())
        return await core.hotspots.desk.find(tenant_id, code)

    show_json(_detail(act(tenant, ask)))


async def _router_id(core: Core, tenant_id: UUID, named: str | None) -> UUID | None:
    """Raises `UnknownRouter` where no router has this name."""
    if named is None:
        return None
    try:
        return UUID(named)
    except ValueError:
        return (await core.router_office.desk.named(tenant_id, named)).id


def _private(out: Path, content: bytes) -> None:
    """Codes are worth money: for whoever asked alone."""
    out.touch(mode=0o600)
    out.write_bytes(content)
    typer.echo(f"Written to {out}.")


def _told(made: Batch, *, as_json: bool) -> None:
    plain = {
        "id": made.id,
        "status": made.state,
        "profile": made.plan_code,
        "quantity": made.quantity,
        "made": made.made,
        "confirmed": made.confirmed,
        "price": to_major(Money(made.price_minor, made.currency)),
        "currency": made.currency,
        "router": made.router_id,
    }
    if as_json:
        show_json(plain)
    else:
        show_rows([plain], of="batches", as_json=False)


def _line(voucher: Voucher) -> dict[str, object]:
    return {
        "id": voucher.id,
        "code": masked(voucher.head, voucher.code_chars),
        "profile": voucher.plan_code,
        "status": voucher.sale_state.value,
        "router_status": voucher.sync_state.value,
        "error": voucher.error,
        "amount": to_major(Money(voucher.price_minor, voucher.currency)),
        "currency": voucher.currency,
        "created_at": voucher.created_at.isoformat(),
    }


def _detail(found: VoucherDetail) -> dict[str, object]:
    voucher, sale = found.voucher, found.sale
    return _line(voucher) | {
        "name": voucher.plan_name,
        "terms": voucher.terms.kept(),
        "wanted": voucher.desired.value,
        "router": voucher.router_id,
        "owner": voucher.owner_id,
        "batch": voucher.batch_id,
        "serial": voucher.serial,
        "used_s": voucher.used.online_s,
        "used_bytes": voucher.used.data_bytes,
        "first_login_at": voucher.first_login_at,
        "expires_at": voucher.expires_at,
        "sale": None
        if sale is None
        else {
            "reference": sale.reference,
            "status": sale.state,
            "amount": to_major(Money(sale.amount_minor, sale.currency)),
            "refund_reason": sale.refund_reason,
        },
    }
