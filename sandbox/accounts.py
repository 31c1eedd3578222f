"""Bank accounts that simulated gateways keep for customers: paid into any number of times.

An account is kept as a payment that is never over: what it is asked for is what a payer transfers
unless told otherwise, its access code is the account number, and its metadata say whose it is.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping

import msgspec

from core.kit.money import Money
from sandbox.payments import Payment
from sandbox.scenarios import Scenario, Script

BANK = "SIM Bank"
SCENARIOS: Mapping[str, Scenario] = {
    "account_identity": Scenario("no account is opened without a BVN", recipients=("08030000214",)),
    "account_lost": Scenario(
        "the account is opened, the connection drops before the answer",
        recipients=("08030000215",),
    ),
}
"""What an account may play while it is opened; transfers into it play what payments do."""

_TRANSFER_MINOR = 1000_00


def new(
    provider: str,
    reference: str,
    *,
    email: str,
    phone: str,
    holder: str,
    currency: str,
    now: dt.datetime,
) -> Payment:
    """The account of that reference: its number is always the same one."""
    digest = hashlib.sha256(f"{provider}:{reference}".encode()).digest()
    number = f"99{int.from_bytes(digest[:8]) % 10**8:08d}"
    details = {"phone": phone, "account": number, "holder": f"{holder} SIM"}
    return Payment(
        provider=provider,
        reference=reference,
        access_code=number,
        email=email,
        amount=Money(_TRANSFER_MINOR, currency),
        callback_url="",
        metadata=msgspec.json.encode(details).decode(),
        script=Script(),
        created_at=now,
    )


def is_account(payment: Payment) -> bool:
    return bool(_details(payment).get("account"))


def phone(payment: Payment) -> str:
    return _details(payment).get("phone", "")


def holder(payment: Payment) -> str:
    return _details(payment).get("holder", "")


def _details(payment: Payment) -> dict[str, str]:
    details = msgspec.json.decode(payment.metadata)
    return details if isinstance(details, dict) else {}
