"""Who may ask what, and that every refusal has the one shape."""

import datetime as dt
import json
import re
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from core.domain.customers import Tenant
from core.kit import ids
from core.kit.expected import has_words
from core.services.tokens import UnknownAbility
from tests.fakes.admin import SUPER, Desk
from tests.fakes.books import NOON, open_books


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["success"], body["code"]) == (False, code)
    assert body["error"]
    assert UUID(body["requestId"]) == UUID(answer.headers["x-request-id"])
    assert body["timestamp"].endswith("Z")
    assert dt.datetime.fromisoformat(body["timestamp"]).utcoffset() == dt.timedelta(0)


async def test_a_success_has_the_one_shape(operator: Desk) -> None:
    body = await operator.get("/users")

    assert set(body) == {"success", "data", "pagination", "timestamp", "requestId"}
    assert body["success"] is True


@pytest.mark.parametrize("token", [None, "wrong", "cbx_wrong", SUPER + "x"])
async def test_without_a_known_token_nothing_is_told(operator: Desk, token: str | None) -> None:
    answer = await operator.as_token(token, "/users")

    assert_refused(answer, 401, "auth.required")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_is_kept_as_a_hash_and_ends_when_revoked(operator: Desk) -> None:
    tokens = operator.core.tokens
    plain = await tokens.create("till", operator.books.tenant.id, ["users:read"], "test")
    before = await operator.as_token(plain, "/users")
    [kept] = await tokens.all()

    await tokens.revoke(kept.id, "test")

    assert before.status_code == 200
    assert kept.last_used_at is not None
    assert plain not in repr(kept)
    [row] = await operator.core.database.call("select * from token_all()")
    assert plain not in repr(row)
    assert_refused(await operator.as_token(plain, "/users"), 401, "auth.required")


async def test_a_token_does_what_its_abilities_say(operator: Desk) -> None:
    plain = await operator.core.tokens.create(
        "reader", operator.books.tenant.id, ["users:read"], "test"
    )

    assert (await operator.as_token(plain, "/users")).status_code == 200
    for path in ("/transactions", "/providers", "/configuration/api/airtime/vtpass"):
        assert_refused(await operator.as_token(plain, path), 403, "auth.forbidden")
    credit = await operator.http.post(
        f"/users/{ids.uuid7()}/credit", json={}, headers={"authorization": f"Bearer {plain}"}
    )
    assert_refused(credit, 403, "auth.forbidden")


async def test_an_ability_that_does_not_exist_is_refused(operator: Desk) -> None:
    with pytest.raises(UnknownAbility):
        await operator.core.tokens.create("typo", None, ["users:raed"], "test")


async def test_a_tenants_token_sees_that_tenant_only(operator: Desk) -> None:
    stranger = await open_books(operator.books.database, "stranger")
    theirs = await stranger.customer(number=9, funds=1000)
    order = await stranger.begun(theirs)
    plain = await operator.core.tokens.create("ours", operator.books.tenant.id, ["*"], "test")

    assert (await operator.as_token(plain, "/users")).json()["data"] == []
    assert (await operator.as_token(plain, "/users", tenant="demo")).status_code == 200
    assert_refused(await operator.as_token(plain, f"/users/{theirs.id}"), 404, "user.unknown")
    found = await operator.as_token(plain, f"/transactions/{order.reference}")
    assert_refused(found, 404, "transaction.unknown")
    for name in ("stranger", "nobody"):
        crossed = await operator.as_token(plain, "/users", tenant=name)
        assert_refused(crossed, 403, "tenant.forbidden")


async def test_a_super_admin_names_the_tenant_where_there_are_several(operator: Desk) -> None:
    other = Tenant(ids.uuid7(), "second", "Second", "NG", "NGN", "Africa/Lagos")
    assert await operator.data("/users") == []
    await operator.core.tenants.ensure(other, NOON)

    assert_refused(await operator.http.get("/users"), 400, "tenant.required")
    assert_refused(await operator.http.get("/users?tenant=third"), 404, "tenant.unknown")
    assert await operator.data("/users", tenant="second") == []


async def test_what_is_not_there_is_refused_in_the_same_shape(operator: Desk) -> None:
    assert_refused(await operator.http.get("/nowhere"), 404, "not_found")
    assert_refused(await operator.http.delete("/users"), 405, "method_not_allowed")


