"""A shop beside the sandbox whose days are compared with the sandbox's statements."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from msgspec.structs import replace
from pydantic import SecretStr

from core.domain.customers import Customer
from core.domain.orders import NewOrder, Verdict
from core.domain.reconciliation import Side
from core.domain.vending import Outcome, Result, Vend
from core.kit.clock import SetClock
from core.kit.money import Money
from core.ports import Alert, NewCase, NewNotice, PaymentGateway, PaymentRequest, VtuProvider
from core.ports.statements import DayRun, Party
from core.providers.payments import flutterwave, monnify, paystack, stripe
from core.providers.vtu import reloadly, smeplug, vtpass
from core.services.floats import Floats
from core.services.reconciliation import Reconciliation
from core.services.reconciliation_parts import Surroundings
from core.services.shelf import Shelf
from core.store.reconciliation import PgReconciliations
from core.store.tenants import PgTenants
from sandbox import reloadly as reloadly_there
from sandbox import smeplug as smeplug_there
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.books import Books
from tests.fakes.serving import serve

TIMEOUT_S = 20.0
NAIRA = 100


@dataclass
class Office:
    """Whom reconciliation tells: hints, cases and alarms, as they came."""

    hints: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    cases: dict[str, NewCase] = field(default_factory=dict)
    alarms: set[str] = field(default_factory=set)

    async def take(self, tenant_id: UUID, provider: str, references: Sequence[str]) -> None:
        del tenant_id
        self.hints.append((provider, tuple(references)))


@dataclass
class CaseTray:
    office: Office

    async def open(self, case: NewCase) -> bool:
        new = case.key not in self.office.cases
        self.office.cases.setdefault(case.key, case)
        return new


@dataclass
class Sirens:
    office: Office

    async def open(self, alert: Alert) -> bool:
        new = alert.key not in self.office.alarms
        self.office.alarms.add(alert.key)
        return new

    async def close(self, tenant_id: UUID, key: str) -> bool:
        del tenant_id
        was_open = key in self.office.alarms
        self.office.alarms.discard(key)
        return was_open


@dataclass
class Shop:
    """A tenant that sells through the sandbox's providers and collects through its gateways."""

    books: Books
    clock: SetClock
    http: httpx.AsyncClient
    providers: Mapping[str, VtuProvider]
    gateways: Mapping[str, PaymentGateway]
    office: Office
    book: PgReconciliations
    floats: Floats
    reconciliation: Reconciliation

    @property
    def day(self) -> dt.date:
        """That on which the test begins."""
        return dt.date(2026, 3, 2)

    async def buyer(self) -> Customer:
        return await self.books.customer(number=5_551_234, funds=1_000_000)

    async def sell(
        self, buyer: Customer, provider: str = "reloadly", verdict: Verdict = Verdict.CAPTURE
    ) -> NewOrder:
        """Order of the provider, which delivers; our books then say what `verdict` says."""
        adapter = self.providers[provider]
        order = self.books.order(buyer, amount=100 * NAIRA)
        order = replace(
            order,
            provider=provider,
            provider_reference=adapter.new_reference(order.attempt_id, self.clock.now()),
        )
        await self.books.orders.begin(order)
        await self.books.claimed(order)
        vend = Vend(
            reference=order.provider_reference,
            product=order.product,
            network=order.network,
            recipient=order.recipient,
            amount=Money(order.amount_minor, order.currency),
            created_at=order.created_at,
        )
        outcome = await adapter.vend(vend)
        if outcome.result is Result.ACCEPTED:
            theirs = outcome.provider_reference or ""
            outcome = await adapter.requery(replace(vend, provider_reference=theirs))
        assert outcome.result is Result.DELIVERED, outcome
        if verdict is Verdict.REFUND:
            outcome = Outcome(Result.FAILED, reason="a lie")
        if verdict is Verdict.WAIT:
            outcome = Outcome(Result.UNKNOWN, reason="timeout")
        check_in_s = 1e6 if verdict is Verdict.WAIT else None
        await self.books.rule(order, verdict, outcome, check_in_s)
        return order

    async def collect(
        self, buyer: Customer, gateway: str = "paystack", *, book: bool = True
    ) -> str:
        """A payment that came in; unless `book`, we have not noticed. Answers our reference."""
        adapter = self.gateways[gateway]
        reference = f"CB{self.clock.now():%H%M%S%f}"
        amount = Money(500 * NAIRA, "NGN")
        order = self.books.order(buyer)
        intent = await self.books.intents.open(
            intent_id=order.id,
            customer=buyer,
            gateway=gateway,
            reference=reference,
            amount=amount,
            channel_id=self.books.channel.id,
            identity=buyer.msisdn,
            at=self.clock.now(),
        )
        request = PaymentRequest(reference, amount, buyer.msisdn, "payer@example.com")
        assert await adapter.initialize(request) is not None
        (await self.http.post(f"/control/payments/{reference}/pay", json={})).raise_for_status()
        if book:
            for payment in (await adapter.verify(reference)).payments:
                notice = NewNotice(reference, buyer.tenant_id, buyer.id, "notice.funded", {})
                assert await self.books.intents.credit(intent, payment, notice)
        self.clock.advance(1)
        return reference

    async def lie(self, provider: str, play: str, reference: str = "", **more: Any) -> None:
        """Have a party's statement be wrong in some way."""
        document = {"provider": provider, "play": play, "reference": reference, **more}
        (await self.http.post("/control/statements", json=document)).raise_for_status()

    async def tell_the_truth(self) -> None:
        (await self.http.delete("/control/statements")).raise_for_status()

    async def scenario(self, provider: str, name: str) -> None:
        document = {"provider": provider, "scenario": name}
        (await self.http.post("/control/scenarios", json=document)).raise_for_status()

    def overnight(self) -> None:
        """Three in the morning of the day after the first."""
        self.clock.advance(86_400 - 10 * 3600)

    async def reconcile(self, party: str = "reloadly", side: Side = Side.VENDS) -> DayRun:
        run = await self.reconciliation.run(self.books.tenant.id, Party(side, party), self.day)
        assert run is not None
        return run

    async def reconcile_payments(self, gateway: str = "paystack") -> DayRun:
        return await self.reconcile(gateway, Side.PAYMENTS)


