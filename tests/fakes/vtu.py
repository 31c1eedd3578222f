"""Orders for VTU adapters, and every adapter as a case of the promises that all of them keep."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from msgspec.structs import replace
from pydantic import SecretStr

from core.domain.vending import Outcome, Product, Vend
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.providers.http import NoReply, Reply
from core.providers.vtu import (
    OwnedVtuProvider,
    baxi,
    buypower,
    clubkonnect,
    configured,
    configured_model,
    flutterwave,
    inlomax,
    reloadly,
    smeplug,
    vtpass,
    vtpass_answers,
)
from tests.fakes.wire import says, wire

REFERENCE = "202611210630ABCDEF"
TOKEN = "12345678901234567890"
AIRTIME = Vend(
    reference=REFERENCE,
    product=Product.AIRTIME,
    network="mtn",
    recipient=Msisdn("2348031234567"),
    amount=Money(500_00, "NGN"),
    created_at=dt.datetime(2026, 11, 21, 5, 30, tzinfo=dt.UTC),
)
DATA = replace(AIRTIME, product=Product.DATA, plan="plan-1")
CABLE = replace(AIRTIME, product=Product.CABLE, network="dstv", plan="dstv1", account="7012345678")
PREPAID = replace(
    AIRTIME,
    product=Product.ELECTRICITY,
    network="ikeja-electric",
    variant="prepaid",
    account="04123456789",
)
POSTPAID = replace(PREPAID, variant="postpaid")
EXAM = replace(AIRTIME, product=Product.EXAM, network="waec", plan="waecdirect")
PINS = replace(AIRTIME, product=Product.RECHARGE_PIN, quantity=5)

RESELLER = {
    "name": "corner_shop",
    "auth": {"kind": "query", "secret": "SECRET_1", "name": "api_key"},
    "orders": {
        "airtime": {
            "path": "/buy",
            "fields": {"ref": "{reference}", "naira": "{amount}", "to": "{local}"},
        }
    },
    "requery": {"method": "GET", "path": "/orders/{reference}", "send_as": "query"},
    "answer": {
        "status": "status",
        "meanings": {"ok": "delivered", "wait": "accepted", "bad": "failed", "no": "refused"},
        "http_statuses": [200, 404],
        "reference": "ref",
    },
    "requery_answer": {
        "status": "status",
        "meanings": {"ok": "delivered", "wait": "accepted", "bad": "failed", "none": "not_found"},
        "http_statuses": [200, 404],
        "reference": "ref",
    },
    "balance": {"path": "/me", "amount": "wallet.naira"},
    "failover_target": True,
}


@dataclass(frozen=True)
class Spoken:
    """A request as it was on the wire; header names in small letters, `body` read as JSON."""

    line: str
    headers: Mapping[str, str]
    body: Any

    @property
    def path(self) -> str:
        return self.line.split()[1].partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.line.split()[1].partition("?")[2], keep_blank_values=True))


def spoken(request: bytes) -> Spoken:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Spoken(first, headers, json.loads(body) if body else None)


async def said(
    make: Callable[[str], OwnedVtuProvider],
    act: Callable[[OwnedVtuProvider], Awaitable[Outcome]],
    *answers: object,
) -> tuple[Outcome, list[Spoken]]:
    """What `act` made of these answers, given in turn as JSON, and what it asked."""
    async with wire(*(says(json.dumps(answer)) for answer in answers)) as server:
        provider = make(server.base_url)
        outcome = await act(provider)
        await provider.aclose()
    return outcome, [spoken(request) for request in server.requests]


def answered(document: object, status: int = 200, **headers: str) -> Reply:
    """An answer with this JSON."""
    return Reply(status, json.dumps(document).encode(), headers)


Reader = Callable[[Reply | NoReply, Vend, bool], Outcome]


@dataclass(frozen=True)
class Case:
    """One adapter.

    Attributes:
        make: Builds it for an address and a timeout that settings would refuse as too short.
        reader: Reads an answer to a vend, or (True) to a requery.
        before_vend: What it asks first, as the answers that it needs.
        before_requery: The same for a requery.
        asks: Whether a requery asks anything.
        good: An answer to a vend that it believes.
        balance: An answer that tells 1,250.50.
        secrets: What no log may hold.
        words: What its answers are made of, for putting them together wrongly.
    """

    name: str
    make: Callable[[str, float], OwnedVtuProvider]
    reader: Reader
    good: Mapping[str, object]
    balance: Mapping[str, object]
    secrets: tuple[str, ...]
    vend: Vend = AIRTIME
    before_vend: tuple[str, ...] = ()
    before_requery: tuple[str, ...] = ()
    asks: bool = True
    words: tuple[Any, ...] = field(default=())

    def __repr__(self) -> str:
        return self.name


def _settings(kind: Any, **values: object) -> Any:
    """Unchecked, so that a test need not wait five seconds."""
    secrets = {
        name: SecretStr(str(value)) if name.endswith(("_key", "_id")) else value
        for name, value in values.items()
    }
    return kind.model_construct(**secrets)


def make_vtpass(base_url: str, timeout_s: float) -> vtpass.VtPass:
    keys = {"api_key": "AK_1", "public_key": "PK_1", "secret_key": "SK_1"}
    return vtpass.VtPass(
        _settings(vtpass.Settings, base_url=f"{base_url}/api", timeout_s=timeout_s, **keys)
    )


def make_clubkonnect(
    base_url: str, timeout_s: float = 5.0, callback_url: str = ""
) -> clubkonnect.ClubKonnect:
    return clubkonnect.ClubKonnect(
        _settings(
            clubkonnect.Settings,
            base_url=base_url,
            timeout_s=timeout_s,
            user_id="CK_1",
            api_key="SECRET_1",
            callback_url=callback_url,
        )
    )


def make_buypower(base_url: str, timeout_s: float = 5.0) -> buypower.BuyPower:
    return buypower.BuyPower(
        _settings(
            buypower.Settings, base_url=f"{base_url}/v2", timeout_s=timeout_s, api_key="SECRET_1"
        )
    )


def make_baxi(base_url: str, timeout_s: float = 5.0) -> baxi.Baxi:
    settings = baxi.Settings.model_construct(
        base_url=f"{base_url}/api/baxipay",
        timeout_s=timeout_s,
        api_key=SecretStr("SECRET_1"),
        agent_id="207",
    )
    return baxi.Baxi(settings)


def make_reloadly(base_url: str, timeout_s: float = 5.0) -> reloadly.Reloadly:
    return reloadly.Reloadly(
        _settings(
            reloadly.Settings,
            base_url=base_url,
            auth_url=f"{base_url}/oauth/token",
            timeout_s=timeout_s,
            client_id="CLIENT_1",
            secret_key="SECRET_1",
            webhook_key="HOOK_1",
        )
    )


def make_flutterwave(base_url: str, timeout_s: float = 5.0) -> flutterwave.FlutterwaveBills:
    return flutterwave.FlutterwaveBills(
        _settings(
            flutterwave.Settings,
            base_url=f"{base_url}/v3",
            timeout_s=timeout_s,
            secret_key="SECRET_1",
            webhook_key="HOOK_1",
        )
    )


def make_smeplug(base_url: str, timeout_s: float = 5.0) -> smeplug.SmePlug:
    return smeplug.SmePlug(
        _settings(
            smeplug.Settings,
            base_url=f"{base_url}/api/v1",
            timeout_s=timeout_s,
            secret_key="SECRET_1",
        )
    )


def make_inlomax(base_url: str, timeout_s: float = 5.0) -> inlomax.Inlomax:
    return inlomax.Inlomax(
        _settings(
            inlomax.Settings, base_url=f"{base_url}/api", timeout_s=timeout_s, api_key="SECRET_1"
        )
    )


def make_configured(
    base_url: str, timeout_s: float = 5.0, **given: object
) -> configured.ConfiguredVtu:
    known = configured_model.configuration({**RESELLER, "base_url": base_url, **given})
    return configured.ConfiguredVtu(known.model_copy(update={"timeout_s": timeout_s}))


def _flutterwave_reader(reply: Reply | NoReply, vend: Vend, requery: bool) -> Outcome:
    return (flutterwave.read_requery if requery else flutterwave.read_vend)(reply, vend)


def _configured_reader(reply: Reply | NoReply, vend: Vend, requery: bool) -> Outcome:
    known = configured_model.configuration({**RESELLER, "base_url": "http://h"})
    reading = known.requery_answer if requery else known.answer
    assert reading is not None
    return configured.read_answer(reply, vend, reading, requery=requery)


ACCESS = json.dumps({"access_token": "TOKEN_1", "expires_in": 3600})
OPERATORS = json.dumps([{"id": 341, "name": "MTN Nigeria"}, {"id": 342, "name": "Airtel Nigeria"}])
NETWORKS = json.dumps({"status": True, "networks": {"1": "MTN", "2": "AIRTEL"}})

CASES = (
    Case(
        "vtpass",
        make_vtpass,
        lambda reply, vend, requery: vtpass_answers.read_answer(reply, vend, requery=requery),
        good={"code": "000", "content": {"transactions": {"status": "delivered"}}},
        balance={"code": 1, "contents": {"balance": "1250.50"}},
        secrets=("AK_1", "PK_1", "SK_1"),
    ),
    Case(
        "clubkonnect",
        make_clubkonnect,
        lambda reply, vend, requery: clubkonnect.read_answer(reply, vend, requery=requery),
        good={"statuscode": "200", "status": "ORDER_COMPLETED", "orderid": "7"},
        balance={"balance": "1,250.50"},
        secrets=("CK_1", "SECRET_1"),
        words=("200", "201", "404", "503", "899", "ORDER_COMPLETED", "INVALID_REQUESTID"),
    ),
    Case(
        "buypower",
        make_buypower,
        lambda reply, vend, requery: buypower.read_answer(reply, vend, "SECRET_1", requery=requery),
        good={"status": True, "responseCode": 200, "data": {"token": TOKEN}},
        balance={"status": True, "data": {"balance": 1250.5}},
        secrets=("SECRET_1",),
        vend=PREPAID,
        words=(200, 201, 202, 400, 404, True, False, "failed", "Please requery", "in progress"),
    ),
    Case(
        "baxi",
        make_baxi,
        lambda reply, vend, requery: baxi.read_answer(reply, vend, requery=requery),
        good={
            "status": "success",
            "code": 200,
            "data": {"transactionStatus": "success", "statusCode": "0"},
        },
        balance={"status": "success", "data": {"balance": "1250.50"}},
        secrets=("SECRET_1",),
        words=(200, "0", "success", "error", "pending", "failed", "BX0013", "BX0024"),
    ),
    Case(
        "reloadly",
        make_reloadly,
        lambda reply, vend, requery: (
            reloadly.read_list(reply, vend) if requery else reloadly.read_vend(reply, vend)
        ),
        good={"transactionId": 4602843},
        balance={"balance": 1250.5, "currencyCode": "NGN"},
        secrets=("CLIENT_1", "SECRET_1", "HOOK_1", "TOKEN_1"),
        before_vend=(ACCESS, OPERATORS),
        before_requery=(ACCESS,),
        words=("SUCCESSFUL", "FAILED", "INSUFFICIENT_BALANCE", 7, REFERENCE),
    ),
    Case(
        "flutterwave_bills",
        make_flutterwave,
        _flutterwave_reader,
        good={"status": "success", "data": {"tx_ref": "CF-1"}},
        balance={"status": "success", "data": {"available_balance": 1250.5}},
        secrets=("SECRET_1", "HOOK_1"),
        words=("success", "error", "successful", "failed", "pending", "not found"),
    ),
    Case(
        "smeplug",
        make_smeplug,
        lambda reply, vend, requery: (
            smeplug.read_requery(reply, vend) if requery else smeplug.read_vend(reply, vend)
        ),
        good={"status": True, "data": {"reference": "S-1", "msg": "done"}},
        balance={"status": True, "balance": "1250.50"},
        secrets=("SECRET_1",),
        before_vend=(NETWORKS,),
        words=(True, False, "success", "failed", REFERENCE, "Insufficient balance"),
    ),
    Case(
        "inlomax",
        make_inlomax,
        lambda reply, vend, _: inlomax.read_answer(reply, vend),
        good={"status": "success", "data": {"reference": "I-1"}},
        balance={"status": "success", "data": {"funds": "1250.50"}},
        secrets=("SECRET_1",),
        asks=False,
        words=("success", "failed", "processing", "Insufficient"),
    ),
    Case(
        "corner_shop",
        make_configured,
        _configured_reader,
        good={"status": "ok", "ref": REFERENCE},
        balance={"wallet": {"naira": "1250.50"}},
        secrets=("SECRET_1",),
        words=("ok", "wait", "bad", "no", "none", REFERENCE),
    ),
)
