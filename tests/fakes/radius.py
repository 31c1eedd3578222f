"""A real FreeRADIUS in the foreground, on loopback, with a configuration and a database of its own.

It comes from Debian's packages freeradius, freeradius-postgresql and freeradius-utils.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import make_url

from core.domain.hotspot import DAY_S, GIB, HOUR_S, Terms
from core.domain.voucher_codes import new_codes
from core.domain.vouchers import Usage
from core.kit import ids
from core.ports.hotspot import Done
from core.ports.voucher_backend import Login, LoginUse
from core.providers.hotspot import freeradius
from core.providers.hotspot.freeradius import FreeRadius, Settings
from core.store.embedded import ServiceUrls
from tests.fakes.database import connect, copied

RADDB = Path("/etc/freeradius/3.0")
OURS = Path(freeradius.__file__).parent / "raddb"
SECRET = "shared-with-hotspots"
HERE = UUID("0199a1b2-0000-7000-8000-00000000cafe")
"""The router whose hotspot asks where a test names no other."""
_PACKAGES = "freeradius, freeradius-postgresql, freeradius-utils"
_PROGRAM_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"

_CONFIG = """
prefix = /usr
libdir = /usr/lib/freeradius
confdir = {stock}
modconfdir = {stock}/mods-config
logdir = {home}
run_dir = {home}
pidfile = {home}/radiusd.pid
correct_escapes = true
max_request_time = 5
log {{
	destination = stdout
}}
security {{
	reject_delay = 0
	status_server = yes
}}
thread pool {{
	start_servers = 1
	max_servers = 2
	min_spare_servers = 1
	max_spare_servers = 1
}}
client hotspot {{
	ipaddr = 127.0.0.1
	secret = {secret}
}}
modules {{
	expr {{
	}}
	always reject {{
		rcode = reject
	}}
	pap {{
	}}
	chap {{
	}}
	expiration {{
	}}
	attr_filter attr_filter.access_reject {{
		key = "%{{User-Name}}"
		filename = {stock}/mods-config/attr_filter/access_reject
	}}
	sql {{
		dialect = "postgresql"
		driver = "rlm_sql_postgresql"
		server = "{sockets}"
		port = {port}
		login = "{login}"
		radius_db = "{database}"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		client_table = "nas"
		group_attribute = "SQL-Group"
		pool {{
			start = 1
			min = 1
			max = 2
		}}
		$INCLUDE {stock}/mods-config/sql/main/postgresql/queries.conf
	}}
	$INCLUDE {ours}/modules.conf
}}
listen {{
	type = auth
	ipaddr = 127.0.0.1
	port = {auth_port}
	virtual_server = callbox
}}
listen {{
	type = acct
	ipaddr = 127.0.0.1
	port = {acct_port}
	virtual_server = callbox
}}
$INCLUDE {ours}/site.conf
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hotspot is told. `attributes` as radclient prints them, without quotes."""

    accepted: bool
    attributes: Mapping[str, str]


class Radius:
    """Asks a server that runs, as a hotspot does."""

    def __init__(self, database_url: str, auth_port: int, acct_port: int) -> None:
        self.database_url = database_url
        self._auth_port = auth_port
        self._acct_port = acct_port

    async def login(
        self, name: str, password: str | None = None, *, at: UUID | str = HERE, **told: str
    ) -> Answer:
        """`at` is the NAS-Identifier, none where empty; `told` are attributes, `_` for `-`."""
        facts = {
            "User-Name": name,
            "User-Password": password or name,
            "NAS-IP-Address": "192.0.2.7",
            **({"NAS-Identifier": str(at)} if at else {}),
            **_named(told),
        }
        return await self._asked("auth", self._auth_port, facts)

    async def account(self, name: str, session: str, kind: str, **told: int | str) -> None:
        """`kind` is Start, Interim-Update or Stop; `told` are attributes, `_` for `-`."""
        facts = {
            "User-Name": name,
            "NAS-IP-Address": "192.0.2.7",
            "Acct-Session-Id": session,
            "Acct-Status-Type": kind,
            **_named(told),
        }
        answer = await self._asked("acct", self._acct_port, facts)
        assert answer.accepted, f"accounting {kind} was not acknowledged"

    async def answers(self) -> bool:
        asked = {"Message-Authenticator": "0x00"}
        return (await self._asked("status", self._auth_port, asked)).accepted

    async def _asked(self, what: str, port: int, facts: Mapping[str, str]) -> Answer:
        program = await asyncio.create_subprocess_exec(
            *(_program("radclient"), "-x", "-r", "3", "-t", "2", f"127.0.0.1:{port}", what, SECRET),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        packet = ", ".join(f'{name} = "{value}"' for name, value in facts.items())
        out, err = await program.communicate(packet.encode())
        text = out.decode()
        if "Received" not in text:
            if what == "status":
                return Answer(accepted=False, attributes={})
            raise AssertionError(f"no answer to {what}: {text}{err.decode()}")
        head, _, body = text.rpartition("Received ")[2].partition("\n")
        pairs = re.findall(r"^\t([\w-]+) = (.*)$", body, re.MULTILINE)
        accepted = head.startswith(("Access-Accept", "Accounting-Response"))
        return Answer(accepted, {name: value.strip('"') for name, value in pairs})


def _named(told: Mapping[str, int | str]) -> dict[str, str]:
    return {key.replace("_", "-"): str(value) for key, value in told.items()}


PLAN = Terms(6 * GIB, HOUR_S, DAY_S, down_bps=5_000_000, up_bps=2_000_000)


def sold(terms: Terms = PLAN, base: Usage | None = None, router_id: UUID = HERE) -> Login:
    [code] = new_codes(1)
    return Login(ids.uuid7(), router_id, 1, code, terms, base or Usage())


async def put(keeper: FreeRadius, login: Login) -> Login:
    assert await keeper.put(login) == Done(None)
    return login


async def used(keeper: FreeRadius, login: Login) -> LoginUse:
    answer = await keeper.usage([login])
    assert isinstance(answer, Done)
    return answer.value[login.voucher_id]


async def kept(tables: asyncpg.Connection, code: str) -> Mapping[str, str]:
    rows = await tables.fetch(
        "select attribute, value from radcheck where username = $1 "
        "union all select attribute, value from radreply where username = $1",
        code,
    )
    return {row["attribute"]: row["value"] for row in rows}


@pytest.fixture(scope="module")
async def server(
    services: ServiceUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Radius]:
    """A FreeRADIUS over a database of its own, for the tests of one file."""
    async for url in copied(services, "template1"):
        async with radius(url, tmp_path_factory.mktemp("radius")) as running:
            yield running


@pytest.fixture
async def keeper(server: Radius) -> AsyncIterator[FreeRadius]:
    """That which keeps vouchers in it."""
    opened = FreeRadius(Settings(database_url=server.database_url))
    yield opened
    await opened.aclose()


@pytest.fixture
async def tables(server: Radius) -> AsyncIterator[asyncpg.Connection]:
    """Its tables."""
    connection = await connect(server.database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def radius(database_url: str, home: Path) -> AsyncIterator[Radius]:
    """FreeRADIUS over this database, into which its own tables are laid."""
    _needed()
    owner = await connect(database_url)
    schema = RADDB / "mods-config/sql/main/postgresql/schema.sql"
    for laid in (schema, OURS / "extras.sql"):
        await owner.execute(laid.read_text())
    await owner.close()
    auth_port, acct_port = _free_ports()
    url = make_url(database_url)
    config = _CONFIG.format(
        stock=RADDB,
        ours=OURS,
        home=home,
        secret=SECRET,
        sockets=url.query["host"],
        port=url.query["port"],
        login=url.username,
        database=url.database,
        auth_port=auth_port,
        acct_port=acct_port,
    )
    (home / "radiusd.conf").write_text(config)
    (home / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    with (home / "out").open("wb") as out:
        server = await asyncio.create_subprocess_exec(
            *(_program("freeradius"), "-f", "-l", "stdout", "-d", str(home), "-n", "radiusd"),
            stdout=out,
            stderr=out,
        )
    asked = Radius(database_url, auth_port, acct_port)
    try:
        async with asyncio.timeout(30):
            while not await asked.answers():
                ended = server.returncode is not None
                assert not ended, f"FreeRADIUS ended: {(home / 'out').read_text()[-2000:]}"
        yield asked
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


def _needed() -> None:
    """Without FreeRADIUS the test is skipped, but fails where CI is set: it would go unseen."""
    readable = os.access(RADDB / "mods-config", os.R_OK)
    if _found("freeradius") and _found("radclient") and readable:
        return
    reason = f"no FreeRADIUS 3: install Debian's packages {_PACKAGES}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_PROGRAM_FOLDERS)


def _program(name: str) -> str:
    found = _found(name)
    assert found is not None
    return found


def _free_ports() -> tuple[int, int]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(two.getsockname()[1])
