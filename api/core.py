"""What the web application needs of the core, and no more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeAlias
from uuid import UUID

from core.ports import PaymentGateway, VtuProvider
from core.ports.payouts import PayoutGateway
from core.services.gauges import Gauge

Probe: TypeAlias = Callable[[], Awaitable[Mapping[str, object]]]
"""Asks one part how it is: gives figures to show (`{"lag_s": 0.4}`), raises when it is unwell.

The figures are public: no names, no addresses, no secrets.
"""


class Callbacks(Protocol):
    """Takes hints from outside. Nothing is believed: what a hint names is asked about."""

    async def tenant_of(self, provider: str, key: str) -> UUID | None:
        """Whose callback address this key makes, or None when it is nobody's."""
        ...

    async def take(self, tenant_id: UUID, provider: str, references: Sequence[str]) -> None:
        """Have these of our references asked about now; safe twice, and with unknown ones."""
        ...


class Gauges(Protocol):
    async def read(self) -> Sequence[Gauge]:
        """How things stand across all processes."""
        ...


class Core(Protocol):
    """The parts of a built core that the web application serves."""

    @property
    def callbacks(self) -> Callbacks: ...

    @property
    def vtu_providers(self) -> Mapping[str, VtuProvider]: ...

    def vtu_provider(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        """The provider of this name that this tenant buys from, as it is configured now."""
        ...

    @property
    def payment_gateways(self) -> Mapping[str, PaymentGateway]: ...

    @property
    def payout_gateways(self) -> Mapping[str, PayoutGateway]:
        """Those that transfer to banks: they call back where payment gateways of their name do."""
        ...

    @property
    def probes(self) -> Mapping[str, Probe]:
        """One for each part that must be well: `database`, `redis`, `worker`."""
        ...

    @property
    def gauges(self) -> Gauges: ...

    @property
    def with_sandbox(self) -> bool:
        """Whether the outside is the sandbox, so that nobody takes a demo for the real thing."""
        ...

    @property
    def phone_url(self) -> str:
        """Where the sandbox's phone page is; "" where there is no sandbox."""
        ...
