"""The same from the command line, beside a database that others use."""

import json
import re

import pytest

from tests.fakes.admin import CREDENTIALS, SECRETS, Desk, float_teller
from tests.fakes.commands import Run


async def test_a_provider_is_set_tested_switched_and_listed(operator: Desk, run: Run) -> None:
    async with float_teller("75.25") as teller:
        told = await run(
            *("providers", "set", "airtime", "vtpass", "--priority", "2", "--credentials"),
            *("--base-url", teller.url),
            text=json.dumps(CREDENTIALS),
        )
        tested = await run("providers", "test", "vtpass", "--service", "airtime", "--json")
    switched = await run("providers", "disable", "airtime", "vtpass")
    listed = await run("providers", "list", "--json")

    assert [result.status for result in (told, tested, switched, listed)] == [0] * 4
    [answer] = json.loads(tested.out)
    assert (answer["ok"], answer["float_balance"]) == (True, "75.25 NGN")
    first = json.loads(listed.out)[0]
    assert (first["provider"], first["priority"], first["active"]) == ("vtpass", 2, False)
    said = told.out + tested.out + listed.out + told.err
    assert not [secret for secret in SECRETS if secret in said]


async def test_one_of_our_own_settings_can_be_switched_off_and_on(operator: Desk, run: Run) -> None:
    for command, active in (("disable", False), ("enable", True)):
        result = await run("providers", command, "airtime", "vtpass")
        assert result.status == 0
        shown = await operator.data("/configuration/api/airtime/vtpass")
        assert (shown["is_active"], shown["configured"]) == (active, True)


async def test_a_provider_that_does_not_answer_fails_the_command(operator: Desk, run: Run) -> None:
    result = await run("providers", "test", "vtpass")

    assert result.status == 1


async def test_a_token_is_made_shown_once_and_revoked(operator: Desk, run: Run) -> None:
    made = await run("tokens", "create", "till", "--tenant", "demo", "--ability", "users:read")
    plain = made.out.strip()
    assert re.fullmatch(r"cbx_[\w-]{40,}", plain)
    assert (await operator.as_token(plain, "/users")).status_code == 200

    listed = await run("tokens", "list", "--json")
    [token] = json.loads(listed.out)
    assert (token["name"], token["tenant"], token["abilities"]) == ("till", "demo", ["users:read"])
    assert plain not in listed.out

    revoked = await run("tokens", "revoke", token["id"])
    assert revoked.status == 0
    assert (await operator.as_token(plain, "/users")).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        ("tokens", "create", "nobody's"),
        ("tokens", "create", "both", "--tenant", "demo", "--super-admin"),
        ("tokens", "create", "typo", "--super-admin", "--ability", "users:raed"),
        ("tokens", "create", "", "--super-admin"),
        ("tokens", "create", "   ", "--super-admin"),
        ("tokens", "revoke", "00000000-0000-0000-0000-000000000000"),
        ("providers", "set", "airtime", "vtpass", "--endpoints", "[]"),
        ("providers", "test", "nobody"),
    ],
)
async def test_what_cannot_be_is_one_clear_line(
    operator: Desk, run: Run, wrong: tuple[str, ...]
) -> None:
    result = await run(*wrong)

    assert (result.status, result.out) == (1, "")
    assert re.fullmatch(r"callbox: [^\n]+\n", result.err)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("operators add Ada --role nope", "--role: should be one of viewer, support"),
        ("payouts settle REF --outcome no --evidence x", "--outcome: should be one of paid"),
        ("cases show zzz", "should be an id, like 0"),
        ("payouts list --count 0", "--count: should be 1 or more"),
        ("payouts list --count few", "--count: should be a whole number, like 5"),
        ("reconcile run --date 1", "--date: should be a day, like 2026-03-01"),
        ("alerts list --status z", "--status: should be open, closed or all"),
        ("payouts settle REF --evidence x", "Missing option '--outcome'"),
        ("tokens create", "Missing argument 'name'"),
        ("tokens create x --supr-admin", "No such option: --supr-admin"),
        ("tokens lst", "No such command 'lst'. Did you mean 'list'?"),
    ],
)
async def test_what_is_typed_wrong_is_one_line_of_status_2(run: Run, wrong: str, why: str) -> None:
    result = await run(*wrong.split())

    assert (result.status, result.out) == (2, "")
    assert re.fullmatch(r"callbox: [^\n]+ \(see callbox [a-z ]+ --help\)\n", result.err)
    assert why in result.err


async def test_help_is_no_complaint(run: Run) -> None:
    result = await run("tokens")

    assert "Usage: callbox tokens" in result.out
    assert result.err == ""


async def test_a_token_is_revoked_by_a_name_that_it_alone_has(operator: Desk, run: Run) -> None:
    """What was revoked before is none of the two that would make a name unclear."""
    for name in ("till", "till", "Front [red] desk"):
        await operator.core.tokens.create(name, None, ["*"], "test")
    unclear = await run("tokens", "revoke", "till")
    unknown = await run("tokens", "revoke", "tillx")
    listed = await run("tokens", "list")
    rows = [line.split() for line in listed.out.splitlines()]
    tills = [row[0] for row in rows if row[1] == "till"]

    by_id = await run("tokens", "revoke", tills[0])
    by_name = await run("tokens", "revoke", "till")
    spaced = await run("tokens", "revoke", "Front [red] desk")

    assert (unclear.status, "several tokens are called" in unclear.err) == (1, True)
    assert (unknown.status, "there is no token 'tillx'" in unknown.err) == (1, True)
    assert "Front [red] desk" in listed.out
    assert [by_id.status, by_name.status, spaced.status] == [0, 0, 0]
    assert all(token.revoked_at for token in await operator.core.tokens.all())


LISTS = {
    ("alerts", "list"): "alerts",
    ("cases", "list"): "cases",
    ("gifts", "list"): "gift rooms",
    ("messages", "list"): "messages",
    ("notices", "list"): "notices",
    ("operators", "list"): "operators",
    ("orders", "list"): "orders",
    ("orders", "pending"): "waiting orders",
    ("payouts", "list"): "payouts",
    ("plans", "list"): "plans",
    ("reconcile", "list"): "compared days",
    ("routers", "list"): "routers",
    ("vouchers", "list"): "vouchers",
}


async def test_a_list_of_nothing_says_so(operator: Desk, run: Run) -> None:
    assert operator.core is not None
    told = {command: await run(*command) for command in LISTS}

    assert {command: (one.status, one.out) for command, one in told.items()} == {
        command: (0, f"No {things} to show yet.\n") for command, things in LISTS.items()
    }
