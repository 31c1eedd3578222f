"""Making the ways by which Callbox is reached, each with a secret path that is shown once."""

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.domain.turns import Channel
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import ChannelBook, ChannelRecord, Event

_SERVICE_CODE = re.compile(r"[*#][0-9*]{1,30}#")
_KEY_BYTES = 24


class BadChannel(Problem):
    """What is wrong with a channel, by field."""

    code = "channel.invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields=fields)
        self.fields = fields

    def __str__(self) -> str:
        return "; ".join(f"{field}: {what}" for field, what in self.fields.items())


class UnknownChannel(Problem):
    """This tenant has no channel of this id."""

    code = "channel.unknown"


@dataclass(frozen=True, slots=True)
class Opened:
    """A channel with its key: the only time that it can be seen. `path` is what a gateway calls."""

    id: UUID
    path: str


class ChannelDesk:
    """Makes, lists, rekeys and disables channels.

    `gateways`: those that can be reached, by the kind of channel.
    """

    def __init__(
        self, channels: ChannelBook, gateways: Mapping[str, Collection[str]], clock: Clock
    ) -> None:
        self._channels = channels
        self._gateways = gateways
        self._clock = clock

    async def create(
        self, tenant_id: UUID, kind: str, gateway: str, service_code: str, actor: str
    ) -> Opened:
        """A new channel.

        Raises:
            BadChannel: a field is wrong; nothing was made.
        """
        self._check(kind, gateway, service_code)
        channel = Channel(
            id=ids.uuid7(),
            tenant_id=tenant_id,
            kind=kind,
            gateway=gateway,
            key=secrets.token_urlsafe(_KEY_BYTES),
            service_code=service_code,
        )
        facts = {"kind": kind, "gateway": gateway, "service_code": service_code}
        event = _event(channel.id, "channel.created", actor, facts)
        await self._channels.create(channel, event, self._clock.now())
        return Opened(channel.id, _path(kind, gateway, channel.key))

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        return await self._channels.of_tenant(tenant_id)

    async def rotate(self, tenant_id: UUID, channel_id: UUID, actor: str) -> Opened:
        """Give a channel a new key. The old one ends within five seconds.

        Raises:
            UnknownChannel: there is none of this id.
        """
        records = {record.id: record for record in await self.of_tenant(tenant_id)}
        if channel_id not in records:
            raise UnknownChannel
        key = secrets.token_urlsafe(_KEY_BYTES)
        event = _event(channel_id, "channel.rekeyed", actor, {})
        await self._channels.rekey(tenant_id, channel_id, key, event, self._clock.now())
        record = records[channel_id]
        return Opened(channel_id, _path(record.kind, record.gateway, key))

    async def disable(self, tenant_id: UUID, channel_id: UUID, actor: str) -> None:
        """Take nothing more from a channel, within five seconds. Its row stays.

        Raises:
            UnknownChannel: there is none of this id.
        """
        event = _event(channel_id, "channel.disabled", actor, {})
        if not await self._channels.disable(tenant_id, channel_id, event, self._clock.now()):
            raise UnknownChannel

    def _check(self, kind: str, gateway: str, service_code: str) -> None:
        wrong = {}
        if kind not in self._gateways:
            wrong["kind"] = f"should be one of {', '.join(self._gateways)}"
        elif gateway not in self._gateways[kind]:
            wrong["gateway"] = f"should be one of {', '.join(self._gateways[kind])}"
        if kind == "ussd" and not _SERVICE_CODE.fullmatch(service_code):
            wrong["service_code"] = "should be what customers dial, like *347*100#"
        if kind != "ussd" and service_code:
            wrong["service_code"] = "is for ussd only"
        if wrong:
            raise BadChannel(wrong)


def _event(channel_id: UUID, kind: str, actor: str, facts: Mapping[str, object]) -> Event:
    return Event(f"channel/{channel_id}", kind, actor, facts)


def _path(kind: str, gateway: str, key: str) -> str:
    folder = "callbacks" if kind == "callback" else kind
    return f"/{folder}/{gateway}/{key}"
