"""`callbox routers ...`, beside a running program's database."""

import json
from pathlib import Path

from sandbox.routeros.plan import ACCOUNT, PASSWORD, Plan
from tests.fakes.admin import Desk
from tests.fakes.commands import Run
from tests.fakes.routers import fleet_of

SECRET = json.dumps({"password": PASSWORD})


async def test_routers_by_command(operator: Desk, run: Run, tmp_path: Path) -> None:
    """Added, shown, tested, changed, imported, backed up and forgotten."""
    async with fleet_of(Plan("r1")) as [router]:
        port = str(router.port)
        access = ("--host", "127.0.0.1", "--port", port, "--username", ACCOUNT)
        added = await run(
            "routers", "add", "Yaba", *access, "--coordinates", "6.5,3.4", text=SECRET
        )
        assert (added.status, added.err) == (0, "")
        again = await run("routers", "add", "Yaba", *access, text=SECRET)
        assert (again.status, "of this name" in again.err) == (1, True)
        wrong = await run("routers", "add", "Other", *access, "--group", "a/b", text=SECRET)
        assert wrong.status == 1
        assert "group: should be letters" in wrong.err

        tested = await run("routers", "test", "Yaba", "--json")
        assert tested.status == 0, tested.err
        steps = json.loads(tested.out)["steps"]
        assert {step["status"] for step in steps} == {"passed"}

        changed = await run(
            "routers", "set", "Yaba", "--location", "Tejuosho", "--bandwidth-max-mbps", "20"
        )
        assert changed.status == 0, changed.err
        shown = json.loads((await run("routers", "show", "Yaba")).out)
        assert (shown["location"], shown["latitude"]) == ("Tejuosho", 6.5)
        assert {each["name"]: each["limit"] for each in shown["capacity"]}["bandwidth"] == 2 * 10**7

        made = await run("routers", "backup", "Yaba", "--label", "first", "--json")
        assert json.loads(made.out)["name"] == "first", made.err
        listed = await run("routers", "backup", "Yaba", "--list", "--json")
        assert [each["name"] for each in json.loads(listed.out)] == ["first"]

        file = tmp_path / "routers.csv"
        file.write_text(
            "name,host,port,username,password\n"
            f"Ikeja,127.0.0.1,{port},{ACCOUNT},{PASSWORD}\nX,127.0.0.1,0,{ACCOUNT},p\n"
        )
        brought = await run("routers", "import", str(file), "--json")
        assert brought.status == 1
        assert [each["status"] for each in json.loads(brought.out)] == ["added", "wrong"]

        typed = ("routers", "let-go", "Yaba", "--users", "57", "--confirm")
        unsure, sure = await run(*typed, "Yab"), await run(*typed, "Yaba")
        assert (unsure.status, "router's name" in unsure.err) == (1, True)
        assert (sure.status, sure.out) == (0, "Yaba is compared now.\n")

        gone = await run("routers", "remove", "Ikeja", "--yes")
        assert gone.status == 0, gone.err
        names = [each["name"] for each in json.loads((await run("routers", "list", "--json")).out)]
        assert names == ["Yaba"]
        unknown = await run("routers", "test", "Ikeja")
        assert (unknown.status, unknown.err) == (1, "callbox: There is no such router.\n")

        whole = "".join(
            said.out + said.err
            for said in (added, again, wrong, tested, changed, made, listed, brought, gone)
        )
        assert PASSWORD not in whole

    failed = await run("routers", "test", "Yaba")
    assert failed.status == 1
    assert "Nobody answers there" in failed.out


async def test_an_address_that_may_not_be_reached_is_told_at_once(operator: Desk, run: Run) -> None:
    """By the command and by the API; the router is kept, for the day its network is allowed."""
    access = ("--host", "10.0.0.2", "--username", ACCOUNT)
    added = await run("routers", "add", "Cafe", *access, text=SECRET)
    moved = await run("routers", "set", "Cafe", "--host", "10.0.0.3", "--secrets", text=SECRET)
    here = await run("routers", "set", "Cafe", "--host", "127.0.0.1", "--secrets", text=SECRET)
    made = await operator.post(
        "/router-management", name="Bar", host="10.0.0.4", username=ACCOUNT, password=PASSWORD
    )

    for said in (added, moved):
        assert said.status == 0
        assert "must not reach" in said.err
        assert "ROUTEROS_NETWORKS" in said.err
    assert (here.status, here.err) == (0, "")
    assert "ROUTEROS_NETWORKS" in made.json()["message"]
