"""What compares our books with everybody's, and finds what only a person can settle."""

from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.app.ground import Ground
from core.app.money import MoneyIn, MoneyOut
from core.app.selling import Selling
from core.app.stores import Stores
from core.jobs.cases import CaseRounds
from core.jobs.reconciling import DailyReconciliation
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.ports.statements import ReconciliationBook
from core.services.callbacks import Callbacks
from core.services.cases import CaseSweep
from core.services.reconciliation import Reconciliation as Comparing
from core.services.reconciliation_parts import Surroundings
from core.store.reconciliation import PgReconciliations


@dataclass(frozen=True, slots=True)
class Reconciling:
    """What gateways and providers tell us, and whether it is what we think."""

    callbacks: Callbacks
    comparing: Comparing
    book: ReconciliationBook
    pumps: tuple[Pump[Any], ...]


def reconciling(
    ground: Ground, kept: Stores, sales: Selling, coming: MoneyIn, going: MoneyOut
) -> Reconciling:
    settings, clock, outside = ground.settings, ground.clock, ground.outside
    callbacks = Callbacks(
        kept.channels,
        (*outside.payments, *outside.payouts),
        kept.orders,
        coming.funding,
        coming.accounts,
        going.payouts,
        sales.bell,
    )
    around = Surroundings(
        book=PgReconciliations(ground.database, clock),
        ledger=kept.ledger,
        tenants=kept.tenants,
        all_tenants=kept.tenants,
        shelf=sales.shelf,
        gateways=outside.payments,
        hints=callbacks,
        cases=kept.cases,
        alerts=sales.watch.alerts,
        clock=clock,
    )
    lease_s = settings.reconcile_lease_s
    comparing = Comparing(around, pause_s=1 / settings.reconcile_asks_per_s, lease_s=lease_s)
    daily = DailyReconciliation(
        comparing,
        around.book,
        around.tenants,
        around.all_tenants,
        clock,
        at=settings.reconcile_at,
        lease_s=lease_s,
    )
    sweep = CaseSweep(
        kept.cases, sales.watch.alerts, sales.shelf, clock, rules.case_rules(settings)
    )
    rounds = CaseRounds(sweep)
    pumps = (
        Pump("cases", rounds.due, rounds.run, Bell(), at_once=1, idle_s=5.0),
        Pump("reconciliation", daily.due, daily.handle, Bell(), at_once=2, idle_s=60.0),
    )
    return Reconciling(callbacks, comparing, around.book, pumps)
