"""Commands that only look."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from bots.operators import words
from bots.operators.asking import Ask, Say
from bots.operators.core import OperatorCore, Probe
from core.domain.circuits import CircuitKey
from core.domain.hotspot import Router, RouterStatus
from core.kit.clock import Clock
from core.ports import Paging
from core.ports.desk import CaseQuery
from core.ports.health import AlertRecord, Known
from core.ports.hotspot_books import RouterQuery
from core.services.provider_configs import Listed

_PROBE_WITHIN_S = 3.0
_SHOWN_MAX = 25
_ROUTERS = "router"


async def status(core: OperatorCore, ask: Ask) -> Say:
    """How each part is, and how much is wrong."""

    async def chats() -> Mapping[str, object]:
        return {"lag_s": round(await core.chat_lag_s(), 1)}

    parts: dict[str, Probe] = {**core.probes, "chats": chats}
    found = await asyncio.gather(*(_part(name, probe) for name, probe in parts.items()))
    return Say("\n".join([*found, await _alerts_line(core, ask.operator.tenant_id)]))


async def _part(name: str, probe: Probe) -> str:
    try:
        async with asyncio.timeout(_PROBE_WITHIN_S):
            figures = await probe()
    except Exception as error:  # noqa: BLE001 - that it fails is what is told
        return f"{name}: NOT WELL ({type(error).__name__})"
    told = ", ".join(f"{key.removesuffix('_s')} {value} s" for key, value in figures.items())
    return f"{name}: well" + (f", {told}" if told else "")


async def _alerts_line(core: OperatorCore, tenant_id: UUID) -> str:
    try:
        async with asyncio.timeout(_PROBE_WITHIN_S):
            count = await core.alerts.count(tenant_id, "open")
    except Exception as error:  # noqa: BLE001 - as above
        return f"open alerts: not known ({type(error).__name__})"
    return f"open alerts: {count}"


async def alerts(core: OperatorCore, ask: Ask) -> Say:
    """What is wrong now."""
    tenant_id = ask.operator.tenant_id
    tenant = await core.tenants.get(tenant_id)
    found = await core.alerts.listed(tenant_id, "open", Paging(_SHOWN_MAX))
    lines = [words.of_alert(record, tenant.time_zone) for record in found[:_SHOWN_MAX]]
    return Say("\n".join(lines) or "Nothing is wrong.")


async def routers(core: OperatorCore, ask: Ask) -> Say:
    """How routers are, those that need somebody first, and what alerts tell of them."""
    tenant_id, query = ask.operator.tenant_id, RouterQuery(search=" ".join(ask.words))
    desk = core.router_office.desk
    counts = {
        status: await desk.count(tenant_id, replace(query, status=status))
        for status in RouterStatus
    }
    found: list[Router] = []
    for status in words.WORST_FIRST:
        paging = Paging(_SHOWN_MAX, sort_by="name", descending=False)
        if counts[status] and len(found) < _SHOWN_MAX:
            found += await desk.listed(tenant_id, replace(query, status=status), paging)
    alerts_open: list[AlertRecord] = [
        record
        for record in await core.alerts.listed(tenant_id, "open", Paging(100))
        if record.kind.value.startswith(_ROUTERS)
    ]
    tenant = await core.tenants.get(tenant_id)
    return Say(
        words.of_routers(
            found[:_SHOWN_MAX],
            counts,
            alerts_open,
            core.clock.now(),
            tenant.time_zone,
            search=query.search,
        )
    )


async def providers(core: OperatorCore, ask: Ask) -> Say:
    """Who sells, with score, circuit and float."""
    tenant_id = ask.operator.tenant_id
    listed = await core.setup.listed(tenant_id)
    known = await core.standings.known(tenant_id)
    views = await core.controls.circuits(tenant_id)
    circuits = {(view.service, view.provider): view.state.value for view in views}
    lines = []
    for one in listed:
        name = one.offer.provider.name
        key = CircuitKey(tenant_id, one.service, name)
        circuit = circuits.get((one.service, name), "not known")
        lines.append(_provider(one, known.get(key), circuit, core.clock))
    return Say("\n".join(lines) or "Nobody sells anything here.")


def _provider(one: Listed, known: Known | None, circuit: str, clock: Clock) -> str:
    score = "not known"
    money = "not known"
    if known is not None and known.score is not None:
        score = f"{known.score:.2f}" + (f" (rank {known.place})" if known.place else "")
    if known is not None and known.float_balance is not None:
        told = known.float_balance
        money = words.money(told.minor, told.currency)
        if known.float_at is not None:
            age = words.lasting((clock.now() - known.float_at).total_seconds())
            money += f" ({age} ago)"
    off = "" if one.offer.active else ", OFF"
    return (
        f"{one.service.value} at {one.offer.provider.name}{off}: "
        f"score {score}, circuit {circuit}, float {money}"
    )


async def order(core: OperatorCore, ask: Ask) -> Say:
    """One order: attempts, money, and what may be done."""
    if not ask.words:
        return Say("Which one? /order REFERENCE")
    detail = await core.order_actions.show(ask.operator.tenant_id, ask.words[0])
    return Say(words.of_order(detail, core.clock.now()))


async def payout(core: OperatorCore, ask: Ask) -> Say:
    """One payout, and what may be done."""
    if not ask.words:
        return Say("Which one? /payout REFERENCE")
    found = await core.payouts.show(ask.operator.tenant_id, ask.words[0])
    return Say(words.of_payout(found, core.clock.now()))


async def cases(core: OperatorCore, ask: Ask) -> Say:
    """What only a person can settle."""
    tenant_id, query = ask.operator.tenant_id, CaseQuery(state="open")
    found = await core.cases.listed(tenant_id, query, Paging(_SHOWN_MAX))
    total = await core.cases.count(tenant_id, query)
    return Say(words.of_cases(found[:_SHOWN_MAX], total, core.clock.now()))


async def digest(core: OperatorCore, ask: Ask) -> Say:
    """The last twenty-four hours."""
    return Say(await digest_of(core, ask.operator.tenant_id))


async def digest_of(core: OperatorCore, tenant_id: UUID) -> str:
    tenant = await core.tenants.get(tenant_id)
    return words.of_digest(
        await core.operations.digests.of(tenant_id), tenant.name, tenant.time_zone
    )
