"""What a tenant and a channel may look like."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from core.domain.customers import Tenant
from core.domain.turns import Channel
from core.kit.clock import SetClock
from core.ports import ChannelRecord, Event
from core.services.channel_desk import BadChannel, ChannelDesk, UnknownChannel
from core.services.tenancy import BadTenant, TenantDesk

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
SHOP = UUID(int=1)
GOOD = {
    "key": "corner-shop",
    "name": "Corner shop",
    "country": "NG",
    "currency": "NGN",
    "time_zone": "Africa/Lagos",
    "language": "en",
}


@dataclass
class Book:
    """Keeps tenants and channels in memory, with what was noted of them."""

    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    channels: dict[UUID, Channel] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)


class Tenants(Book):
    async def create(self, tenant: Tenant, event: Event, at: dt.datetime) -> bool:
        assert at == NOON
        if tenant.key in {each.key for each in self.tenants.values()}:
            return False
        self.tenants[tenant.id] = tenant
        self.noted.append(event.kind)
        return True

    async def keys(self) -> dict[str, UUID]:
        return {each.key: each.id for each in self.tenants.values()}

    async def get(self, tenant_id: UUID) -> Tenant:
        return self.tenants[tenant_id]


class Channels(Book):
    async def create(self, channel: Channel, event: Event, at: dt.datetime) -> None:
        assert at == NOON
        self.channels[channel.id] = channel
        self.noted.append(event.kind)

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        return [
            ChannelRecord(each.id, each.kind, each.gateway, each.service_code, True, NOON)
            for each in self.channels.values()
            if each.tenant_id == tenant_id
        ]

    async def rekey(
        self, tenant_id: UUID, channel_id: UUID, key: str, event: Event, at: dt.datetime
    ) -> bool:
        raise AssertionError("an unknown channel is not rekeyed")

    async def disable(
        self, tenant_id: UUID, channel_id: UUID, event: Event, at: dt.datetime
    ) -> bool:
        return channel_id in self.channels


def tenant_desk(book: Tenants) -> TenantDesk:
    return TenantDesk(book, ("en",), SetClock(NOON))


def channel_desk(book: Channels) -> ChannelDesk:
    gateways = {"ussd": ("africastalking",), "callback": ("vtpass",)}
    return ChannelDesk(book, gateways, SetClock(NOON))


async def test_a_tenant_is_written_in_capitals_where_that_is_the_form() -> None:
    book = Tenants()

    tenant = await tenant_desk(book).create(
        **{**GOOD, "country": "gh", "currency": "ghs"}, actor="cli"
    )

    assert (tenant.country, tenant.currency) == ("GH", "GHS")
    assert list(book.tenants.values()) == [tenant]
    assert book.noted == ["tenant.created"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("key", "Corner Shop"),
        ("key", "x" * 40),
        ("key", ""),
        ("name", " "),
        ("name", "a\nb"),
        ("country", "Nigeria"),
        ("country", "XX"),
        ("currency", "naira"),
        ("time_zone", "Lagos"),
        ("language", "xx"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_made(name: str, wrong: str) -> None:
    book = Tenants()

    with pytest.raises(BadTenant) as caught:
        await tenant_desk(book).create(**{**GOOD, name: wrong}, actor="cli")

    assert list(caught.value.fields) == [name]
    assert book.tenants == {}


async def test_a_key_names_one_tenant() -> None:
    book = Tenants()
    await tenant_desk(book).create(**GOOD, actor="cli")

    with pytest.raises(BadTenant, match="key: is taken"):
        await tenant_desk(book).create(**GOOD, actor="cli")


@pytest.mark.parametrize(
    ("kind", "gateway", "code", "path"),
    [
        ("ussd", "africastalking", "*347*55#", "/ussd/africastalking/"),
        ("callback", "vtpass", "", "/callbacks/vtpass/"),
    ],
)
async def test_a_channel_is_reached_at_a_path_that_cannot_be_guessed(
    kind: str, gateway: str, code: str, path: str
) -> None:
    book = Channels()

    first = await channel_desk(book).create(SHOP, kind, gateway, code, "cli")
    second = await channel_desk(book).create(SHOP, kind, gateway, code, "cli")

    assert first.path == path + book.channels[first.id].key
    assert first.path != second.path
    assert len(book.channels[first.id].key) >= 32


@pytest.mark.parametrize(
    ("kind", "gateway", "code", "named"),
    [
        ("pigeon", "africastalking", "", ["kind"]),
        ("ussd", "vtpass", "*347#", ["gateway"]),
        ("ussd", "africastalking", "", ["service_code"]),
        ("ussd", "africastalking", "347", ["service_code"]),
        ("callback", "vtpass", "*347#", ["service_code"]),
        ("ussd", "nobody", "x", ["gateway", "service_code"]),
    ],
)
async def test_a_wrong_channel_is_not_opened(
    kind: str, gateway: str, code: str, named: list[str]
) -> None:
    book = Channels()

    with pytest.raises(BadChannel) as caught:
        await channel_desk(book).create(SHOP, kind, gateway, code, "cli")

    assert list(caught.value.fields) == named
    assert book.channels == {}


async def test_a_channel_nobody_has_is_neither_rekeyed_nor_disabled() -> None:
    desk = channel_desk(Channels())

    with pytest.raises(UnknownChannel):
        await desk.rotate(SHOP, UUID(int=2), "cli")
    with pytest.raises(UnknownChannel):
        await desk.disable(SHOP, UUID(int=2), "cli")
