"""Paystack's customers and their dedicated virtual accounts, simulated.

Source: Paystack's OpenAPI description (customer, dedicated_account, transaction list). A transfer
into an account is a transaction of its own, on channel `dedicated_nuban`, under a reference that
Paystack makes; whose it is shows in `customer` and in `authorization.receiver_bank_account_number`.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import aiosqlite
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import speakable
from sandbox import accounts
from sandbox.database import Transaction, stamp
from sandbox.payments import Charge, Payment
from sandbox.scenarios import OK, Script
from sandbox.wire import Json, Severed, html_503, read_fields
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS paystack_customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    name TEXT NOT NULL
);
"""

_NAME = "paystack"
_FIRST_ID = 1000  # as long as a real one is, at a glance


class PaystackAccounts:
    """The calls of Paystack that are about customers' accounts."""

    def __init__(self, world: World, is_known: Callable[[Request], bool]) -> None:
        self._world = world
        self._is_known = is_known

    def routes(self) -> list[Route]:
        return [
            Route("/customer", self._make_customer, methods=["POST"]),
            Route("/customer/{code}", self._customer, methods=["GET"]),
            Route("/dedicated_account", self._reserve, methods=["POST"]),
            Route("/transaction", self._list, methods=["GET"]),
        ]

    async def _make_customer(self, request: Request) -> Response:
        """A customer; the same address again is the same one."""
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        fields = await read_fields(request) or {}
        email = str(fields.get("email") or "").lower()
        if "@" not in email.strip("@"):
            return _refused("Invalid Email Address Passed", 400)
        names = [str(fields.get(name) or "") for name in ("first_name", "last_name")]
        row = (f"CUS_SIM{speakable(8)}", email, str(fields.get("phone") or ""), " ".join(names))
        async with self._world.database.transaction() as tx:
            await tx.execute(
                "INSERT OR IGNORE INTO paystack_customers (code, email, phone, name)"
                " VALUES (?, ?, ?, ?)",
                row,
            )
            customer = await _find(tx, "email", email)
        assert customer is not None
        return _said("Customer created", _customer_of(customer))

    async def _customer(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        async with self._world.database.transaction() as tx:
            customer = await _find(tx, "code", request.path_params["code"])
            if customer is None:
                return _refused("Customer not found", 404)
            account = await self._world.payments.find(tx, _NAME, customer["code"])
        told = _customer_of(customer)
        told["dedicated_account"] = _account_of(account, customer) if account else None
        return _said("Customer retrieved", told)

    async def _reserve(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        fields = await read_fields(request) or {}
        if not fields.get("preferred_bank"):
            return _refused("Preferred bank is required", 400)
        async with self._world.database.transaction() as tx:
            customer = await _find(tx, "code", str(fields.get("customer") or ""))
            if customer is None:
                return _refused("Customer not found", 404)
            account = await self._world.payments.find(tx, _NAME, customer["code"])
            script = Script() if account else await self._part_of(tx, customer)
            if script.name == "account_identity":
                return _refused("Customer should be identified with a BVN", 400)
            if account is None:
                account = self._new(customer)
                await self._world.payments.add(tx, account)
        if script.name == "account_lost":
            return Severed()
        return _said("NUBAN successfully created", _account_of(account, customer))

    def _new(self, customer: aiosqlite.Row) -> Payment:
        return accounts.new(
            _NAME,
            customer["code"],
            email=customer["email"],
            phone=customer["phone"],
            holder=customer["name"],
            currency="NGN",
            now=self._world.clock.now(),
        )

    async def _part_of(self, tx: Transaction, customer: aiosqlite.Row) -> Script:
        names = [customer["email"], customer["code"], customer["phone"]]
        return await self._world.scenarios.choose(
            tx, _NAME, [name for name in names if name], among=accounts.SCENARIOS.keys()
        )

    async def _list(self, request: Request) -> Response:
        """The transfers of one customer, newest first."""
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        query = request.query_params
        page, size = int(query.get("page", "1")), int(query.get("perPage", "50"))
        since = dt.datetime.fromisoformat(query.get("from", "2020-01-01T00:00:00+00:00"))
        async with self._world.database.transaction() as tx:
            customer = await _find(tx, "id", int(query.get("customer", "0")) - _FIRST_ID)
            code = customer["code"] if customer else ""
            account = await self._world.payments.find(tx, _NAME, code)
            if customer is None or account is None:
                return _page_of([], page, size)
            if await self._is_down(tx, account):
                return html_503()
            charges = await self._world.payments.charges(tx, account)
        found = [
            transfer_of(account, charge, customer)
            for charge in charges[::-1]
            if charge.paid_at >= since
        ]
        return _page_of(found, page, size)

    async def _is_down(self, tx: Transaction, account: Payment) -> bool:
        if account.script.name == OK:
            names = [account.reference, account.email, accounts.phone(account)]
            script = await self._world.scenarios.choose(
                tx, _NAME, [name for name in names if name], among={"verify_down"}
            )
            if script.name == OK:
                return False
            account = await self._world.payments.recast(tx, account, script)
        return await self._world.payments.is_silent(tx, account, account.script.seconds)

    async def transfer(self, tx: Transaction, account: Payment, charge: Charge) -> dict[str, Any]:
        """A transfer as the webhook tells of it."""
        customer = await _find(tx, "code", account.reference)
        assert customer is not None
        return transfer_of(account, charge, customer)


def transfer_of(account: Payment, charge: Charge, customer: aiosqlite.Row) -> dict[str, Any]:
    """A transfer into a customer's account, as a transaction of Paystack's."""
    minor = charge.amount.minor
    return {
        "id": charge.id,
        "domain": "test",
        "status": "success",
        "reference": f"SIM{charge.id}",
        "amount": minor,
        "currency": charge.amount.currency,
        "fees": minor // 100,
        "channel": "dedicated_nuban",
        "gateway_response": "Approved",
        "paid_at": stamp(charge.paid_at),
        "created_at": stamp(charge.paid_at),
        "customer": _customer_of(customer),
        "authorization": {
            "channel": "dedicated_nuban",
            "receiver_bank_account_number": account.access_code,
            "receiver_bank": accounts.BANK,
        },
    }


async def _find(tx: Transaction, column: str, value: object) -> aiosqlite.Row | None:
    query = {
        "id": "SELECT * FROM paystack_customers WHERE id = ?",
        "code": "SELECT * FROM paystack_customers WHERE code = ?",
        "email": "SELECT * FROM paystack_customers WHERE email = ?",
    }[column]
    return next(iter(await tx.execute_fetchall(query, (value,))), None)


def _customer_of(customer: aiosqlite.Row) -> dict[str, Any]:
    return {
        "id": _FIRST_ID + customer["id"],
        "customer_code": customer["code"],
        "email": customer["email"],
        "phone": customer["phone"],
    }


def _account_of(account: Payment, customer: aiosqlite.Row) -> dict[str, Any]:
    return {
        "bank": {"name": accounts.BANK, "id": 1, "slug": "test-bank"},
        "account_name": accounts.holder(account),
        "account_number": account.access_code,
        "assigned": True,
        "currency": account.amount.currency,
        "active": True,
        "customer": _customer_of(customer),
    }


def _page_of(found: list[dict[str, Any]], page: int, size: int) -> Response:
    meta = {"total": len(found), "page": page, "pageCount": -(-len(found) // size) or 1}
    shown = found[(page - 1) * size : page * size]
    return Json({"status": True, "message": "Transactions retrieved", "data": shown, "meta": meta})


def _said(message: str, data: Mapping[str, Any]) -> Response:
    return Json({"status": True, "message": message, "data": data})


def _refused(message: str, status_code: int) -> Response:
    return Json({"status": False, "message": message}, status_code)
