"""Commands on gift rooms: looked at, stopped, ended, and whether chance alone decided."""

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain import chance
from core.domain.gifts import Claim, GiftTerms, Refusal, Room, RoomState
from core.kit.errors import Fault
from core.kit.money import Money, from_major, to_major
from core.kit.msisdn import masked
from core.ports.gifts import Figures
from core.services.gift_checking import Replay
from core.services.gift_desk import WENT_ON, GiftDetail

app = typer.Typer(help="Gift rooms.", no_args_is_help=True)

RoomName = Annotated[str, typer.Argument(help="Its code or its id, as in `callbox gifts list`.")]
Reason = Annotated[str, typer.Option(help="Why: the audit shows it.")]


@app.command("list")
def list_rooms(
    tenant: TenantKey = "demo",
    state: Annotated[RoomState | None, typer.Option(help="Only those that stand so.")] = None,
    search: Annotated[str, typer.Option(help="Part of a code or of the giver's number.")] = "",
    count: Annotated[int, typer.Option(min=1, max=500)] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """The latest gift rooms."""

    async def ask(core: Core, tenant_id: UUID) -> list[Room]:
        rooms, _ = await core.gift_desk.listed(tenant_id, state=state, search=search, count=count)
        return list(rooms)

    found = act(tenant, ask)
    show_rows(
        [_plain(room) if as_json else _line(room) for room in found],
        of="gift rooms",
        as_json=as_json,
    )


@app.command()
def show(room: RoomName, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """One room: how it stands, who took part, who was kept out and why."""

    async def ask(core: Core, tenant_id: UUID) -> GiftDetail:
        found = await core.gift_desk.find(tenant_id, room)
        return await core.gift_desk.show(tenant_id, found.id)

    detail = act(tenant, ask)
    currency = detail.room.total.currency
    plain = {
        **_plain(detail.room),
        "escrow": to_major(Money(detail.escrow_minor, currency)),
        "claims": [_claim(claim, currency) for claim in detail.claims],
        "refusals": [_refusal(refusal) for refusal in detail.refusals],
    }
    _show(plain, as_json=as_json)


@app.command()
def freeze(room: RoomName, reason: Reason, tenant: TenantKey = "demo") -> None:
    """Stop a room: nobody wins, nothing expires, nothing is paid. Twice is once."""
    _freeze(tenant, room, reason, frozen=True)
    typer.echo("It is frozen.")


@app.command()
def unfreeze(room: RoomName, reason: Reason, tenant: TenantKey = "demo") -> None:
    """Let a frozen room go on. Twice is once."""
    stands = _freeze(tenant, room, reason, frozen=False)
    typer.echo(WENT_ON if stands.state.final else "It goes on.")


@app.command()
def cancel(
    room: RoomName, reason: Reason, tenant: TenantKey = "demo", *, as_json: AsJson = False
) -> None:
    """End a room: what nobody won goes back to the giver, once; winners keep theirs."""

    async def ask(core: Core, tenant_id: UUID) -> Room:
        found = await core.gift_desk.find(tenant_id, room)
        return await core.gift_desk.cancel(tenant_id, found.id, reason=reason, actor=actor())

    _show(_plain(act(tenant, ask)), as_json=as_json)


@app.command()
def settings(
    tenant: TenantKey = "demo",
    reason: Annotated[str, typer.Option(help="Why something is changed.")] = "",
    total_min: Annotated[str | None, typer.Option(help="The least gift, in major units.")] = None,
    total_max: Annotated[str | None, typer.Option(help="The largest gift.")] = None,
    day_max: Annotated[str | None, typer.Option(help="Given by one customer in a day.")] = None,
    shares_max: Annotated[int | None, typer.Option(help="Shares of one gift.")] = None,
    fee_basis_points: Annotated[int | None, typer.Option(help="On top; 100 is 1 %.")] = None,
    open_max: Annotated[int | None, typer.Option(help="Open rooms of one customer.")] = None,
    *,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether any.")] = None,
    as_json: AsJson = False,
) -> None:
    """What new gift rooms may be; with options and a reason, changed."""
    plain = {
        "shares_max": shares_max,
        "fee_basis_points": fee_basis_points,
        "open_max": open_max,
        "on": enabled,
    }
    amounts = {"total_min": total_min, "total_max": total_max, "day_max": day_max}

    async def ask(core: Core, tenant_id: UUID) -> tuple[GiftTerms, str]:
        terms, currency = await core.gift_desk.terms(tenant_id)
        changed: dict[str, Any] = {**_minor(amounts, currency)}
        changed |= {name: value for name, value in plain.items() if value is not None}
        if changed:
            terms = replace(terms, **changed)
            await core.gift_desk.change(tenant_id, terms, reason=reason, actor=actor())
        return terms, currency

    terms, currency = act(tenant, ask)
    _show(_majors(asdict(terms), currency), as_json=as_json)


@app.command()
def figures(
    tenant: TenantKey = "demo",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Of the last so many days.")] = 30,
    *,
    as_json: AsJson = False,
) -> None:
    """How gift rooms do: taking part, shares won, new customers brought."""

    async def ask(core: Core, tenant_id: UUID) -> Figures:
        until = core.clock.now()
        return await core.gift_desk.figures(tenant_id, until - dt.timedelta(days=days), until)

    found = act(tenant, ask)
    plain = _majors(asdict(found), found.currency)
    plain["participation"] = _rate(found.joined, found.rooms)
    plain["claim_rate"] = _rate(found.won, found.shares)
    plain["viral_coefficient"] = _rate(found.brought, found.creators)
    _show(plain, as_json=as_json)


@app.command()
def verify(
    room: Annotated[str | None, typer.Argument(help="Its code or its id.")] = None,
    tenant: TenantKey = "demo",
    seed: Annotated[str | None, typer.Option(help="As published, in place of a room.")] = None,
    total: Annotated[int, typer.Option(help="Of the gift, in minor units.")] = 0,
    shares: Annotated[int, typer.Option(help="How many.")] = 0,
    tickets: Annotated[int, typer.Option(help="Of a draw: how many there were.")] = 0,
    floor: Annotated[int, typer.Option(help="The least share; of airtime, what is sold.")] = 1,
    unit: Annotated[int, typer.Option(help="What shares are whole in; of airtime 100.")] = 1,
    *,
    as_json: AsJson = False,
) -> None:
    """Do a split and a draw again from the published seed. Status 1 where they differ.

    With a room, it is compared with what was paid. With a seed alone, anywhere and without a
    database, the answer is what it gives at random: compare it with what was published.
    """
    if (room is None) == (seed is None):
        raise Fault("name a room, or give --seed with --total and --shares")
    if seed is not None:
        _show(_by_seed(seed, total, shares, tickets, floor, unit), as_json=as_json)
        return

    async def ask(core: Core, tenant_id: UUID) -> tuple[Room, Replay]:
        found = await core.gift_desk.find(tenant_id, str(room))
        return found, await core.gift_desk.verify(found)

    found, replay = act(tenant, ask)
    currency = found.total.currency
    plain = {
        "code": found.code,
        "fair": replay.fair,
        "seal": replay.seal,
        "paid": replay.paid,
        "commitment": found.commitment,
        "seed": found.seed,
        "amounts": [to_major(Money(each, currency)) for each in replay.amounts_minor],
        "tickets": list(replay.tickets),
    }
    _show(plain, as_json=as_json)
    if not replay.fair:
        raise typer.Exit(1)


def _by_seed(
    seed: str, total: int, shares: int, tickets: int, floor: int, unit: int
) -> dict[str, object]:
    secret = _seed_of(seed)
    try:
        amounts = chance.split(total, shares, secret, floor=floor, unit=unit)
    except ValueError as error:
        raise Fault(str(error)) from None
    drawn = chance.draw(secret, tickets, shares) if tickets else ()
    return {
        "commitment": chance.commitment(secret),
        "amounts_minor": list(amounts),
        "tickets": list(drawn),
    }


def _seed_of(written: str) -> bytes:
    """Raises `Fault` where it is no seed."""
    with contextlib.suppress(ValueError):
        seed = bytes.fromhex(written)
        if len(seed) == chance.SEED_BYTES:
            return seed
    digits = 2 * chance.SEED_BYTES
    raise Fault(f"--seed: should be the {digits} digits, 0 to 9 and a to f, of a published seed")


def _freeze(tenant: str, room: str, reason: str, *, frozen: bool) -> Room:
    async def ask(core: Core, tenant_id: UUID) -> Room:
        found = await core.gift_desk.find(tenant_id, room)
        return await core.gift_desk.freeze(
            tenant_id, found.id, frozen=frozen, reason=reason, actor=actor()
        )

    return act(tenant, ask)


def _show(plain: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        show_json(plain)
        return
    for name, value in plain.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            typer.echo(f"{name}:")
            show_rows(value, of=name, as_json=False)
        elif isinstance(value, list):
            typer.echo(f"{name}: {' '.join(map(str, value))}")
        elif value is not None:
            typer.echo(f"{name}: {value}")


def _line(room: Room) -> dict[str, object]:
    return {
        "code": room.code,
        "state": room.state.value,
        "kind": room.kind.value,
        "amount": to_major(room.total),
        "won": f"{room.taken}/{room.shares}",
        "joined": room.joined,
        "giver": masked(room.creator_msisdn),
        "until": f"{room.expires_at:%Y-%m-%d %H:%M}",
    }


def _plain(room: Room) -> dict[str, object]:
    plain = _majors(asdict(room), room.total.currency)
    plain["total"], plain["currency"] = to_major(room.total), room.total.currency
    plain["creator_msisdn"] = masked(room.creator_msisdn)
    plain["answers"] = list(room.answers)
    del plain["token"]
    return plain


def _claim(claim: Claim, currency: str) -> dict[str, object]:
    return {**_majors(asdict(claim), currency), "msisdn": masked(claim.msisdn)}


def _refusal(refusal: Refusal) -> dict[str, object]:
    facts = " ".join(f"{name}={value}" for name, value in refusal.facts.items())
    return {
        "customer_id": str(refusal.customer_id),
        "why": refusal.why,
        "facts": facts,
        "at": refusal.at.isoformat(),
    }


def _majors(plain: Mapping[str, object], currency: str) -> dict[str, object]:
    """With every amount in major units."""
    written: dict[str, object] = {}
    for name, value in plain.items():
        if name.endswith("_minor") and isinstance(value, int):
            written[name.removesuffix("_minor")] = to_major(Money(value, currency))
        else:
            written[name] = value
    return written


def _minor(amounts: Mapping[str, str | None], currency: str) -> dict[str, int]:
    """Raises `Fault` where something is no amount of that currency."""
    given = {name: text for name, text in amounts.items() if text is not None}
    try:
        return {f"{name}_minor": from_major(text, currency).minor for name, text in given.items()}
    except ValueError as error:
        raise Fault(f"an amount is wrong: {error}") from None


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
