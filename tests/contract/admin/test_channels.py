"""Channels over the admin API: opened, changed, tested, rekeyed and disabled, secrets kept in."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.turns import Channel
from core.kit import ids
from core.store.embedded import ServiceUrls
from tests.fakes.admin import Desk, another_core
from tests.fakes.books import open_books
from tests.fakes.commands import Run
from tests.fakes.serving import serve

TOKEN, SECRET = "110201543:SIM-a-bots-own-token", "SIM-a-webhook-secret"
TELEGRAM = {
    "kind": "telegram",
    "credentials": {"token": TOKEN, "webhook_secret": SECRET},
    "settings": {"username": "a_shop_bot"},
}
WHATSAPP = {
    "kind": "whatsapp",
    "credentials": {
        "access_token": "SIM-an-access-token",
        "app_secret": "SIM-an-app-secret",
        "verify_token": "SIM-a-verify-token",
    },
    "settings": {"phone_number_id": "100000000000001"},
}
USSD = {"kind": "ussd", "gateway": "africastalking", "service_code": "*347*55#"}
# How long a change may go unseen elsewhere.
SEEN_WITHIN_S = 5.5


@dataclass
class Messenger:
    """The Bot API and the Graph API, as far as a harmless question goes."""

    url: str = ""
    webhook: str = ""
    asked: list[str] = field(default_factory=list)

    async def telegram(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.asked.append(method)
        if request.path_params["token"] != TOKEN:
            return JSONResponse({"ok": False, "error_code": 401}, 401)
        result: dict[str, Any] = {"id": 110201543, "is_bot": True, "username": "a_shop_bot"}
        if method == "getWebhookInfo":
            result = {"url": self.webhook, "pending_update_count": 3}
        return JSONResponse({"ok": True, "result": result})

    async def graph(self, request: Request) -> Response:
        self.asked.append(request.path_params["number"])
        if request.headers.get("authorization") != "Bearer SIM-an-access-token":
            return JSONResponse({"error": {"code": 190}}, 401)
        return JSONResponse(
            {"display_phone_number": "+15550000001", "verified_name": "A shop", "id": "1"}
        )


@asynccontextmanager
async def messenger() -> AsyncIterator[Messenger]:
    made = Messenger()
    routes = [
        Route("/telegram/bot{token}/{method}", made.telegram),
        Route("/graph/v26.0/{number}", made.graph),
    ]
    async with serve(Starlette(routes=routes)) as url:
        made.url = url
        yield made


async def open_one(operator: Desk, body: dict[str, Any]) -> Any:
    answer = await operator.http.post("/channels", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def kinds_noted(owner: asyncpg.Connection, channel_id: str) -> list[str]:
    rows = await owner.fetch(
        "select kind from events where subject = $1 order by id", f"channel/{channel_id}"
    )
    return [row["kind"] for row in rows]


async def test_a_channel_is_opened_with_a_key_that_is_shown_once(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    opened = await open_one(operator, TELEGRAM)

    assert opened["path"] == f"/telegram/{opened['key']}"
    assert (opened["gateway"], opened["is_active"]) == ("telegram", True)
    assert opened["credentials"] == ["token", "webhook_secret"]
    shown = await operator.get(f"/channels/{opened['id']}")
    listed = await operator.get("/channels")
    written = json.dumps([shown, listed])
    for secret in (opened["key"], TOKEN, SECRET):
        assert secret not in written
    assert await kinds_noted(owner, opened["id"]) == ["channel.created"]
    for row in await owner.fetch("select facts::text as facts from events"):
        assert TOKEN not in row["facts"]


@pytest.mark.parametrize("body", [TELEGRAM, WHATSAPP, USSD])
async def test_a_new_channel_serves_at_once_in_every_process(
    operator: Desk, urls: ServiceUrls, tmp_path: Path, body: dict[str, Any]
) -> None:
    async with another_core(urls, tmp_path / "other") as other:
        opened = await open_one(operator, body)

        found = await other.channels.find(opened["gateway"], opened["key"])

    assert isinstance(found, Channel)
    assert str(found.id) == opened["id"]
    assert dict(found.credentials) == body.get("credentials", {})


async def test_a_path_that_was_asked_for_too_early_is_found_within_seconds(
    operator: Desk, urls: ServiceUrls, tmp_path: Path
) -> None:
    """A miss is remembered too: not for long."""
    channel = Channel(
        ids.uuid7(), operator.books.tenant.id, "telegram", "telegram", "early", settings={}
    )
    async with another_core(urls, tmp_path / "other") as other:
        assert await other.channels.find("telegram", "early") is None
        await operator.core.channels.ensure(channel, operator.books.clock.now())
        until = time.monotonic() + SEEN_WITHIN_S
        while await other.channels.find("telegram", "early") is None:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)


async def test_a_key_is_rotated_and_the_old_one_ends(
    operator: Desk, urls: ServiceUrls, tmp_path: Path, owner: asyncpg.Connection
) -> None:
    opened = await open_one(operator, TELEGRAM)
    async with another_core(urls, tmp_path / "other") as other:
        assert await other.channels.find("telegram", opened["key"]) is not None

        answer = await operator.post(f"/channels/{opened['id']}/rotate-key")
        fresh = answer.json()["data"]

        assert fresh["key"] != opened["key"]
        assert await other.channels.find("telegram", fresh["key"]) is not None
        until = time.monotonic() + SEEN_WITHIN_S
        while await other.channels.find("telegram", opened["key"]) is not None:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
    assert await kinds_noted(owner, opened["id"]) == ["channel.created", "channel.rekeyed"]


async def test_a_channel_is_disabled_and_its_row_stays(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    opened = await open_one(operator, USSD)

    answer = await operator.http.delete(f"/channels/{opened['id']}")

    assert answer.json()["data"]["is_active"] is False
    assert await operator.core.channels.find("africastalking", opened["key"]) is None
    assert [each["id"] for each in await operator.data("/channels", status="disabled")] == [
        opened["id"]
    ]
    again = await operator.put(f"/channels/{opened['id']}", is_active=True)
    assert again.json()["data"]["is_active"] is True
    assert await operator.core.channels.find("africastalking", opened["key"]) is not None
    noted = await kinds_noted(owner, opened["id"])
    assert noted == ["channel.created", "channel.disabled", "channel.changed"]


async def test_what_is_left_out_of_a_change_stays(operator: Desk) -> None:
    opened = await open_one(operator, WHATSAPP)

    answer = await operator.put(
        f"/channels/{opened['id']}", credentials={"access_token": "SIM-another-access-token"}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["settings"] == WHATSAPP["settings"]
    channel = await operator.core.channels.find("whatsapp", opened["key"])
    assert channel is not None
    assert dict(channel.credentials) == {
        **WHATSAPP["credentials"],  # type: ignore[dict-item]
        "access_token": "SIM-another-access-token",
    }


async def test_two_changes_at_once_are_both_kept(operator: Desk) -> None:
    opened = await open_one(operator, WHATSAPP)
    path = f"/channels/{opened['id']}"

    answers = await asyncio.gather(
        *(
            operator.put(path, credentials={name: f"SIM-new-{name}"})
            for name in ("access_token", "app_secret", "verify_token")
        )
    )

    assert [answer.status_code for answer in answers] == [200] * 3
    channel = await operator.core.channels.find("whatsapp", opened["key"])
    assert channel is not None
    assert sorted(channel.credentials.values()) == [
        "SIM-new-access_token",
        "SIM-new-app_secret",
        "SIM-new-verify_token",
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "pigeon"}, ["kind"]),
        ({"kind": "ussd", "gateway": "nobody", "service_code": "*1#"}, ["gateway"]),
        ({"kind": "ussd", "gateway": "africastalking"}, ["service_code"]),
        ({"kind": "callback", "gateway": "nobody"}, ["gateway"]),
        ({**TELEGRAM, "service_code": "*1#"}, ["service_code"]),
        ({**TELEGRAM, "settings": {"nosuch": 1}}, ["settings.nosuch"]),
        ({**TELEGRAM, "credentials": {"token": TOKEN}}, ["credentials.webhook_secret"]),
        ({**TELEGRAM, "api_base_url": "http://10.0.0.1/x"}, ["api_base_url"]),
        ({**TELEGRAM, "api_base_url": "http://169.254.169.254/latest"}, ["api_base_url"]),
        ({**TELEGRAM, "api_base_url": "gopher://x"}, ["api_base_url"]),
        ({**USSD, "api_base_url": "http://127.0.0.1:9/x"}, ["api_base_url"]),
        ({**TELEGRAM, "settings": {"api_base_url": "http://10.0.0.1"}}, ["settings.api_base_url"]),
        ({**WHATSAPP, "settings": {}}, ["settings.phone_number_id"]),
        ({**TELEGRAM, "key": "mine"}, ["key"]),
        ({"gateway": "telegram"}, ["kind"]),
    ],
)
async def test_a_wrong_channel_is_refused_by_field(
    operator: Desk, body: dict[str, Any], fields: list[str]
) -> None:
    answer = await operator.http.post("/channels", json=body)

    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["details"]] == fields
    assert TOKEN not in answer.text
    assert len(await operator.data("/channels")) == 1  # the one that the tenant began with


async def test_a_wrong_change_changes_nothing(operator: Desk) -> None:
    opened = await open_one(operator, TELEGRAM)
    path = f"/channels/{opened['id']}"
    before = await operator.data(path)

    for body in (
        {"api_base_url": "http://10.0.0.1/x"},
        {"settings": {"api_base_url": "http://10.0.0.1/x"}},
        {"credentials": {"token": ""}},
        {"service_code": "*1#"},
    ):
        answer = await operator.put(path, **body)
        assert answer.status_code == 422, (body, answer.text)

    assert await operator.data(path) == before


async def test_lists_are_filtered_and_walked(operator: Desk) -> None:
    made = [(await open_one(operator, body))["id"] for body in (TELEGRAM, WHATSAPP, USSD)]

    first = await operator.get("/channels", per_page=2)
    rest = await operator.get("/channels", cursor=first["pagination"]["next_cursor"])

    walked = [each["id"] for each in first["data"] + rest["data"]]
    assert walked[:3] == made[::-1]
    assert first["pagination"]["total"] == 4
    assert [each["id"] for each in await operator.data("/channels", kind="whatsapp")] == [made[1]]
    assert [each["id"] for each in await operator.data("/channels", search="*55#")] == [made[2]]
    assert await operator.data("/channels", status="disabled") == []


async def test_telegram_is_asked_who_the_bot_is_and_where_it_delivers(operator: Desk) -> None:
    async with messenger() as there:
        opened = await open_one(operator, {**TELEGRAM, "api_base_url": f"{there.url}/telegram"})
        path = f"/channels/{opened['id']}/test"
        without = (await operator.post(path)).json()
        there.webhook = f"{operator.core.settings.outside_url}{opened['path']}"
        well = (await operator.post(path)).json()
        there.webhook = "https://elsewhere.example/"
        elsewhere = (await operator.post(path)).json()

    assert (without["data"]["ok"], without["message"]) == (False, "it has no webhook yet")
    assert well["data"] == {
        "ok": True,
        "facts": {
            "username": "a_shop_bot",
            "webhook_is_ours": True,
            "pending": 3,
            "failed_lately": False,
        },
    }
    assert (elsewhere["data"]["ok"], "elsewhere" in elsewhere["message"]) == (False, True)
    assert set(there.asked) == {"getMe", "getWebhookInfo"}
    assert opened["key"] not in json.dumps([without, well, elsewhere])


async def test_a_token_that_nobody_knows_and_a_messenger_that_is_silent(operator: Desk) -> None:
    wrong = {**TELEGRAM["credentials"], "token": "110201543:SIM-not-the-right-one"}  # type: ignore[dict-item]
    async with messenger() as there:
        body = {**TELEGRAM, "credentials": wrong, "api_base_url": f"{there.url}/telegram"}
        opened = await open_one(operator, body)
        refused = (await operator.post(f"/channels/{opened['id']}/test")).json()
    silent = (await operator.post(f"/channels/{opened['id']}/test")).json()

    assert (refused["data"]["ok"], "token" in refused["message"]) == (False, True)
    assert (silent["data"]["ok"], silent["message"]) == (False, "no answer: not_sent")


async def test_a_bot_that_is_polled_must_have_no_webhook(operator: Desk) -> None:
    async with messenger() as there:
        body = {
            **TELEGRAM,
            "settings": {"polling": True, "username": "another_bot"},
            "api_base_url": f"{there.url}/telegram",
        }
        opened = await open_one(operator, body)
        path = f"/channels/{opened['id']}/test"
        named = (await operator.post(path)).json()
        there.webhook = "https://elsewhere.example/"
        refused = (await operator.post(path)).json()

    assert "another bot" in named["message"]
    assert (refused["data"]["ok"], "webhook" in refused["message"]) == (False, True)


async def test_whatsapp_is_asked_about_the_number(operator: Desk) -> None:
    async with messenger() as there:
        opened = await open_one(operator, {**WHATSAPP, "api_base_url": f"{there.url}/graph"})
        path = f"/channels/{opened['id']}"
        well = (await operator.post(f"{path}/test")).json()
        await operator.put(path, credentials={"access_token": "SIM-a-wrong-token"})
        refused = (await operator.post(f"{path}/test")).json()

    assert well["data"]["ok"] is True
    assert well["data"]["facts"]["display_phone_number"] == "+15550000001"
    assert (refused["data"]["ok"], refused["message"]) == (False, "refused: 401, code 190")


async def test_a_partner_without_numbers_in_its_paths_is_not_asked(operator: Desk) -> None:
    body = {
        "kind": "whatsapp",
        "credentials": {"access_token": "SIM-a-partners-key"},
        "settings": {"api_version": "", "auth_header": "D360-API-KEY", "verifier": "path"},
    }
    opened = await open_one(operator, body)

    tested = (await operator.post(f"/channels/{opened['id']}/test")).json()

    assert (tested["data"]["ok"], "nothing that could be asked" in tested["message"]) == (
        True,
        True,
    )


@pytest.mark.parametrize("body", [USSD, {"kind": "callback", "gateway": "vtpass"}])
async def test_for_who_calls_us_the_address_is_told_without_its_key(
    operator: Desk, body: dict[str, Any]
) -> None:
    opened = await open_one(operator, body)

    tested = (await operator.post(f"/channels/{opened['id']}/test")).json()

    url = tested["data"]["facts"]["url"]
    outside = operator.core.settings.outside_url
    assert url.replace("{key}", opened["key"]) == outside + opened["path"]
    assert opened["key"] not in json.dumps(tested)


async def test_another_tenant_finds_and_does_nothing(operator: Desk) -> None:
    opened = await open_one(operator, TELEGRAM)
    stranger = await open_books(operator.books.database, "stranger")
    plain = await operator.core.tokens.create("theirs", stranger.tenant.id, ["*"], "test")
    as_them = {"authorization": f"Bearer {plain}"}
    path = f"/channels/{opened['id']}"

    answers = [
        await operator.http.get(path, headers=as_them),
        await operator.http.put(path, json={"is_active": False}, headers=as_them),
        await operator.http.delete(path, headers=as_them),
        await operator.http.post(f"{path}/test", headers=as_them),
        await operator.http.post(f"{path}/rotate-key", headers=as_them),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (404, "channel.unknown")
    ] * 5
    listed = await operator.as_token(plain, "/channels")
    assert opened["id"] not in listed.text
    assert await operator.core.channels.find("telegram", opened["key"]) is not None


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("PUT", "/{}"), ("DELETE", "/{}"), ("POST", "/{}/rotate-key")],
)
async def test_reading_is_not_writing(operator: Desk, method: str, path: str) -> None:
    tenant = operator.books.tenant.id
    plain = await operator.core.tokens.create("reader", tenant, ["channels:read"], "test")

    answer = await operator.http.request(
        method,
        "/channels" + path.format(ids.uuid7()),
        json={},
        headers={"authorization": f"Bearer {plain}"},
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")
    assert (await operator.as_token(plain, "/channels")).status_code == 200


async def test_the_same_by_command(operator: Desk, run: Run) -> None:
    async with messenger() as there:
        made = await run(
            *("channels", "create", "telegram", "--credentials", "--json"),
            *("--settings", '{"username": "a_shop_bot"}'),
            *("--api-base-url", f"{there.url}/telegram"),
            text=json.dumps(TELEGRAM["credentials"]),
        )
        channel = json.loads(made.out)
        tested = await run("channels", "test", channel["id"], "--json")
        changed = await run(
            "channels", "set", channel["id"], "--settings", '{"polling": true}', "--json"
        )
        polled = await run("channels", "test", channel["id"])
        disabled = await run("channels", "set", channel["id"], "--disable", "--json")

    assert [each.status for each in (made, tested, changed, polled, disabled)] == [0, 1, 0, 0, 0]
    assert "no webhook" in tested.out
    assert json.loads(changed.out)[0]["settings"]["polling"] is True
    assert json.loads(disabled.out)[0]["active"] is False
    said = "".join(each.out + each.err for each in (made, tested, changed, polled, disabled))
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("channels", "create", "telegram", "--credentials"), "not json"),
        (("channels", "create", "telegram", "--credentials"), '{"token": 5}'),
        (("channels", "create", "telegram", "--settings", "[]"), ""),
        (("channels", "create", "telegram"), ""),
        (("channels", "test", "00000000-0000-0000-0000-000000000000"), ""),
        (("channels", "set", "00000000-0000-0000-0000-000000000000", "--disable"), ""),
    ],
)
async def test_what_cannot_be_is_one_clear_line(
    operator: Desk, run: Run, arguments: tuple[str, ...], text: str
) -> None:
    result = await run(*arguments, text=text)

    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("callbox: ")
    assert result.err.count("\n") == 1


async def test_a_code_that_another_tenant_has_too_is_told(operator: Desk) -> None:
    stranger = await open_books(operator.books.database, "stranger")
    await operator.core.channel_desk.with_gateways(ussd=("africastalking",)).create(
        stranger.tenant.id, "ussd", "africastalking", USSD["service_code"], "test"
    )

    made = await operator.http.post("/channels", params={"tenant": "demo"}, json=USSD)
    path = f"/channels/{made.json()['data']['id']}/test"
    tested = await operator.http.post(path, params={"tenant": "demo"})

    for answer in (made, tested):
        assert "Another tenant has *347*55# at africastalking too." in answer.json()["message"]
