"""Users' identities: shown masked, unlinked, and numbers given free; each written down."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from core.domain.customers import Customer
from core.domain.linking import Linked, Proof, Wish
from core.domain.turns import Channel
from core.kit import ids
from core.ports import NewNotice
from tests.fakes.admin import Desk
from tests.fakes.books import open_books
from tests.fakes.commands import Run

BOT_USER = "5551234567"
BSUID = "NG.13491208655302741918"
UNLINK = {"kind": "telegram", "identity": BOT_USER, "reason": "the phone was stolen"}


async def linked(operator: Desk, funds: int = 0) -> Customer:
    """A customer with a Telegram account."""
    customer = await operator.books.customer(funds=funds)
    await link(operator, customer, "telegram", BOT_USER)
    return customer


async def link(operator: Desk, customer: Customer, kind: str, name: str) -> None:
    wish = Wish(kind, name, Proof.CHANNEL)
    done = await operator.core.identities._identities.link(
        customer, wish, operator.books.clock.now()
    )
    assert isinstance(done, Linked)


async def events(owner: asyncpg.Connection, customer: Customer) -> list[tuple[str, str, Any]]:
    rows = await owner.fetch(
        "select kind, actor, facts::text as facts from events where subject = $1 order by id",
        f"customer/{customer.id}",
    )
    return [(row["kind"], row["actor"], json.loads(row["facts"])) for row in rows]


async def test_identities_are_shown_masked(operator: Desk) -> None:
    customer = await linked(operator)
    await link(operator, customer, "whatsapp", BSUID)

    shown = await operator.data(f"/users/{customer.id}")

    seen = {each["kind"]: (each["identity"], each["reachable"]) for each in shown["identities"]}
    assert seen == {
        "ussd": ("234803****001", True),
        "telegram": ("55****67", True),
        "whatsapp": ("NG****18", True),
    }
    assert all(each["linked_at"].endswith("Z") for each in shown["identities"])


@pytest.mark.parametrize("identity", [BOT_USER, "55****67"])
async def test_an_identity_is_unlinked_and_it_is_written_down(
    operator: Desk, owner: asyncpg.Connection, identity: str
) -> None:
    customer = await linked(operator)

    answer = await operator.post(f"/users/{customer.id}/unlink", **{**UNLINK, "identity": identity})

    assert answer.status_code == 200, answer.text
    assert [each["kind"] for each in answer.json()["data"]["identities"]] == ["ussd"]
    kind, actor, facts = (await events(owner, customer))[-1]
    assert (kind, actor) == ("identity.unlinked", "token:admin-token")
    assert facts == {"reason": UNLINK["reason"], "identities": ["telegram 55****67"]}


async def test_both_names_of_a_whatsapp_account_go_together(operator: Desk) -> None:
    customer = await operator.books.customer()
    await link(operator, customer, "whatsapp", BSUID)
    await link(operator, customer, "whatsapp", customer.msisdn)

    body = {"kind": "whatsapp", "identity": BSUID, "reason": "asked for"}
    answer = await operator.post(f"/users/{customer.id}/unlink", **body)

    assert [each["kind"] for each in answer.json()["data"]["identities"]] == ["ussd"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"kind": "ussd", "identity": "2348030000001"}, 409, "identity.of_number"),
        ({"identity": "999"}, 404, "identity.unknown"),
        ({"kind": "whatsapp"}, 404, "identity.unknown"),
        ({"reason": ""}, 422, "request.invalid"),
        ({"pin": "1234"}, 422, "request.invalid"),
    ],
)
async def test_what_cannot_be_unlinked(
    operator: Desk, change: dict[str, str], status: int, code: str
) -> None:
    customer = await linked(operator)

    answer = await operator.post(f"/users/{customer.id}/unlink", **{**UNLINK, **change})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(await operator.core.identities.of(customer)) == 2


async def test_of_two_that_look_alike_one_must_be_named_in_full(operator: Desk) -> None:
    customer = await linked(operator)
    other = "5599999967"
    await operator.core.customers.at(_telegram(operator), other, customer.msisdn)

    masked = await operator.post(
        f"/users/{customer.id}/unlink", **{**UNLINK, "identity": "55****67"}
    )
    named = await operator.post(f"/users/{customer.id}/unlink", **{**UNLINK, "identity": other})

    assert (masked.status_code, named.status_code) == (404, 200)


async def test_a_released_number_is_a_new_customer_at_the_next_contact(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    customer = await linked(operator, funds=70_000)
    books = operator.books

    answer = await operator.post(f"/users/{customer.id}/release", reason="recycled by the network")

    assert answer.status_code == 200, answer.text
    shown = answer.json()["data"]
    assert (shown["status"], shown["identities"]) == ("released", [])
    assert shown["wallet"]["available"] == "700.00"
    number = customer.msisdn
    seen = await asyncio.gather(
        *(books.customers.at(books.channel, number, number) for _ in range(5))
    )
    assert len({each.id for each in seen}) == 1
    assert seen[0].id != customer.id
    assert (await books.money(seen[0]), await books.money(customer)) == ((0, 0), (70_000, 0))
    found = await operator.data("/users", search=number)
    assert {each["status"] for each in found} == {"active", "released"}
    kind, actor, facts = (await events(owner, customer))[-1]
    assert (kind, actor) == ("customer.released", "token:admin-token")
    assert facts["reason"] == "recycled by the network"


async def test_a_number_is_released_once(operator: Desk) -> None:
    customer = await linked(operator)

    answers = await asyncio.gather(
        *(operator.post(f"/users/{customer.id}/release", reason="gone") for _ in range(3))
    )

    assert sorted(each.status_code for each in answers) == [200, 409, 409]
    refused = next(each for each in answers if each.status_code == 409)
    assert refused.json()["code"] == "customer.released"


async def test_whoever_has_the_number_now_is_told_nothing_of_it(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    """Neither what waited to be told, nor what is found out later."""
    customer = await linked(operator)
    await _notice(operator, customer, "before")
    await operator.post(f"/users/{customer.id}/release", reason="recycled")
    await _notice(operator, customer, "after")

    rows = await owner.fetch(
        "select key, state, why, facts::text from notices"
        " where key not like 'linked:%' order by key"
    )

    assert [tuple(row) for row in rows] == [
        ("after", "void", "released", "{}"),
        ("before", "void", "released", "{}"),
    ]
    assert await operator.books.outbox.due(10, 60) == []


async def test_another_tenants_users_are_not_there(operator: Desk) -> None:
    customer = await linked(operator)
    stranger = await open_books(operator.books.database, "stranger")
    plain = await operator.core.tokens.create("theirs", stranger.tenant.id, ["*"], "test")
    as_them = {"authorization": f"Bearer {plain}"}

    for who in (customer.id, ids.uuid7()):
        for path, body in (("unlink", UNLINK), ("release", {"reason": "mine"})):
            answer = await operator.http.post(f"/users/{who}/{path}", json=body, headers=as_them)
            assert (answer.status_code, answer.json()["code"]) == (404, "user.unknown")
    assert len(await operator.core.identities.of(customer)) == 2


async def test_reading_and_crediting_is_not_releasing(operator: Desk) -> None:
    customer = await linked(operator)
    plain = await operator.core.tokens.create(
        "till", operator.books.tenant.id, ["users:read", "users:credit"], "test"
    )

    for path, body in (("unlink", UNLINK), ("release", {"reason": "mine"})):
        answer = await operator.http.post(
            f"/users/{customer.id}/{path}", json=body, headers={"authorization": f"Bearer {plain}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_the_same_by_command(operator: Desk, run: Run, owner: asyncpg.Connection) -> None:
    customer = await linked(operator)

    shown = await run("customers", "show", "0803 000 0001", "--json")
    unlinked = await run(
        "customers", "unlink", "08030000001", "telegram", "55****67", "--reason", "stolen"
    )
    released = await run("customers", "release", "08030000001", "--reason", "recycled")
    nobody = await run("customers", "release", "08030000001", "--reason", "recycled")
    nonsense = await run("customers", "show", "12")

    assert [each.status for each in (shown, unlinked, released, nobody)] == [0, 0, 0, 1]
    assert [each["identity"] for each in json.loads(shown.out)] == ["234803****001", "55****67"]
    assert str(customer.id) in released.out
    assert nobody.err == "callbox: nobody has this number\n"
    assert (nonsense.status, nonsense.err) == (1, "callbox: that is no mobile number\n")
    noted = [kind for kind, *_ in await events(owner, customer)]
    assert noted == ["identity.linked", "identity.unlinked", "customer.released"]


def _telegram(operator: Desk) -> Channel:
    return Channel(ids.uuid7(), operator.books.tenant.id, "telegram", "telegram", "x")


async def _notice(operator: Desk, customer: Customer, key: str) -> None:
    notice = NewNotice(
        key, customer.tenant_id, customer.id, "notice.reset_code", {"code": "123456"}, secret=True
    )
    await operator.books.outbox.add(notice, operator.books.clock.now())