@asynccontextmanager
async def open_shop(books: Books) -> AsyncIterator[Shop]:
    clock = books.clock
    settings = SandboxSettings(webhook_backoff_s=(), tick_s=3600, duplicate_window_s=0)
    async with (
        serve(create_app(settings, clock)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        AsyncExitStack() as opened,
    ):
        providers, gateways = _providers(url), _gateways(url, clock)
        for adapter in (*providers.values(), *gateways.values()):
            opened.push_async_callback(adapter.aclose)
        shelf = Shelf(providers)
        tenants = PgTenants(books.database)
        book, office = PgReconciliations(books.database, clock), Office()
        surroundings = Surroundings(
            book=book,
            ledger=books.ledger,
            tenants=tenants,
            all_tenants=tenants,
            shelf=shelf,
            gateways=gateways,
            hints=office,
            cases=CaseTray(office),
            alerts=Sirens(office),
            clock=clock,
        )
        yield Shop(
            books=books,
            clock=clock,
            http=http,
            providers=providers,
            gateways=gateways,
            office=office,
            book=book,
            floats=Floats(books.ledger, books.ledger, tenants, shelf, book, clock),
            reconciliation=Reconciliation(surroundings, pause_s=0.001),
        )


def _providers(url: str) -> dict[str, Any]:
    return {
        "reloadly": reloadly.Reloadly(
            reloadly.Settings(
                base_url=f"{url}/reloadly",
                auth_url=f"{url}/reloadly/oauth/token",
                client_id=SecretStr(reloadly_there.CLIENT_ID),
                secret_key=SecretStr(reloadly_there.SECRET_KEY),
                timeout_s=TIMEOUT_S,
            )
        ),
        "smeplug": smeplug.SmePlug(
            smeplug.Settings(
                base_url=f"{url}/smeplug/api/v1",
                secret_key=SecretStr(smeplug_there.SECRET_KEY),
                timeout_s=TIMEOUT_S,
            )
        ),
        "vtpass": vtpass.VtPass(
            vtpass.Settings(
                base_url=f"{url}/vtpass/api",
                api_key=SecretStr("SIM-vtpass-key"),
                public_key=SecretStr("PK_SIM"),
                secret_key=SecretStr("SK_SIM"),
                timeout_s=TIMEOUT_S,
            )
        ),
    }


def _gateways(url: str, clock: SetClock) -> dict[str, Any]:
    back = "https://example.com/paid"
    key = SandboxSettings()
    return {
        "paystack": paystack.Paystack(
            paystack.Settings(
                base_url=f"{url}/paystack", secret_key=SecretStr(key.paystack_secret_key)
            )
        ),
        "flutterwave": flutterwave.Flutterwave(
            flutterwave.Settings(
                base_url=f"{url}/flutterwave/v3",
                secret_key=SecretStr(key.flutterwave_secret_key),
                return_url=back,
            )
        ),
        "monnify": monnify.Monnify(
            monnify.Settings(
                base_url=f"{url}/monnify",
                api_key=SecretStr(key.monnify_api_key),
                secret_key=SecretStr(key.monnify_secret_key),
                contract_code="SIM",
            ),
            clock,
        ),
        "stripe": stripe.Stripe(
            stripe.Settings(
                base_url=f"{url}/stripe",
                secret_key=SecretStr(key.stripe_secret_key),
                return_url=back,
            ),
            clock,
        ),
    }
