"""Whether people can be written to in a chat, and whether a channel takes what it is given."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from prometheus_client import Counter

from core.domain.chat import Address, Fate, Moved, Refused
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.ports import Alert, AlertKind, Alerts, Customers

log = structlog.get_logger()

_FATES = Counter(
    "callbox_chat_fates_total", "What channels told later of what they took", ["kind", "status"]
)
_KNOWN = frozenset({"sent", "delivered", "read", "failed"})


class Moving(Protocol):
    """See `core.services.identities.IdentityDesk`."""

    async def moved(self, channel: Channel, moved: Moved) -> None: ...


class ChatReach:
    """Keeps what channels tell of people, and tells operators when a channel refuses us."""

    def __init__(
        self, customers: Customers, alerts: Alerts, clock: Clock, identities: Moving
    ) -> None:
        self._identities = identities
        self._customers = customers
        self._alerts = alerts
        self._clock = clock

    async def unreachable(self, to: Address, why: str) -> None:
        """They cannot be told anything there any more."""
        await self._customers.set_reach(to.channel, to.identity, why, self._clock.now())

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        """They blocked us, or let us write again."""
        reason = None if reachable else why or "blocked"
        await self._customers.set_reach(channel, identity, reason, self._clock.now())

    async def moved(self, channel: Channel, moved: Moved) -> None:
        """They answer to that name no more: whoever does so next is somebody else."""
        await self._identities.moved(channel, moved)

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        """Counted; what failed is in the log, with no word of what it said."""
        for fate in fates:
            status = fate.status if fate.status in _KNOWN else "other"
            _FATES.labels(channel.kind, status).inc()
            if fate.failed is not None:
                log.warning("chat.failed_later", kind=channel.kind, fate=type(fate.failed).__name__)

    async def refused(self, to: Address, refused: Refused) -> None:
        """What we sent will never be taken: an operator hears of it while the channel is at it."""
        log.error("chat.refused", kind=to.channel.kind, why=refused.why, stops=refused.stops)
        await self._alerts.open(
            Alert(
                tenant_id=to.tenant_id,
                kind=AlertKind.CHANNEL,
                key=f"channel/{to.channel.id}",
                subject=f"{to.channel.kind} channel refuses what it is sent",
                facts={"why": refused.why},
            )
        )

    async def taken(self, channel: Channel) -> None:
        """The channel takes what it is given again."""
        await self._alerts.close(channel.tenant_id, f"channel/{channel.id}")
