"""What a tenant and a channel may look like."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from core.domain.customers import Tenant
from core.domain.turns import Channel
from core.kit.clock import SetClock
from core.ports import ChannelQuery, ChannelRecord, Event, Paging
from core.services.channel_desk import (
    BadChannel,
    ChannelChange,
    ChannelDesk,
    UnknownChannel,
)
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

    async def of_kind(self, kind: str) -> Sequence[Channel]:
        return [each for each in self.channels.values() if each.kind == kind]

    async def listed(
        self, tenant_id: UUID, query: ChannelQuery, paging: Paging
    ) -> Sequence[ChannelRecord]:
        return await self.of_tenant(tenant_id)

    async def count(self, tenant_id: UUID, query: ChannelQuery) -> int:
        return len(await self.of_tenant(tenant_id))

    async def find_one(
        self, tenant_id: UUID, channel_id: UUID
    ) -> tuple[ChannelRecord, Channel] | None:
        found = [each for each in await self.of_tenant(tenant_id) if each.id == channel_id]
        return (found[0], self.channels[channel_id]) if found else None

    async def alter(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        altered: Callable[[Channel], Channel],
        event: Event,
        at: dt.datetime,
        *,
        active: bool | None,
    ) -> bool:
        if channel_id not in self.channels:
            return False
        self.channels[channel_id] = altered(self.channels[channel_id])
        return True

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
    gateways = {
        "ussd": ("africastalking",),
        "callback": ("vtpass",),
        "telegram": ("telegram",),
        "whatsapp": ("whatsapp",),
    }
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


@pytest.mark.parametrize(
    ("other", "gateway", "code", "told"),
    [
        (UUID(int=2), "africastalking", "*347*55#", True),
        (UUID(int=2), "africastalking", "*347*56#", False),
        (SHOP, "africastalking", "*347*55#", False),
    ],
)
async def test_a_code_that_another_tenant_has_too_is_told(
    other: UUID, gateway: str, code: str, told: bool
) -> None:
    """Nobody can keep it from whoever rented it; but only one of the two is reached by dialling."""
    desk = channel_desk(Channels())
    first = await desk.create(other, "ussd", gateway, code, "cli")

    second = await desk.create(SHOP, "ussd", "africastalking", "*347*55#", "cli")

    assert first.remark == ""
    assert ("Another tenant has *347*55# at africastalking" in second.remark) == told


@pytest.mark.parametrize(
    ("value", "why"),
    [("aaa", "is too short: it has 8"), ("a" * 5000, "is too long"), ("a b c d e f", "no spaces")],
)
@pytest.mark.parametrize("name", ["access_token", "app_secret", "verify_token"])
async def test_what_is_wrong_with_a_secret_is_said(name: str, value: str, why: str) -> None:
    with pytest.raises(BadChannel) as caught:
        await opened("whatsapp", {**WHATSAPP, name: value}, {**NUMBER})

    assert why in caught.value.fields[f"credentials.{name}"]
    assert value not in str(caught.value)


TELEGRAM = {"token": "110201543:AAH-a-bots-token", "webhook_secret": "a-webhook-secret"}
WHATSAPP = {
    "access_token": "EAAB-an-access-token",
    "app_secret": "an-app-secret",
    "verify_token": "a-verify-token",
}
NUMBER = {"phone_number_id": "100000000000001"}


async def opened(
    kind: str, credentials: dict[str, str], settings: dict[str, object], url: str | None = None
) -> Channel:
    book = Channels()
    wanted = ChannelChange(settings=settings, credentials=credentials, api_base_url=url)
    made = await channel_desk(book).create(SHOP, kind, "", "", "cli", wanted=wanted)
    return book.channels[made.id]


async def test_a_chat_channel_is_reached_by_its_kind_and_key() -> None:
    book = Channels()
    wanted = ChannelChange(settings={"username": "a_shop_bot"}, credentials=TELEGRAM)

    made = await channel_desk(book).create(SHOP, "telegram", "", "", "cli", wanted=wanted)

    channel = book.channels[made.id]
    assert (channel.gateway, made.path) == ("telegram", f"/telegram/{channel.key}")
    assert made.key == channel.key


@pytest.mark.parametrize(
    ("kind", "credentials", "settings"),
    [
        ("telegram", TELEGRAM, {"typed_pin": True, "chat_link": "https://t.me/shop"}),
        ("telegram", {"token": TELEGRAM["token"]}, {"polling": True}),
        ("whatsapp", WHATSAPP, NUMBER),
        ("whatsapp", WHATSAPP, {**NUMBER, "template": {"name": "callbox_notice"}}),
        (
            "whatsapp",
            {"access_token": "a-partners-key"},
            {"api_version": "", "auth_header": "D360-API-KEY", "verifier": "path"},
        ),
    ],
)
async def test_what_a_chat_channel_may_be(
    kind: str, credentials: dict[str, str], settings: dict[str, object]
) -> None:
    channel = await opened(kind, credentials, settings)

    assert (channel.credentials, channel.settings) == (credentials, settings)


@pytest.mark.parametrize(
    ("kind", "credentials", "settings", "url", "named"),
    [
        ("telegram", {}, {}, None, ["credentials.token", "credentials.webhook_secret"]),
        ("telegram", {**TELEGRAM, "token": "none"}, {}, None, ["credentials.token"]),
        ("telegram", {**TELEGRAM, "pin": "12345678"}, {}, None, ["credentials.pin"]),
        ("telegram", TELEGRAM, {"colour": "red"}, None, ["settings.colour"]),
        ("telegram", TELEGRAM, {"polling": "yes"}, None, ["settings.polling"]),
        ("telegram", TELEGRAM, {"username": "@shop"}, None, ["settings.username"]),
        ("telegram", TELEGRAM, {"chat_link": "javascript:x"}, None, ["settings.chat_link"]),
        ("telegram", TELEGRAM, {"api_base_url": "https://x"}, None, ["settings.api_base_url"]),
        ("telegram", TELEGRAM, {}, "ftp://host", ["api_base_url"]),
        ("telegram", TELEGRAM, {}, "https://a:b@host/path", ["api_base_url"]),
        ("telegram", TELEGRAM, {}, "https://host/?a=b", ["api_base_url"]),
        ("whatsapp", WHATSAPP, {}, None, ["settings.phone_number_id"]),
        ("whatsapp", WHATSAPP, {**NUMBER, "template": {"x": 1}}, None, ["settings.template"]),
        ("whatsapp", WHATSAPP, {**NUMBER, "template": []}, None, ["settings.template"]),
        ("whatsapp", WHATSAPP, {**NUMBER, "verifier": "none"}, None, ["settings.verifier"]),
        ("whatsapp", WHATSAPP, {**NUMBER, "api_version": "26"}, None, ["settings.api_version"]),
        (
            "whatsapp",
            {"access_token": "an-access-token"},
            NUMBER,
            None,
            ["credentials.app_secret", "credentials.verify_token"],
        ),
    ],
)
async def test_a_chat_channel_that_cannot_be_is_refused_by_field(
    kind: str,
    credentials: dict[str, str],
    settings: dict[str, object],
    url: str | None,
    named: list[str],
) -> None:
    with pytest.raises(BadChannel) as caught:
        await opened(kind, credentials, settings, url)

    assert list(caught.value.fields) == named
    secrets = [value for value in credentials.values() if len(value) > 8]
    assert not [secret for secret in secrets if secret in str(caught.value)]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"allowed_ips": ["203.0.113.0/24"], "language": "en"}, []),
        ({"allowed_ips": "203.0.113.7"}, ["settings.allowed_ips"]),
        ({"allowed_ips": []}, ["settings.allowed_ips"]),
        ({"allowed_ips": ["here"]}, ["settings.allowed_ips"]),
        ({"language": "English"}, ["settings.language"]),
        ({"language": "e\x00"}, ["settings.language", "settings"]),
    ],
)
async def test_settings_of_a_service_code(settings: dict[str, object], named: list[str]) -> None:
    book = Channels()
    wanted = ChannelChange(settings=settings)
    making = channel_desk(book).create(
        SHOP, "ussd", "africastalking", "*347#", "cli", wanted=wanted
    )
    if not named:
        assert book.channels[(await making).id].settings == settings
        return

    with pytest.raises(BadChannel) as caught:
        await making
    assert list(caught.value.fields) == named


async def test_a_change_leaves_the_rest_as_it_is() -> None:
    book = Channels()
    desk = channel_desk(book)
    wanted = ChannelChange(
        settings={"username": "a_shop_bot"},
        credentials=TELEGRAM,
        api_base_url="https://telegram.example/",
    )
    made = await desk.create(SHOP, "telegram", "", "", "cli", wanted=wanted)

    await desk.change(SHOP, made.id, ChannelChange(settings={"typed_pin": True}), "cli")
    new = {"webhook_secret": "another-secret"}
    await desk.change(SHOP, made.id, ChannelChange(credentials=new), "cli")

    channel = book.channels[made.id]
    assert channel.settings == {"typed_pin": True, "api_base_url": "https://telegram.example"}
    assert channel.credentials == {**TELEGRAM, **new}
    home = ChannelChange(api_base_url="", credentials=TELEGRAM)
    await desk.change(SHOP, made.id, home, "cli")
    assert book.channels[made.id].settings == {"typed_pin": True}
    with pytest.raises(BadChannel):
        await desk.change(SHOP, made.id, ChannelChange(credentials={"token": ""}), "cli")
    with pytest.raises(UnknownChannel):
        await desk.change(SHOP, UUID(int=2), ChannelChange(), "cli")


async def test_a_channel_nobody_has_is_neither_rekeyed_nor_disabled() -> None:
    desk = channel_desk(Channels())

    with pytest.raises(UnknownChannel):
        await desk.rotate(SHOP, UUID(int=2), "cli")
    with pytest.raises(UnknownChannel):
        await desk.disable(SHOP, UUID(int=2), "cli")
