"""What the admin API needs of the core, and no more."""

from typing import Protocol
from uuid import UUID

from core.domain.customers import Tenant
from core.ports import Backoffice
from core.ports.health import ReviewBook
from core.ports.statements import ReconciliationBook
from core.ports.vouchers import VoucherBatches, VoucherBook
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
from core.services.voucher_batches import BatchDesk
from core.services.voucher_desk import VoucherDesk
from core.services.voucher_plans import PlanDesk
from core.services.voucher_sheets import VoucherSheets
from core.services.vouchers import Vouchers


class TenantKeys(Protocol):
    async def keys(self) -> dict[str, UUID]:
        """The ids of all tenants by their keys."""
        ...

    async def get(self, tenant_id: UUID) -> Tenant: ...


class HotspotParts(Protocol):
    @property
    def plan_desk(self) -> PlanDesk: ...

    @property
    def desk(self) -> VoucherDesk: ...

    @property
    def book(self) -> VoucherBook: ...

    @property
    def batch_desk(self) -> BatchDesk: ...

    @property
    def batches(self) -> VoucherBatches: ...

    @property
    def sheets(self) -> VoucherSheets: ...

    @property
    def vouchers(self) -> Vouchers: ...


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

    @property
    def hotspots(self) -> HotspotParts: ...
