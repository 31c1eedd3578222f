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
