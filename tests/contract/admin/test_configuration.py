"""Configuration: checked, sealed, and in force everywhere within seconds."""

import asyncio
import json
import time
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from core.app import Core
from core.domain.providers import BadConfiguration
from core.domain.vending import Product
from core.kit.money import Money
from core.services.provider_configs import Change
from core.store.embedded import ServiceUrls
from tests.fakes.admin import CREDENTIALS, SECRETS, Desk, another_core, float_teller

AIRTIME = "/configuration/api/airtime/vtpass"
DESCRIBED = {
    "auth": {"kind": "bearer"},
    "orders": {"airtime": {"path": "/buy", "fields": {"ref": "{reference}", "to": "{local}"}}},
    "answer": {"status": "status", "meanings": {"success": "delivered"}},
}
HERE = "http://127.0.0.1:9/api"


async def test_what_was_set_is_shown_without_its_secrets(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    """Not in answers, not in the log, not in the audit, not readable in the table."""
    headers = {"X-Partner": "callbox", "X-Api-Key": SECRETS[3]}
    with capture_logs() as logs:
        put = await operator.put(
            AIRTIME, base_url=HERE, timeout=45, priority=3, headers=headers, **CREDENTIALS
        )
        shown = await operator.get(AIRTIME)
        listed = await operator.get("/providers", service="airtime")

    assert put.status_code == 200
    assert put.json()["data"] == shown["data"]
    assert shown["data"]["credentials"] == ["api_key", "public_key", "secret_key"]
    assert shown["data"]["headers"] == {"X-Partner": "callbox", "X-Api-Key": "[set]"}
    facts = {name: shown["data"][name] for name in ("base_url", "timeout", "priority", "version")}
    assert facts == {"base_url": HERE, "timeout": 45, "priority": 3, "version": 1}
    kept = [dict(row) for row in await owner.fetch("select * from provider_configs")]
    events = [dict(row) for row in await owner.fetch("select * from events")]
    written = json.dumps([put.json(), shown, listed, logs, kept, events], default=str)
    assert not [secret for secret in SECRETS if secret in written]


async def test_a_change_is_noted_with_who_made_it(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    await operator.put(AIRTIME, base_url=HERE, **CREDENTIALS)
    await operator.put(AIRTIME, base_url=HERE, is_active=False)

    events = await owner.fetch("select kind, actor, facts from events order by id")

    assert [row["kind"] for row in events] == ["provider.configured", "provider.changed"]
    assert {row["actor"] for row in events} == {"token:admin-token"}
    assert json.loads(events[0]["facts"])["given"] == ["api_key", "public_key", "secret_key"]


async def test_what_is_left_out_stays_as_it_was(operator: Desk) -> None:
    await operator.put(AIRTIME, base_url=HERE, timeout=45, retry_attempts=2, **CREDENTIALS)

    await operator.put(AIRTIME, base_url=HERE, priority=7)

    shown = await operator.data(AIRTIME)
    assert (shown["timeout"], shown["retry_attempts"], shown["priority"]) == (45, 2, 7)
    assert shown["credentials"] == ["api_key", "public_key", "secret_key"]
    assert shown["version"] == 2


async def test_before_anything_is_set_our_own_settings_are_shown(operator: Desk) -> None:
    shown = await operator.data(AIRTIME)

    assert (shown["configured"], shown["is_active"], shown["credentials"]) == (False, True, [])
    assert shown["base_url"] == "http://127.0.0.1:1/vtpass/api"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (AIRTIME, {}, "base_url"),
        (AIRTIME, {"base_url": "ftp://127.0.0.1"}, "base_url"),
        (AIRTIME, {"base_url": "http://user:pw@127.0.0.1/api"}, "base_url"),
        (AIRTIME, {"base_url": "https://10.0.0.1/api"}, "base_url"),
        (AIRTIME, {"base_url": "https://169.254.169.254/latest"}, "base_url"),
        (AIRTIME, {"base_url": "https://[::ffff:10.0.0.1]/api"}, "base_url"),
        (AIRTIME, {"base_url": "http://8.8.8.8/api"}, "base_url"),
        (AIRTIME, {"base_url": HERE, "timeout": 4}, "timeout"),
        (AIRTIME, {"base_url": HERE, "timeout": 121}, "timeout"),
        (AIRTIME, {"base_url": HERE, "retry_attempts": -1}, "retry_attempts"),
        (AIRTIME, {"base_url": HERE, "priority": "high"}, "priority"),
        (AIRTIME, {"base_url": HERE, "api_key": "n\u00f6"}, "api_key"),
        (AIRTIME, {"base_url": HERE, "secret_key": "sk_live_1"}, "secret_key"),
        (AIRTIME, {"base_url": HERE, "headers": {"X-A": "Bearer FLWSECK-1-X"}}, "headers.X-A"),
        (AIRTIME, {"base_url": HERE, "headers": {"Host": "x"}}, "headers"),
        (AIRTIME, {"base_url": HERE, "headers": {"X-A": "b\r\nc: d"}}, "headers.X-A"),
        (AIRTIME, {"base_url": HERE, "endpoints": {"a": "https://10.0.0.1"}}, "endpoints.a"),
        (AIRTIME, {"base_url": HERE, "endpoints": {"a": "\u0000"}}, "endpoints"),
        (AIRTIME, {"base_url": HERE, "apikey": "typed wrongly"}, "apikey"),
        ("/configuration/api/cars/vtpass", {"base_url": HERE}, "service"),
        ("/configuration/api/airtime/No Such", {"base_url": HERE}, "provider"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(
    operator: Desk, path: str, body: dict[str, object], field: str
) -> None:
    answer = await operator.put(path, **body)

    assert answer.status_code == 422, answer.text
    assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert (await operator.data(AIRTIME))["configured"] is False


async def test_an_unknown_provider_is_refused(operator: Desk) -> None:
    answer = await operator.put("/configuration/api/airtime/nobody", base_url=HERE)

    assert (answer.status_code, answer.json()["code"]) == (404, "provider.unknown")


@pytest.mark.parametrize(
    ("service", "name", "own", "endpoints"),
    [
        ("airtime", "vtpass", "vtpass", None),
        ("airtime", "clubkonnect", "clubkonnect", None),
        ("electricity", "buypower", "buypower", None),
        ("airtime", "reloadly", "reloadly", {"auth_url": HERE}),
        ("airtime", "flutterwave", "flutterwave_bills", None),
        ("airtime", "smeplug", "smeplug", None),
        ("airtime", "inlomax", "inlomax", None),
        ("electricity", "baxi", "baxi", None),
        ("airtime", "our_reseller", "our_reseller", DESCRIBED),
    ],
)
async def test_every_provider_of_the_contract_can_be_configured(
    operator: Desk, service: str, name: str, own: str, endpoints: dict[str, object] | None
) -> None:
    """With the contract's own credentials, under the contract's names; others by description."""
    path = f"/configuration/api/{service}/{name}"
    given = {**CREDENTIALS, "username": "callbox", "password": "pw"}

    answer = await operator.put(path, base_url=HERE, endpoints=endpoints, **given)

    assert answer.status_code == 200, answer.text
    assert (await operator.data(path))["provider"] == own
    sellers = operator.core.shelf.offers(operator.books.tenant.id, Product(service))
    assert own in {offer.provider.name for offer in sellers if offer.configured}


async def test_secrets_never_follow_an_address_to_another_host(operator: Desk) -> None:
    """Whoever may set an address must not be able to read the secrets that way."""
    await operator.put(AIRTIME, base_url=HERE, **CREDENTIALS)

    moved = await operator.put(AIRTIME, base_url="https://8.8.8.8/api", api_key="mine")
    given = await operator.put(AIRTIME, base_url="https://8.8.8.8/api", **CREDENTIALS)

    assert moved.status_code == 422
    fields = [detail["field"] for detail in moved.json()["details"]]
    assert fields == ["public_key", "secret_key"]
    assert given.status_code == 200


async def test_our_own_keys_do_not_fill_the_gaps_of_a_tenants_configuration(
    operator: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTPASS_API_KEY", "our own")
    monkeypatch.setenv("VTPASS_SECRET_KEY", "our own")

    answer = await operator.put(AIRTIME, base_url=HERE, public_key="theirs")

    assert answer.status_code == 422
    fields = [detail["field"] for detail in answer.json()["details"]]
    assert fields == ["api_key", "secret_key"]


async def test_a_running_core_serves_a_change_within_five_seconds(
    operator: Desk, urls: ServiceUrls, tmp_path: Path
) -> None:
    """Another process follows without a restart, and headers and keys go along."""
    tenant = operator.books.tenant.id
    headers = {"X-Partner": "callbox"}
    async with (
        another_core(urls, tmp_path / "other") as other,
        float_teller("111.00") as first,
        float_teller("222.50") as second,
    ):
        await operator.put(AIRTIME, base_url=first.url, headers=headers, **CREDENTIALS)
        await other.setup.listed(tenant)
        assert await float_of(other, tenant) == Money(111_00, "NGN")
        assert first.asked[0]["api-key"] == SECRETS[0]
        assert first.asked[0]["x-partner"] == "callbox"

        await operator.put(AIRTIME, base_url=second.url)
        changed_at = time.monotonic()
        while await float_of(other, tenant) != Money(222_50, "NGN"):
            assert time.monotonic() - changed_at < 5
            await asyncio.sleep(0.1)


async def float_of(core: Core, tenant: UUID) -> Money:
    """What the best seller of airtime says, as this core has it now."""
    return await core.shelf.offers(tenant, Product.AIRTIME)[0].provider.float_balance()


async def test_one_switched_off_gets_no_new_orders_and_keeps_its_old_ones(operator: Desk) -> None:
    tenant, shelf = operator.books.tenant.id, operator.core.shelf
    await operator.put(AIRTIME, base_url=HERE, is_active=False, **CREDENTIALS)

    active = [offer for offer in shelf.offers(tenant, Product.AIRTIME) if offer.active]
    assert active
    assert "vtpass" not in {offer.provider.name for offer in active}
    assert shelf.offer(tenant, Product.AIRTIME, "vtpass") is not None
    assert shelf.offers(tenant, Product.DATA)[0].provider.name == "vtpass"


async def test_two_who_change_at_once_both_count(operator: Desk) -> None:
    await operator.put(AIRTIME, base_url=HERE, **CREDENTIALS)
    key = operator.core.setup.key(operator.books.tenant.id, Product.AIRTIME, "vtpass")

    await asyncio.gather(
        operator.core.setup.put(key, Change(priority=5), "one"),
        operator.core.setup.put(key, Change(timeout_s=33), "two"),
    )

    shown = await operator.data(AIRTIME)
    assert (shown["priority"], shown["timeout"], shown["version"]) == (5, 33, 3)


async def test_commands_are_held_to_the_same_rules(operator: Desk) -> None:
    key = operator.core.setup.key(operator.books.tenant.id, Product.AIRTIME, "vtpass")

    with pytest.raises(BadConfiguration, match="timeout: should be 5 to 120 seconds"):
        await operator.core.setup.put(key, Change(base_url=HERE, timeout_s=500), "cli")


async def test_a_provider_is_tested_without_buying(operator: Desk) -> None:
    async with float_teller("75.25") as teller:
        await operator.put(AIRTIME, base_url=teller.url, **CREDENTIALS)
        good = await operator.post("/providers/vtpass/test?service=airtime")
        bad = await operator.post("/providers/vtpass/test?service=data")
    unknown = await operator.post("/providers/nobody/test")

    [result] = good.json()["data"]
    assert (result["ok"], result["float_balance"], result["currency"]) == (True, "75.25", "NGN")
    [result] = bad.json()["data"]
    assert (result["ok"], result["error"]) == (False, "vtpass did not tell the float balance")
    assert unknown.status_code == 404


async def test_providers_are_listed_best_first_with_our_float(operator: Desk) -> None:
    async with float_teller("75.25") as teller:
        await operator.put(AIRTIME, base_url=teller.url, priority=1, **CREDENTIALS)
        listed = await operator.data("/providers")

    first = listed[0]
    assert (first["provider"], first["service"], first["priority"]) == ("vtpass", "airtime", 1)
    assert (first["float_balance"], first["currency"], first["is_active"]) == ("75.25", "NGN", True)
    assert first["circuit"] == "closed"
    assert {one["service"] for one in listed} > {"airtime", "data", "electricity"}