async def test_a_body_that_is_too_large_is_refused(operator: Desk) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 8192

    path = "/configuration/api/airtime/vtpass"
    assert_refused(await operator.http.put(path, content=b"x" * 300_000), 413, "body.too_large")
    assert_refused(await operator.http.put(path, content=chunks()), 413, "body.too_large")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/users?per_page=101", "per_page"),
        ("/users?page=0", "page"),
        ("/users?sort_by=pin", "sort_by"),
        ("/users?search=%00", "search"),
        ("/users?cursor=nonsense", "cursor"),
        ("/users/not-a-uuid", "user_id"),
        ("/transactions?status=lost", "status"),
        ("/transactions?since=2026-01-01T00:00:00", "since"),
    ],
)
async def test_a_wrong_question_is_told_by_field(operator: Desk, path: str, field: str) -> None:
    answer = await operator.http.get(path)

    assert_refused(answer, 422, "request.invalid")
    assert [detail["field"] for detail in answer.json()["details"]] == [field]


async def test_what_was_given_is_not_repeated_in_a_refusal(operator: Desk) -> None:
    body = {"base_url": "http://127.0.0.1:9/api", "api_key": {"oops": "hunter2"}, "timeout": 1}
    answer = await operator.http.put("/configuration/api/airtime/vtpass", json=body)
    broken = await operator.http.put(
        "/configuration/api/airtime/vtpass",
        content=b'{"api_key": "hunter2"',
        headers={"content-type": "application/json"},
    )

    assert_refused(answer, 422, "request.invalid")
    assert_refused(broken, 422, "request.invalid")
    assert "hunter2" not in answer.text + broken.text


