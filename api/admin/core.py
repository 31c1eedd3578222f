"""What the admin API needs of the core, and no more."""

from typing import Protocol
from uuid import UUID

from core.ports import Backoffice
from core.ports.health import ReviewBook
from core.ports.statements import ReconciliationBook
from core.services.alerts import AlertDesk
from core.services.cases import CaseDesk
from core.services.channel_desk import ChannelDesk
from core.services.credits import Credits
from core.services.floats import Floats
from core.services.gift_desk import GiftDesk
from core.services.identities import IdentityDesk
from core.services.live_chat import LiveChats
from core.services.order_actions import OrderActions
from core.services.provider_configs import ProviderSetup
from core.services.provider_controls import ProviderControls
from core.services.reconciliation import Reconciliation
from core.services.routers import RouterOffice
from core.services.tokens import TokenDesk


class TenantKeys(Protocol):
    async def keys(self) -> dict[str, UUID]:
        """The ids of all tenants by their keys."""
        ...


class AdminCore(Protocol):
    @property
    def tokens(self) -> TokenDesk: ...

    @property
    def tenants(self) -> TenantKeys: ...

    @property
    def setup(self) -> ProviderSetup: ...

    @property
    def controls(self) -> ProviderControls: ...

    @property
    def channel_desk(self) -> ChannelDesk: ...

    @property
    def identities(self) -> IdentityDesk: ...

    @property
    def credits(self) -> Credits: ...

    @property
    def backoffice(self) -> Backoffice: ...

    @property
    def order_actions(self) -> OrderActions: ...

    @property
    def cases(self) -> CaseDesk: ...

    @property
    def live_chats(self) -> LiveChats: ...

    @property
    def alerts(self) -> AlertDesk: ...

    @property
    def standings(self) -> ReviewBook: ...

    @property
    def reconciliation(self) -> Reconciliation: ...

    @property
    def reconciliations(self) -> ReconciliationBook: ...

    @property
    def gift_desk(self) -> GiftDesk: ...

    @property
    def floats(self) -> Floats: ...

    @property
    def router_office(self) -> RouterOffice: ...
