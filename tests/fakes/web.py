"""The core as the web application sees it, with parts that a test sets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from api.core import Probe
from core.ports import BadCallback, PaymentGateway, VtuProvider
from core.ports.payouts import PayoutGateway
from core.services.gauges import Gauge

TENANT = UUID(int=7)


class FakeCallbacks:
    """Knows one key, `demo`."""

    def __init__(self) -> None:
        self.taken: list[tuple[UUID, str, tuple[str, ...]]] = []
        self.error: Exception | None = None

    async def tenant_of(self, provider: str, key: str) -> UUID | None:
        return TENANT if key == "demo" else None

    async def take(self, tenant_id: UUID, provider: str, references: Sequence[str]) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append((tenant_id, provider, tuple(references)))


class SignedReader:
    """Reads `{"reference": ...}` when the header `x-signature` is `right`."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if headers.get("X-Signature") != "right":
            raise BadCallback("signature")
        self.bodies.append(body)
        reference = json.loads(body).get("reference")
        return (reference,) if reference else ()


class UnsignedReader:
    """Reads references out of a query (`requestid=...`), and has its own word of thanks."""

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return (body.decode().removeprefix("requestid="),)

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "application/json", '{"response":"success"}'


async def _well() -> Mapping[str, object]:
    return {}


@dataclass
class FakeGauges:
    """What a database would tell, or that it tells nothing."""

    found: list[Gauge] = field(default_factory=list)
    away: bool = False

    async def read(self) -> Sequence[Gauge]:
        if self.away:
            raise ConnectionError("postgresql://callbox:hunter2@db")
        return self.found


@dataclass
class FakeCore:
    callbacks: FakeCallbacks = field(default_factory=FakeCallbacks)
    reader: SignedReader = field(default_factory=SignedReader)
    probes: dict[str, Probe] = field(default_factory=lambda: {"database": _well, "redis": _well})
    gauges: FakeGauges = field(default_factory=FakeGauges)
    with_sandbox: bool = True
    phone_url: str = "http://127.0.0.1:8001/phone"
    payment_name: str = "paystack"
    configured: dict[tuple[UUID, str], UnsignedReader] = field(default_factory=dict)
    payout_gateways: dict[str, PayoutGateway] = field(default_factory=dict)

    @property
    def vtu_providers(self) -> Mapping[str, VtuProvider]:
        return {"vtpass": cast("VtuProvider", UnsignedReader())}

    def vtu_provider(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        own = self.configured.get((tenant_id, name))
        return cast("VtuProvider", own) if own else self.vtu_providers.get(name)

    @property
    def payment_gateways(self) -> Mapping[str, PaymentGateway]:
        return {self.payment_name: cast("PaymentGateway", self.reader)}
