"""Making the ways by which Callbox is reached, each with a secret path that is shown once."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from uuid import UUID

from core.domain.turns import Channel
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import ChannelBook, ChannelQuery, ChannelRecord, Event, Paging
from core.ports.tenancy import ChannelTest, Probed
from core.services.channel_rules import BASE_URL, CHATS, faults
from core.services.config_rules import host_of

_KEY_BYTES = 24

Objection = Callable[[str], Awaitable[str | None]]
"""What speaks against our calling an address, in words for whoever set it."""


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
    """A channel with its key: the only time that it can be seen.

    `path` is what a gateway calls. `remark` is what whoever opened it should know, or "".
    """

    id: UUID
    path: str
    remark: str = ""

    @property
    def key(self) -> str:
        return self.path.rsplit("/", 1)[1]


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What to set. None leaves a thing as it is; an empty credential takes it away.

    `settings` are replaced as a whole; the address stands beside them.
    """

    service_code: str | None = None
    api_base_url: str | None = None
    settings: Mapping[str, object] | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    active: bool | None = None


class ChannelDesk:
    """Makes, lists, changes, rekeys, tests and disables channels.

    `gateways`: those that can be reached, by the kind of channel. `objection`: what speaks against
    an address. `tests`: who asks the messenger or the gateway, by kind.
    """

    def __init__(
        self,
        channels: ChannelBook,
        gateways: Mapping[str, Collection[str]],
        clock: Clock,
        objection: Objection | None = None,
        tests: Mapping[str, ChannelTest] | None = None,
    ) -> None:
        self._channels = channels
        self._gateways = gateways
        self._clock = clock
        self._objection = objection
        self._tests = dict(tests or {})

    def with_gateways(self, **gateways: Collection[str]) -> "ChannelDesk":
        """The same, with gateways of kinds that the core does not know by itself."""
        known = {**self._gateways, **gateways}
        return ChannelDesk(self._channels, known, self._clock, self._objection, self._tests)

    async def create(
        self,
        tenant_id: UUID,
        kind: str,
        gateway: str,
        service_code: str,
        actor: str,
        *,
        wanted: ChannelChange | None = None,
    ) -> Opened:
        """A new channel, with what else is `wanted` of it.

        Raises:
            BadChannel: a field is wrong; nothing was made.
        """
        bare = Channel(
            id=ids.uuid7(),
            tenant_id=tenant_id,
            kind=kind,
            gateway=gateway or (kind if kind in CHATS else ""),
            key=secrets.token_urlsafe(_KEY_BYTES),
            service_code=service_code,
        )
        channel = _changed(bare, wanted or ChannelChange())
        await self._check(channel)
        event = _event(channel.id, "channel.created", actor, _facts(channel, wanted))
        await self._channels.create(channel, event, self._clock.now())
        path = path_of(channel.kind, channel.gateway, channel.key)
        return Opened(channel.id, path, await self._shared(channel))

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        return await self._channels.of_tenant(tenant_id)

    async def listed(
        self, tenant_id: UUID, query: ChannelQuery, paging: Paging
    ) -> Sequence[ChannelRecord]:
        return await self._channels.listed(tenant_id, query, paging)

    async def count(self, tenant_id: UUID, query: ChannelQuery) -> int:
        return await self._channels.count(tenant_id, query)

    async def show(self, tenant_id: UUID, channel_id: UUID) -> ChannelRecord:
        """Raises `UnknownChannel`."""
        record, _ = await self._found(tenant_id, channel_id)
        return record

    async def change(
        self, tenant_id: UUID, channel_id: UUID, wanted: ChannelChange, actor: str
    ) -> ChannelRecord:
        """Set what is wanted. In force in every process within five seconds.

        Raises:
            UnknownChannel: there is none of this id.
            BadChannel: a field is wrong; nothing was changed.
        """
        if wanted.api_base_url is not None:
            _, before = await self._found(tenant_id, channel_id)
            await self._check(_changed(before, wanted))

        def altered(channel: Channel) -> Channel:
            changed = _changed(channel, wanted)
            wrong = dict(
                chain(_kept_secrets(channel, changed, wanted), faults(changed, self._gateways))
            )
            if wrong:
                raise BadChannel(wrong)
            return changed

        event = _event(channel_id, "channel.changed", actor, _facts(None, wanted))
        known = await self._channels.alter(
            tenant_id, channel_id, altered, event, self._clock.now(), active=wanted.active
        )
        if not known:
            raise UnknownChannel
        return await self.show(tenant_id, channel_id)

    async def rotate(self, tenant_id: UUID, channel_id: UUID, actor: str) -> Opened:
        """Give a channel a new key. The old one ends within five seconds.

        Raises:
            UnknownChannel: there is none of this id.
        """
        record, _ = await self._found(tenant_id, channel_id)
        key = secrets.token_urlsafe(_KEY_BYTES)
        event = _event(channel_id, "channel.rekeyed", actor, {})
        await self._channels.rekey(tenant_id, channel_id, key, event, self._clock.now())
        return Opened(channel_id, path_of(record.kind, record.gateway, key))

    async def disable(self, tenant_id: UUID, channel_id: UUID, actor: str) -> None:
        """Take nothing more from a channel, within five seconds. Its row stays.

        Raises:
            UnknownChannel: there is none of this id.
        """
        event = _event(channel_id, "channel.disabled", actor, {})
        if not await self._channels.disable(tenant_id, channel_id, event, self._clock.now()):
            raise UnknownChannel

    async def test(self, tenant_id: UUID, channel_id: UUID) -> Probed:
        """Ask the messenger or the gateway something harmless, as this channel would.

        Raises:
            UnknownChannel: there is none of this id.
        """
        _, channel = await self._found(tenant_id, channel_id)
        tester = self._tests.get(channel.kind)
        if tester is None:
            return Probed(ok=True, why="there is nobody to ask")
        probed, remark = await tester.probe(channel), await self._shared(channel)
        return replace(probed, why=f"{probed.why}. {remark}") if remark else probed

    async def _found(self, tenant_id: UUID, channel_id: UUID) -> tuple[ChannelRecord, Channel]:
        found = await self._channels.find_one(tenant_id, channel_id)
        if found is None:
            raise UnknownChannel
        return found

    async def _shared(self, channel: Channel) -> str:
        """What to know where another tenant has the same service code at the same gateway.

        A request is told apart by its path alone, and whoever rented the code says which path the
        gateway calls: that is for the gateway to settle, and no tenant can keep a code from another
        by being first here. But what customers are told to dial leads to one of the two only.
        """
        if channel.kind != "ussd":
            return ""
        taken = any(
            each.tenant_id != channel.tenant_id
            and (each.gateway, each.service_code) == (channel.gateway, channel.service_code)
            for each in await self._channels.of_kind("ussd")
        )
        return (
            f"Another tenant has {channel.service_code} at {channel.gateway} too. Whoever dials it"
            " comes to the one whose path the gateway calls: is the code yours there?"
            if taken
            else ""
        )

    async def _check(self, channel: Channel) -> None:
        """Raises `BadChannel`."""
        wrong = dict(faults(channel, self._gateways))
        url = channel.settings.get(BASE_URL)
        if not wrong and self._objection is not None and isinstance(url, str):
            against = await self._objection(url)
            if against is not None:
                wrong = {BASE_URL: against}
        if wrong:
            raise BadChannel(wrong)


