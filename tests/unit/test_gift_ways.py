"""The ways into a gift: only those that a tenant has."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from core.domain.turns import Channel
from core.kit import ids
from core.kit.clock import SetClock
from core.ports import ChannelRecord, NewNotice
from core.services.gift_sharing import GiftSharing
from core.services.gift_ways import GiftWays
from tests.fakes.stores import TENANT
from tests.unit.test_gift_pictures import AT, ROOM, TEXTS


class Channels:
    def __init__(self, *records: ChannelRecord) -> None:
        self._records = records

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        return self._records

    async def get(self, channel_id: UUID) -> Channel | None:
        return None


class Links:
    def __init__(self, bot: str | None) -> None:
        self._bot = bot

    async def bot_of(self, tenant_id: UUID) -> str | None:
        return self._bot


class NoOutbox:
    async def add(self, notice: NewNotice, at: dt.datetime) -> None:
        raise AssertionError("nobody is to be told")


def record(kind: str, *, code: str = "", active: bool = True, **settings: object) -> ChannelRecord:
    return ChannelRecord(ids.uuid7(), kind, kind, code, active, AT, settings)


def ways(bot: str | None, *records: ChannelRecord) -> GiftWays:
    channels = Channels(*records)
    sharing = GiftSharing(
        channels,
        Links(bot),
        NoOutbox(),  # type: ignore[arg-type]  # of the port only what is asked for
        TEXTS,
        SetClock(AT),
        public_url="https://callbox.example/",
    )
    return GiftWays(sharing, channels)


async def test_a_gift_is_dialled_and_opened_in_chats_and_passed_on() -> None:
    found = await ways(
        "gift_bot",
        record("ussd", code="*347*1#", active=False),
        record("ussd", code="*347*55#"),
        record("whatsapp", number="+234 700 000 0001"),
    ).of(ROOM, TENANT)

    assert (found.dial, found.home) == ("*347*55*9*23456789#", "*347*55#")
    assert found.telegram == "https://t.me/gift_bot?start=gift-23456789"
    assert found.whatsapp == "https://wa.me/2347000000001?text=gift%2023456789"
    assert found.page == f"https://callbox.example/gift/{ROOM.token}"
    assert found.share.startswith("https://wa.me/?text=Emeka%20has%20a%20gift")


async def test_what_a_tenant_has_not_is_not_offered() -> None:
    found = await ways(None, record("whatsapp"), record("whatsapp", number="1", active=False)).of(
        ROOM, TENANT
    )

    assert (found.dial, found.home, found.telegram, found.whatsapp) == ("", "", "", "")
    assert found.share
