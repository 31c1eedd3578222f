"""Money in from payment gateways, and out to banks."""

from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.app.ground import Ground
from core.app.stores import Stores
from core.domain.payouts import DuePayout
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.services.funding import Funding
from core.services.paying_out import PayingOut
from core.services.payout_desk import PayoutDesk
from core.services.payouts import Payouts
from core.services.virtual_accounts import VirtualAccountDesk
from core.store.payouts import PgPayouts


@dataclass(frozen=True, slots=True)
class MoneyIn:
    """What brings money into wallets."""

    funding: Funding
    accounts: VirtualAccountDesk
    pumps: tuple[Pump[Any], ...]


def money_in(ground: Ground, kept: Stores) -> MoneyIn:
    settings, clock, gateways = ground.settings, ground.clock, ground.outside.payments
    intents_bell, accounts_bell = Bell(), Bell()
    funding = Funding(
        kept.intents,
        kept.customers,
        gateways,
        rules.funding_rules(settings),
        clock,
        intents_bell,
    )
    accounts = VirtualAccountDesk(
        kept.accounts,
        kept.customers,
        kept.outbox,
        gateways,
        rules.account_rules(settings),
        clock,
        accounts_bell,
    )
    ground.stack.push_async_callback(funding.close)
    ground.stack.push_async_callback(accounts.close)
    lease_s = settings.errand_lease_s
    pumps = (
        Pump(
            "intents",
            lambda count: kept.intents.due(count, lease_s),
            funding.look_after,
            intents_bell,
            at_once=16,
        ),
        Pump(
            "virtual accounts",
            lambda count: kept.accounts.due(count, lease_s),
            accounts.look_after,
            accounts_bell,
            at_once=16,
        ),
    )
    return MoneyIn(funding, accounts, pumps)


@dataclass(frozen=True, slots=True)
class MoneyOut:
    """What takes money out to banks."""

    book: PgPayouts
    payouts: Payouts
    desk: PayoutDesk
    pump: Pump[DuePayout]


def money_out(ground: Ground, kept: Stores) -> MoneyOut:
    settings, keyring, clock = ground.settings, ground.keyring, ground.clock
    gateways = ground.outside.payouts
    book, bell = PgPayouts(ground.database, clock), Bell()
    work = PayingOut(book, gateways, kept.cases, keyring, clock, rules.policy(settings))
    lease_s = settings.lease_margin_s + work.timeout_max_s
    return MoneyOut(
        book=book,
        payouts=Payouts(book, gateways, rules.payout_terms(settings), keyring, clock, bell),
        desk=PayoutDesk(book, keyring),
        pump=Pump(
            "payouts", lambda count: book.claim(count, lease_s), work.see_through, bell, at_once=16
        ),
    )
