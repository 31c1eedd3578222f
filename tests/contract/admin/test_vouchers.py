"""Vouchers of operators: ordered in quantity, printed, exported, found, handed on, taken back."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pypdfium2
import zxingcpp

from core.domain.hotspot import GIB, HotspotPlan, Router, RouterStatus, Terms
from core.domain.routers import RouterAccess
from core.domain.voucher_codes import ALPHABET
from core.kit import ids
from core.ports import Event
from tests.contract.admin.test_access import assert_refused
from tests.fakes.admin import Desk
from tests.fakes.books import NOON
from tests.fakes.vouchers import soon

EVENT = Event("test", "test", "test", {})
WHOLE = re.compile(rf"\b[{ALPHABET}]{{10}}\b")


async def site(operator: Desk, name: str = "Main gate") -> Router:
    router = Router(
        id=ids.uuid7(),
        tenant_id=operator.books.tenant.id,
        name=name,
        access=RouterAccess("127.0.0.1", "callbox", "secret", port=1),
        login_url="http://wifi.lan/login",
        status=RouterStatus.ONLINE,
    )
    assert await operator.core.hotspots.routers.add(router, EVENT, NOON)
    return router


async def made(operator: Desk, **ordered: Any) -> dict[str, Any]:
    """A batch that a worker has made."""
    answer = await operator.post("/vouchers/batch-generate", **ordered)
    assert answer.status_code == 202, answer.text
    await work(operator)
    batch = await operator.data(f"/vouchers/batches/{answer.json()['data']['id']}")
    assert isinstance(batch, dict)
    return batch


async def work(operator: Desk) -> None:
    hotspots = operator.core.hotspots
    for batch in await hotspots.batches.due(10, 60):
        await hotspots.batch_desk.fill(batch)


async def bought(operator: Desk, router: Router) -> tuple[UUID, str]:
    """A voucher that a customer paid for and whose router has not confirmed it; id and code."""
    hotspots, books = operator.core.hotspots, operator.books
    plan = HotspotPlan(
        id=ids.uuid7(),
        tenant_id=books.tenant.id,
        code="1H",
        name="One hour",
        terms=Terms(GIB, online_s=3600),
        price_minor=200_00,
        currency="NGN",
        pooled=False,
    )
    plan = await hotspots.plans.save(plan, EVENT, NOON)
    customer = await books.customer(funds=1000_00)
    purchase = await hotspots.vouchers.buy(
        await hotspots.vouchers.offer(plan, router.id),
        key="one",
        tenant=books.tenant,
        customer=customer,
        channel_id=books.channel.id,
        identity=customer.msisdn,
        until=soon(0),
    )
    assert purchase.voucher.code is not None
    return purchase.voucher.id, purchase.voucher.code


async def token(operator: Desk, *abilities: str) -> str:
    return await operator.core.tokens.create(
        "-".join(abilities), operator.books.tenant.id, abilities, "test"
    )


async def kinds(owner: asyncpg.Connection, subject: str) -> list[tuple[str, str]]:
    rows = await owner.fetch(
        "select kind, actor from events where subject = $1 order by id", subject
    )
    return [(row["kind"], row["actor"]) for row in rows]


async def test_a_batch_is_ordered_made_printed_and_exported(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    router = await site(operator)
    order = {
        "quantity": 25,
        "profile": "1GB-DAILY",
        "validity_hours": 48,
        "price": "500.00",
        "data_limit_mb": 2048,
        "currency": "NGN",
        "auto_activate": False,
        "send_sms": False,
        "customer_name": "Kiosk",
        "idempotency_key": "march",
    }
    answer = await operator.post("/vouchers/batch-generate", **order)
    again = await operator.post("/vouchers/batch-generate", **order)
    waiting = answer.json()["data"]
    early = await operator.http.get(f"/vouchers/batches/{waiting['id']}/sheet.pdf")
    await work(operator)
    batch = await operator.data(f"/vouchers/batches/{waiting['id']}")

    assert (answer.status_code, again.json()["data"]["id"]) == (202, waiting["id"])
    assert (waiting["status"], waiting["made"], waiting["progress_percent"]) == ("created", 0, 0)
    assert (batch["status"], batch["made"], batch["progress_percent"]) == ("ready", 25, 100)
    assert (batch["router_id"], batch["price"]) == (str(router.id), "500.00")
    assert_refused(early, 409, "voucher_batch.unfinished")

    listed = await operator.get("/vouchers", batch_id=batch["id"], per_page=100)
    assert listed["pagination"]["total"] == 25
    assert all(row["code"].endswith("*****") for row in listed["data"])

    codes = [row["code"] for row in await exported(operator, batch["id"], codes="clear")]
    masked = await exported(operator, batch["id"])
    assert len(set(codes)) == 25
    assert all(WHOLE.fullmatch(code) and code not in str(listed) for code in codes)
    assert [row["code"] for row in masked] == [code[:5] + "*****" for code in codes]
    assert {row["router"] for row in masked} == {"Main gate"}

    sheet = await operator.http.get(f"/vouchers/batches/{batch['id']}/sheet.pdf")
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "application/pdf")
    assert sheet.headers["cache-control"] == "no-store"
    assert qr_codes(sheet) == {
        f"http://wifi.lan/login?username={code}&password={code}" for code in codes
    }
    roll = await operator.http.get(
        f"/vouchers/batches/{batch['id']}/sheet.pdf",
        params={"format": "58mm", "first": 3, "count": 2},
    )
    assert len(qr_codes(roll)) == 2

    actor = "token:admin-token"
    assert await kinds(owner, batch["id"]) == [
        ("voucher_batch.ordered", actor),
        ("voucher_batch.exported", actor),
        ("voucher_batch.exported", actor),
        ("voucher_batch.printed", actor),
        ("voucher_batch.printed", actor),
    ]
    facts = await owner.fetch("select facts::text as facts from events")
    assert not any(code in row["facts"] for row in facts for code in codes)


async def test_whole_codes_take_an_ability_of_their_own(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    await site(operator)
    batch = await made(operator, quantity=1, profile="UNLIMITED-DAILY")
    [voucher] = await operator.data("/vouchers", batch_id=batch["id"])
    reader = await token(operator, "vouchers:read")
    printer = await token(operator, "vouchers:read", "vouchers:codes")
    files = f"/vouchers/batches/{batch['id']}/sheet"
    one = f"/vouchers/{voucher['id']}"

    stranger = await token(operator, "users:read")
    for path in ("/vouchers", "/vouchers/batches", "/voucher-plans", one):
        assert_refused(await operator.as_token(stranger, path), 403, "auth.forbidden")
    for path, query in (
        (f"{files}.pdf", {}),
        (f"{files}.csv", {"codes": "clear"}),
        (one, {"reveal": True}),
    ):
        assert_refused(await operator.as_token(reader, path, **query), 403, "auth.forbidden")
        assert (await operator.as_token(printer, path, **query)).status_code == 200
    masked = await operator.as_token(reader, f"{files}.csv")
    shown = await operator.as_token(reader, one)
    whole = (await operator.as_token(printer, one, reveal=True)).json()["data"]["code"]

    assert WHOLE.fullmatch(whole)
    assert whole not in masked.text + shown.text
    assert (await operator.data(f"/vouchers/{whole.lower()}"))["id"] == voucher["id"]
    assert ("voucher.code_shown", "token:vouchers:read-vouchers:codes") in await kinds(
        owner, voucher["id"]
    )


async def test_a_batch_that_cannot_be_made_is_told_by_field(operator: Desk) -> None:
    nowhere = await operator.post("/vouchers/batch-generate", quantity=1, profile="1GB-DAILY")
    await site(operator, "Main gate")
    await site(operator, "Back gate")
    wrong: Sequence[tuple[dict[str, Any], str]] = (
        ({"quantity": 1, "profile": "1GB-DAILY"}, "router_id"),  # which of the two?
        ({"quantity": 0, "profile": "1GB-DAILY"}, "quantity"),
        ({"quantity": 1, "profile": "NO-SUCH"}, "profile"),
        ({"quantity": 1, "profile": "CUSTOM"}, "body"),  # neither data nor validity
        ({"quantity": 1, "profile": "1GB-DAILY", "price": "5.005"}, "price"),
        ({"quantity": 1, "profile": "1GB-DAILY", "code_prefix": "=1"}, "code_prefix"),
        ({"quantity": 1, "profile": "1GB-DAILY", "send_sms": True}, "send_sms"),
        ({"quantity": 1, "profile": "1GB-DAILY", "customer_phone": "12"}, "customer_phone"),
    )

    assert_refused(nowhere, 422, "voucher.bad_batch")
    for body, field in wrong:
        answer = await operator.post("/vouchers/batch-generate", **body)
        assert answer.status_code == 422, body
        assert [one["field"] for one in answer.json()["details"]] == [field], answer.text
    unknown = await operator.http.get(f"/vouchers/batches/{ids.uuid7()}")
    assert_refused(unknown, 404, "voucher_batch.unknown")


async def test_a_batch_is_given_to_its_router_or_taken_back(operator: Desk) -> None:
    router = await site(operator)
    batch = await made(operator, quantity=2, profile="CUSTOM", data_limit_mb=100, code_prefix="NG")
    path = f"/vouchers/batches/{batch['id']}"

    before = await operator.data("/vouchers", batch_id=batch["id"])
    active = (await operator.post(f"{path}/activate")).json()["data"]
    after = await operator.data("/vouchers", batch_id=batch["id"], router_id=router.id)
    void = (await operator.post(f"{path}/void")).json()["data"]
    over = await operator.data("/vouchers", batch_id=batch["id"], status="cancelled")

    assert {row["wanted"] for row in before} == {"absent"}
    assert active["activated"]
    assert {row["wanted"] for row in after} == {"present"}
    assert (void["status"], len(over)) == ("void", 2)
    assert_refused(await operator.http.get(f"{path}/sheet.pdf"), 409, "voucher_batch.unfinished")
    assert [one["id"] for one in await operator.data("/vouchers/batches")] == [batch["id"]]


async def test_what_a_customer_bought_is_resent_handed_on_disabled_and_paid_back(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    router = await site(operator)
    voucher_id, code = await bought(operator, router)
    customer = await operator.books.customer()
    path = f"/vouchers/{voucher_id}"

    shown = await operator.data(path)
    found = await operator.data("/vouchers", search=code[:5])
    resent = [await operator.post(f"{path}/resend-sms", idempotency_key="call-1") for _ in range(2)]
    disabled = (await operator.post(f"/vouchers/{code}/disable")).json()["data"]
    enabled = (await operator.post(f"{path}/enable")).json()["data"]
    moved = (await operator.post(f"{path}/transfer", phone="0803 000 0002")).json()["data"]
    refunded = await operator.post(f"{path}/refund", reason="router broke")
    again = await operator.post(f"{path}/refund", reason="router broke")

    assert (shown["status"], shown["sale"]["amount"]) == ("sold", "200.00")
    assert shown["terms"]["data_limit_mb"] == 1024
    assert [row["id"] for row in found] == [str(voucher_id)]
    assert {answer.status_code for answer in resent} == {200}
    told = await owner.fetch("select key from notices where key like '%:told:call-1'")
    assert len(told) == 1
    assert (disabled["wanted"], enabled["wanted"]) == ("disabled", "present")
    assert moved["user_id"] == str((await operator.books.customer(2)).id)
    assert shown["user_id"] == moved["sale"]["user_id"] == str(customer.id)
    assert refunded.json()["data"]["status"] in {"refund_due", "refunded"}
    assert refunded.json()["data"]["sale"]["refund_reason"] == "router broke"
    assert again.status_code == 200
    assert_refused(await operator.post(f"{path}/disable"), 409, "voucher.over")
    assert code not in str([shown, found, disabled, moved, refunded.text])
    done = [kind for kind, actor in await kinds(owner, str(voucher_id)) if "admin" in actor]
    assert {"voucher.resent", "voucher.disabled", "voucher.handed_over"} <= set(done)
    assert any("refund" in kind for kind in done)


async def test_what_is_not_there_or_not_paid_for_is_refused(operator: Desk) -> None:
    await site(operator)
    batch = await made(operator, quantity=1, profile="1GB-DAILY")
    [voucher] = await operator.data("/vouchers", batch_id=batch["id"])

    for name in ("NOSUCHCODE", str(ids.uuid7()), "x"):
        assert_refused(await operator.http.get(f"/vouchers/{name}"), 404, "voucher.unknown")
    unpaid = await operator.post(f"/vouchers/{voucher['id']}/refund", reason="because")
    bad = await operator.post(f"/vouchers/{voucher['id']}/transfer", phone="12")
    assert_refused(unpaid, 409, "voucher.not_paid")
    assert_refused(bad, 422, "request.invalid")


async def test_plans_are_made_changed_and_withdrawn(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    made = await operator.post("/voucher-plans", code="1GB-DAILY", price="500")
    plan = made.json()["data"]
    path = f"/voucher-plans/{plan['id']}"
    own = await operator.post(
        "/voucher-plans",
        code="NIGHT",
        name="All night",
        price="150.50",
        online_minutes=90,
        down_kbps=2000,
        ends_at="2026-12-31T23:00:00Z",
    )
    twice = await operator.post("/voucher-plans", code="NIGHT", name="Again", price="1")
    changed = await operator.put(path, price="450.00", validity_hours=36)
    same = await operator.put(path, name="Gig a day")
    gone = await operator.http.delete(path)
    sold = await operator.data("/voucher-plans", active=True)
    back = (await operator.put(path, is_active=True)).json()["data"]
    forever = (
        await operator.put(f"/voucher-plans/{own.json()['data']['id']}", ends_at=None)
    ).json()

    assert made.status_code == own.status_code == 200, own.text
    assert (plan["name"], plan["data_limit_mb"], plan["validity_hours"]) == (
        "1 GB, 1 day",
        1024,
        24,
    )
    assert (plan["price"], plan["currency"], plan["version"]) == ("500.00", "NGN", 1)
    assert own.json()["data"]["ends_at"] == "2026-12-31T23:00:00Z"
    assert forever["data"]["ends_at"] is None
    assert_refused(twice, 409, "voucher_plan.exists")
    after = changed.json()["data"]
    assert (after["price"], after["validity_hours"], after["version"]) == ("450.00", 36, 2)
    assert (same.json()["data"]["name"], same.json()["data"]["version"]) == ("Gig a day", 2)
    assert gone.json()["data"]["is_active"] is False
    assert [one["code"] for one in sold] == ["NIGHT"]
    assert back["is_active"]
    assert [kind for kind, _ in await kinds(owner, "1GB-DAILY")] == [
        "voucher_plan.created",
        "voucher_plan.changed",
        "voucher_plan.changed",
        "voucher_plan.withdrawn",
        "voucher_plan.changed",
    ]


async def test_a_plan_that_cannot_be_sold_is_told_by_field(operator: Desk) -> None:
    wrong: Sequence[tuple[dict[str, Any], str]] = (
        ({"code": "lower", "name": "x", "price": "1", "data_limit_mb": 1}, "code"),
        ({"code": "NONAME", "price": "1", "data_limit_mb": 1}, "name"),
        ({"code": "NOTHING", "name": "x", "price": "1"}, "body"),
        ({"code": "MANY", "name": "x", "price": "1", "data_limit_mb": 1, "shared_users": 99},
         "shared_users"),
        ({"code": "FAR", "name": "x", "price": "1", "data_limit_mb": 1,
          "router_id": str(ids.uuid7())}, "router_id"),
        ({"code": "ODD", "name": "x", "price": "1.999", "data_limit_mb": 1}, "price"),
    )  # fmt: skip
    for body, field in wrong:
        answer = await operator.post("/voucher-plans", **body)
        assert answer.status_code == 422, body
        assert [one["field"] for one in answer.json()["details"]] == [field], answer.text
    assert_refused(
        await operator.http.get(f"/voucher-plans/{ids.uuid7()}"), 404, "voucher_plan.unknown"
    )


async def exported(operator: Desk, batch_id: str, **query: str) -> list[dict[str, str]]:
    answer = await operator.http.get(f"/vouchers/batches/{batch_id}/sheet.csv", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def qr_codes(pdf: httpx.Response) -> set[str]:
    assert pdf.status_code == 200, pdf.text
    document = pypdfium2.PdfDocument(pdf.content)
    try:
        pages = [page.render(scale=200 / 72).to_pil() for page in document]
    finally:
        document.close()
    return {code.text for page in pages for code in zxingcpp.read_barcodes(page)}