def path_of(kind: str, gateway: str, key: str) -> str:
    """Where a channel is reached: a chat has one gateway, which its path does not name."""
    if kind in CHATS:
        return f"/{kind}/{key}"
    folder = "callbacks" if kind == "callback" else kind
    return f"/{folder}/{gateway}/{key}"


def _changed(channel: Channel, wanted: ChannelChange) -> Channel:
    """Raises `BadChannel` where an address hides among the settings: it is judged by itself."""
    settings = dict(channel.settings)
    if wanted.settings is not None:
        if BASE_URL in wanted.settings:
            raise BadChannel({f"settings.{BASE_URL}": "stands beside the settings"})
        kept = {BASE_URL: settings[BASE_URL]} if BASE_URL in settings else {}
        settings = {**wanted.settings, **kept}
    if wanted.api_base_url is not None:
        settings.pop(BASE_URL, None)
        if wanted.api_base_url:
            settings[BASE_URL] = wanted.api_base_url.rstrip("/")
    credentials = {**channel.credentials, **wanted.credentials}
    return replace(
        channel,
        service_code=channel.service_code if wanted.service_code is None else wanted.service_code,
        settings=settings,
        credentials={name: value for name, value in credentials.items() if value},
    )


def _kept_secrets(
    before: Channel, after: Channel, wanted: ChannelChange
) -> Iterable[tuple[str, str]]:
    """Credentials that were given for one host and would now go to another.

    Else whoever may set an address could have them sent to their own.
    """
    if _host(before) == _host(after):
        return
    for name in before.credentials:
        if name not in wanted.credentials:
            yield f"credentials.{name}", "was given for another host: give it again"


def _host(channel: Channel) -> str:
    """Where it is reached; "" where the messenger itself is."""
    return host_of(str(channel.settings.get(BASE_URL) or ""))


def _facts(channel: Channel | None, wanted: ChannelChange | None) -> dict[str, object]:
    """What was set, for the audit; of credentials only which."""
    facts: dict[str, object] = {}
    if channel is not None:
        facts = {
            "kind": channel.kind,
            "gateway": channel.gateway,
            "service_code": channel.service_code,
        }
    if wanted is None:
        return facts
    if wanted.service_code is not None:
        facts["service_code"] = wanted.service_code
    if wanted.api_base_url is not None:
        facts[BASE_URL] = wanted.api_base_url
    if wanted.settings is not None:
        facts["settings"] = sorted(wanted.settings)
    if wanted.credentials:
        facts["credentials"] = sorted(wanted.credentials)
    if wanted.active is not None:
        facts["active"] = wanted.active
    return facts


def _event(channel_id: UUID, kind: str, actor: str, facts: Mapping[str, object]) -> Event:
    return Event(f"channel/{channel_id}", kind, actor, facts)
