"""Routers from a CSV file, over the admin API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.routeros.fleet import Router
from sandbox.routeros.plan import ACCOUNT, PASSWORD, Plan
from tests.contract.admin.test_access import assert_refused
from tests.contract.admin.test_routers import BASE
from tests.fakes.admin import Desk
from tests.fakes.routers import fleet_of


@pytest.fixture
async def routers() -> AsyncIterator[list[Router]]:
    async with fleet_of(Plan("r1")) as made:
        yield made


async def test_a_file_of_routers_is_told_about_line_by_line(
    operator: Desk, routers: list[Router]
) -> None:
    port = routers[0].port
    text = (
        "\ufeffname,host,port,username,password,location,latitude,longitude,active_users_max\r\n"
        f"One,127.0.0.1,{port},{ACCOUNT},{PASSWORD},Yaba,6.5,3.4,40\r\n"
        f'"Two, upstairs",127.0.0.1,many,{ACCOUNT},{PASSWORD},,,,\r\n'
        "\r\n"
        f"Three,127.0.0.1,,{ACCOUNT},,,,,\r\n"
        f"One,127.0.0.1,,{ACCOUNT},{PASSWORD},,,,\r\n"
        f"Four,127.0.0.1,,{ACCOUNT},{PASSWORD},,6.5,,\r\n"
    )

    async def imported(query: str = "") -> Any:
        answer = await operator.http.post(
            f"{BASE}/import{query}", content=text.encode(), headers={"content-type": "text/csv"}
        )
        assert answer.status_code == 200, answer.text
        assert PASSWORD not in answer.text
        return answer.json()["data"]

    dry = await imported("?dry_run=true")
    assert [each["status"] for each in dry["lines"]] == [
        "valid",
        "wrong",
        "wrong",
        "valid",
        "wrong",
    ]
    assert await operator.data(BASE) == []

    report = await imported()
    told = [(each["line"], each["status"], each["errors"]) for each in report["lines"]]
    assert told == [
        (2, "added", {}),
        (3, "wrong", {"port": "should be a whole number"}),
        (5, "wrong", {"password": "is required"}),
        (6, "exists", {}),
        (7, "wrong", {"latitude": "both or neither", "longitude": "both or neither"}),
    ]
    assert (report["added"], report["exists"], report["wrong"]) == (1, 1, 3)
    [kept] = await operator.data(BASE)
    assert (kept["name"], kept["port"], kept["active_users_max"]) == ("One", port, 40)
    assert (await imported())["added"] == 0


async def test_what_is_no_file_of_routers_is_refused(operator: Desk) -> None:
    heading = "name,host,username,password"
    for text in ("", "name,host\nx,y\n", f"{heading},colour\n", 'name,"', f"{heading}\n\xff"):
        answer = await operator.http.post(f"{BASE}/import", content=text.encode("latin-1"))
        assert_refused(answer, 422, "router.file_invalid")


BOUNDS = {
    "name": "x" * 81,
    "location": "Yaba\nIkeja",
    "login_url": "http://wifi.lan/login?x=1",
    "server": "s" * 201,
    "username": "u" * 201,
    "active_users_max": 10**12,
    "bandwidth_max_bps": 10**30,
}


async def test_a_file_is_held_to_what_a_form_is_and_to_what_can_be_kept(
    operator: Desk, routers: list[Router]
) -> None:
    """No line of it breaks the others, or messages to customers."""
    told = {"host": "127.0.0.1", "username": ACCOUNT, "password": PASSWORD}
    for field, wrong in BOUNDS.items():
        bad = {"name": field, **told, field: wrong}
        good = {**bad, field: "", **told, "name": "good"}
        rows = [",".join(f'"{cell}"' for cell in row.values()) for row in (bad, good)]
        text = "\n".join([",".join(bad), *rows])
        for dry in (True, False):
            answer = await operator.http.post(
                f"{BASE}/import", params={"dry_run": dry}, content=text.encode()
            )
            assert answer.status_code == 200, (field, answer.text)
            lines = answer.json()["data"]["lines"]
            assert (lines[0]["status"], list(lines[0]["errors"])) == ("wrong", [field])
    assert [each["name"] for each in await operator.data(BASE)] == ["good"]


async def test_a_file_of_ten_thousand_lines_is_refused_as_a_whole(operator: Desk) -> None:
    heading = "name,host,username,password\n"
    short = "".join(f"r{n},h,u,p\n" for n in range(10_000))
    utf16 = f"{heading}Café,h,u,p\n".encode("utf-16")

    long = await operator.http.post(f"{BASE}/import", content=(heading + short).encode())
    odd = await operator.http.post(f"{BASE}/import", content=utf16)

    assert_refused(long, 422, "router.file_invalid")
    assert_refused(odd, 422, "router.file_invalid")
    assert await operator.data(BASE) == []


async def test_a_password_goes_to_no_other_host_than_it_was_given_for(
    operator: Desk, routers: list[Router]
) -> None:
    """Whoever may write routers could otherwise have it sent to a host of their own."""
    access = {"host": "127.0.0.1", "port": routers[0].port, "username": ACCOUNT}
    made = await operator.post(BASE, name="One", password=PASSWORD, **access)
    path = f"{BASE}/{made.json()['data']['id']}"

    alone = await operator.put(path, host="192.0.2.1")
    same = await operator.put(path, host="127.0.0.1", location="Yaba")
    both = await operator.put(path, host="192.0.2.1", password="another")

    assert_refused(alone, 422, "router.invalid")
    assert [each["field"] for each in alone.json()["details"]] == ["password"]
    assert same.status_code == 200
    assert both.json()["data"]["host"] == "192.0.2.1"