async def test_a_failure_of_ours_tells_nothing_of_its_cause(
    operator: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("postgresql://callbox:hunter2@db")

    monkeypatch.setattr(operator.core.backoffice, "customers", fail)

    answer = await operator.http.get("/users")

    assert_refused(answer, 500, "internal")
    assert "hunter2" not in answer.text


async def test_the_description_names_every_path_in_full(operator: Desk) -> None:
    described = (await operator.http.get("/openapi.json")).json()

    assert described["openapi"].startswith("3.")
    assert set(described["paths"]) == {
        "/api/v1/alerts",
        "/api/v1/alerts/stream",
        "/api/v1/cases",
        "/api/v1/cases/{case_id}",
        "/api/v1/cases/{case_id}/close",
        "/api/v1/channels",
        "/api/v1/channels/{channel_id}",
        "/api/v1/channels/{channel_id}/rotate-key",
        "/api/v1/channels/{channel_id}/test",
        "/api/v1/chats",
        "/api/v1/chats/{chat_id}",
        "/api/v1/chats/{chat_id}/close",
        "/api/v1/chats/{chat_id}/messages",
        "/api/v1/configuration/api/{service}/{provider}",
        "/api/v1/gift-rooms",
        "/api/v1/gift-rooms/figures",
        "/api/v1/gift-rooms/settings",
        "/api/v1/gift-rooms/{room_id}",
        "/api/v1/gift-rooms/{room_id}/cancel",
        "/api/v1/gift-rooms/{room_id}/freeze",
        "/api/v1/gift-rooms/{room_id}/unfreeze",
        "/api/v1/mikrotik/{router_id}/active",
        "/api/v1/mikrotik/{router_id}/active/{session_id}",
        "/api/v1/mikrotik/{router_id}/interfaces",
        "/api/v1/mikrotik/{router_id}/interfaces/traffic",
        "/api/v1/mikrotik/{router_id}/interfaces/{interface}/disable",
        "/api/v1/mikrotik/{router_id}/interfaces/{interface}/enable",
        "/api/v1/mikrotik/{router_id}/statistics",
        "/api/v1/mikrotik/{router_id}/users",
        "/api/v1/mikrotik/{router_id}/users/bulk",
        "/api/v1/mikrotik/{router_id}/users/bulk/{bulk_id}",
        "/api/v1/mikrotik/{router_id}/users/{name}",
        "/api/v1/providers",
        "/api/v1/providers/{provider}/circuit/reset",
        "/api/v1/providers/{provider}/float",
        "/api/v1/providers/{provider}/test",
        "/api/v1/reconciliations",
        "/api/v1/reconciliations/{run_id}",
        "/api/v1/router-management",
        "/api/v1/router-management/import",
        "/api/v1/router-management/test-connection",
        "/api/v1/router-management/{router_id}",
        "/api/v1/router-management/{router_id}/attended",
        "/api/v1/router-management/{router_id}/backup",
        "/api/v1/router-management/{router_id}/backup/compare",
        "/api/v1/router-management/{router_id}/backup/{backup_id}",
        "/api/v1/router-management/{router_id}/backup/{backup_id}/download",
        "/api/v1/router-management/{router_id}/backup/{backup_id}/restore",
        "/api/v1/router-management/{router_id}/capacity",
        "/api/v1/router-management/{router_id}/let-go",
        "/api/v1/router-management/{router_id}/logs",
        "/api/v1/router-management/{router_id}/statistics",
        "/api/v1/router-management/{router_id}/test",
        "/api/v1/transactions",
        "/api/v1/transactions/{reference}",
        "/api/v1/transactions/{reference}/reconcile",
        "/api/v1/transactions/{reference}/refund",
        "/api/v1/transactions/{reference}/resolve",
        "/api/v1/transactions/{reference}/retry",
        "/api/v1/users",
        "/api/v1/users/{user_id}",
        "/api/v1/users/{user_id}/credit",
        "/api/v1/users/{user_id}/release",
        "/api/v1/users/{user_id}/unlink",
        "/api/v1/voucher-plans",
        "/api/v1/voucher-plans/{plan_id}",
        "/api/v1/vouchers",
        "/api/v1/vouchers/batch-generate",
        "/api/v1/vouchers/batches",
        "/api/v1/vouchers/batches/{batch_id}",
        "/api/v1/vouchers/batches/{batch_id}/activate",
        "/api/v1/vouchers/batches/{batch_id}/sheet.csv",
        "/api/v1/vouchers/batches/{batch_id}/sheet.pdf",
        "/api/v1/vouchers/batches/{batch_id}/void",
        "/api/v1/vouchers/{code}",
        "/api/v1/vouchers/{code}/disable",
        "/api/v1/vouchers/{code}/enable",
        "/api/v1/vouchers/{code}/refund",
        "/api/v1/vouchers/{code}/resend-sms",
        "/api/v1/vouchers/{code}/transfer",
    }


WRONG: tuple[object, ...] = ({"oops": 1}, [], "", "^", 0.5)
THEIR_WORDS = ("Input", "should match", "Extra inputs", "Value error", "valid dictionary", "group")


async def test_whatever_is_wrong_with_a_body_is_told_in_words_to_act_on(operator: Desk) -> None:
    """Of every request that takes a body: no body, another kind of thing, and each field wrong."""
    described = (await operator.http.get("/openapi.json")).json()
    shapes = described["components"]["schemas"]
    told: dict[str, str] = {}
    for path, ways in described["paths"].items():
        for way, what in ways.items():
            body = what.get("requestBody", {}).get("content", {}).get("application/json")
            if body is None:
                continue
            where = re.sub(r"\{[^}]*\}", str(ids.uuid7()), path.removeprefix("/api/v1"))
            [shape] = re.findall(r"schemas/(\w+)", json.dumps(body["schema"]))
            fields = shapes[shape]["properties"]
            for value in WRONG:
                given = {**dict.fromkeys(fields, value), "unheard_of": value}
                for sent in (given, value):
                    answer = await operator.http.request(way, where, json=sent)
                    assert answer.status_code == 422, f"{way} {where} took {sent}"
                    for each in answer.json()["details"]:
                        told[f"{way} {where} {each['field']}: {each['message']}"] = each["message"]
    assert len(told) > 200
    assert not [where for where, why in told.items() if any(word in why for word in THEIR_WORDS)]


async def test_every_pattern_says_what_is_expected(operator: Desk) -> None:
    described = (await operator.http.get("/openapi.json")).text

    patterns = {json.loads(f'"{each}"') for each in re.findall(r'"pattern":"(.*?)"[,}]', described)}
    assert len(patterns) > 5
    assert not [pattern for pattern in patterns if not has_words(pattern)]


async def test_a_body_without_its_content_type_is_told_that(operator: Desk) -> None:
    answer = await operator.http.post("/channels", content=b'{"kind": "ussd"}')

    assert_refused(answer, 422, "request.invalid")
    assert "content-type: application/json" in answer.text


async def test_every_list_says_which_status_there_is(operator: Desk) -> None:
    """A status that is none is refused, or an empty list would be taken for the truth."""
    described = (await operator.http.get("/openapi.json")).json()
    asked = [
        (path.removeprefix("/api/v1"), field["name"])
        for path, ways in described["paths"].items()
        for field in ways.get("get", {}).get("parameters", ())
        if field["name"] in {"status", "router_status"} and "{" not in path
    ]
    assert ("/users", "status") in asked
    for path, name in asked:
        answer = await operator.http.get(path, params={name: "zzz"})
        assert_refused(answer, 422, "request.invalid")
        assert answer.json()["details"][0]["message"].startswith("should be "), path
