"""`callbox operators` and `callbox operator-bot`."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import asyncpg

from core.store.embedded import ServiceUrls
from tests.fakes.admin import Desk
from tests.fakes.bot_api import TOKEN, BotApi, bot_api
from tests.fakes.commands import Run
from tests.fakes.waiting import until

CALLBOX = Path(sys.executable).with_name("callbox")
TOPE = 501


async def test_an_operator_is_added_listed_and_removed(
    operator: Desk, run: Run, owner: asyncpg.Connection
) -> None:
    added = json.loads((await run("operators", "add", "Tope", "--role", "admin", "--json")).out)
    plain = await run("operators", "add", "Uche")
    listed = json.loads((await run("operators", "list", "--json")).out)
    joined = await operator.core.operations.desk.join(TOPE, added["code"])
    taken = await run("operators", "add", "tope")
    removed = await run("operators", "remove", "TOPE")
    gone = await run("operators", "remove", "Tope")

    assert len(added["code"]) == 12
    assert "/join " in plain.out
    assert added["code"] not in plain.out
    assert [(each["name"], each["role"], each["joined_at"]) for each in listed] == [
        ("Tope", "admin", None),
        ("Uche", "viewer", None),
    ]
    assert joined is not None
    assert (taken.status, "has joined already" in taken.err) == (1, True)
    assert removed.status == 0
    assert (gone.status, "no operator Tope" in gone.err) == (1, True)
    kept = await owner.fetch("select * from operators")
    assert not any(added["code"] in str(dict(row)) for row in kept)
    acts = await owner.fetch("select kind, actor from events where kind like 'operator.%'")
    assert {row["actor"].partition(":")[0] for row in acts} == {"cli", "operator"}


async def test_bad_names_are_refused(run: Run, operator: Desk) -> None:
    refused = await run("operators", "add", "x" * 41)

    assert refused.status == 1
    assert "a name has 1 to 40" in refused.err


async def test_the_bot_is_a_process_of_its_own(run: Run, urls: ServiceUrls, tmp_path: Path) -> None:
    """It starts while Telegram is away, serves with nobody beside it, and ends when told to."""
    async with bot_api() as api:
        api.away = True
        program = await started(urls, tmp_path, api)
        try:
            await until(lambda: len(api.calls) > 1, within_s=60)
            added = await run("operators", "add", "Tope", "--json")
            api.away = False
            code = json.loads(added.out)["code"]
            assert "Welcome, Tope" in (await api.asked(TOPE, f"/join {code}")).text
            assert "database: well" in (await api.asked(TOPE, "/status")).text
        finally:
            program.send_signal(signal.SIGTERM)
            _, err = await asyncio.wait_for(program.communicate(), 30)
    assert program.returncode == 0, err.decode()
    assert TOKEN not in err.decode()


async def started(urls: ServiceUrls, home: Path, api: BotApi) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "CALLBOX_HOME": str(home),
        "CALLBOX_SECRET_KEY": "a secret key of a test",
        "CALLBOX_OPERATOR_BOT_TOKEN": TOKEN,
        "CALLBOX_OPERATOR_BOT_API_URL": api.url,
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
    }
    return await asyncio.create_subprocess_exec(
        CALLBOX, "operator-bot", env=environment, stderr=asyncio.subprocess.PIPE
    )
