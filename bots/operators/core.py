"""What the operators' bot needs of the core, and no more."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from core.app.operators import Operations
from core.kit.clock import Clock
from core.ports import Tenants
from core.ports.health import ReviewBook
from core.services.alerts import AlertDesk
from core.services.cases import CaseDesk
from core.services.live_chat import LiveChats
from core.services.order_actions import OrderActions
from core.services.payout_desk import PayoutDesk
from core.services.provider_configs import ProviderSetup
from core.services.provider_controls import ProviderControls
from core.services.routers import RouterOffice

Probe: TypeAlias = Callable[[], Awaitable[Mapping[str, object]]]


class OperatorCore(Protocol):
    @property
    def clock(self) -> Clock: ...

    @property
    def tenants(self) -> Tenants: ...

    @property
    def operations(self) -> Operations: ...

    @property
    def alerts(self) -> AlertDesk: ...

    @property
    def order_actions(self) -> OrderActions: ...

    @property
    def payouts(self) -> PayoutDesk: ...

    @property
    def cases(self) -> CaseDesk: ...

    @property
    def setup(self) -> ProviderSetup: ...

    @property
    def controls(self) -> ProviderControls: ...

    @property
    def standings(self) -> ReviewBook: ...

    @property
    def live_chats(self) -> LiveChats: ...

    @property
    def router_office(self) -> RouterOffice: ...

    @property
    def probes(self) -> Mapping[str, Probe]: ...

    @property
    def chat_lag_s(self) -> Callable[[], Awaitable[float]]:
        """How long, in seconds, the oldest message of a customer waits that could be taken up."""
        ...
