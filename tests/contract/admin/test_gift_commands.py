"""`callbox gifts`: what operators do, and what anybody can check, from a terminal."""

import datetime as dt
import json
import re

from core.domain import chance
from core.domain.gifts import GiftKind, Split
from tests.fakes.admin import Desk
from tests.fakes.commands import Run
from tests.fakes.gift_desk import Rooms

WHY = ("--reason", "a customer complained")


async def test_rooms_are_listed_shown_stopped_and_ended(operator: Desk, run: Run) -> None:
    rooms = Rooms(operator)
    room = await rooms.gives(1000, 3)
    await rooms.claims(room, 2)

    listed = await run("gifts", "list", "--json")
    table = await run("gifts", "list", "--state", "open")
    shown = await run("gifts", "show", room.code, "--json")
    frozen = await run("gifts", "freeze", room.code, *WHY)
    goes_on = await run("gifts", "unfreeze", str(room.id), *WHY)
    cancelled = await run("gifts", "cancel", room.code, *WHY, "--json")
    again = await run("gifts", "cancel", room.code, *WHY)
    late = await run("gifts", "freeze", room.code, *WHY)

    told = (listed, table, shown, frozen, goes_on, cancelled, again)
    assert [one.status for one in told] == [0] * 7, [one.err for one in told]
    [row] = json.loads(listed.out)
    assert (row["code"], row["total"], row["state"]) == (room.code, "1000.00", "open")
    assert "1/3" in table.out
    detail = json.loads(shown.out)
    assert [claim["msisdn"] for claim in detail["claims"]] == ["234803****002"]
    assert json.loads(cancelled.out)["state"] == "cancelled"
    assert detail["created_at"] == room.created_at.isoformat()
    assert dt.datetime.fromisoformat(detail["claims"][0]["at"]).isoformat() in shown.out
    assert late.status == 1
    assert late.err == "callbox: This gift room has ended. Nothing was done.\n"
    assert room.token not in listed.out + shown.out


async def test_chance_is_replayed_from_the_published_seed(operator: Desk, run: Run) -> None:
    rooms = Rooms(operator)
    room = await rooms.gives(1000, 3, split=Split.RANDOM)
    early = await run("gifts", "verify", room.code)
    for number in (2, 3, 4):
        await rooms.claims(room, number)
    ended = await operator.core.gift_desk.room(room.tenant_id, room.id)

    checked = await run("gifts", "verify", room.code, "--json")
    anywhere = await run(
        *("gifts", "verify", "--seed", ended.seed, "--total", "100000", "--shares", "3"),
        *("--tickets", "7", "--json"),
    )

    assert (early.status, checked.status, anywhere.status) == (1, 0, 0)
    assert "published when the room ends" in early.err
    replay, alone = json.loads(checked.out), json.loads(anywhere.out)
    assert (replay["fair"], replay["seal"], replay["paid"]) == (True, True, True)
    assert alone["commitment"] == room.commitment == replay["commitment"]
    assert sum(alone["amounts_minor"]) == 1000_00
    assert [f"{each / 100:.2f}" for each in alone["amounts_minor"]] == replay["amounts"]
    assert alone["tickets"] == list(chance.draw(bytes.fromhex(ended.seed), 7, 3))


async def test_a_draw_is_replayed(operator: Desk, run: Run) -> None:
    rooms = Rooms(operator)
    room = await rooms.gives(1000, 2, kind=GiftKind.DRAW, seats=3)
    for number in (2, 3, 4):
        await rooms.claims(room, number)
    [due] = await operator.core.gift_rooms.due_draws(10, 60)
    seed = bytes.fromhex(operator.core.keyring.decrypt(due.seed_sealed))
    winners = chance.draw(seed, due.tickets, 2)
    await operator.core.gift_rooms.draw(due, winners, operator.core.clock.now())
    fair = await run("gifts", "verify", room.code, "--json")

    assert fair.status == 0, fair.out
    assert json.loads(fair.out)["tickets"] == list(winners)


async def test_settings_are_shown_and_changed(operator: Desk, run: Run) -> None:
    changed = await run("gifts", "settings", "--total-min", "50", "--off", *WHY, "--json")
    shown = await run("gifts", "settings")
    wrong = await run("gifts", "settings", "--shares-max", "0", *WHY)
    silent = await run("gifts", "settings", "--open-max", "9")
    short = await run("gifts", "settings", "--open-max", "9", "--reason", " x ")

    assert json.loads(changed.out)["total_min"] == "50.00"
    assert "on: False" in shown.out
    assert (wrong.status, silent.status) == (1, 1)
    assert silent.err == short.err == "callbox: Say why, in 3 characters or more.\n"
    assert (await operator.data("/gift-rooms/settings"))["open_max"] == 5


async def test_figures_and_refusals_in_words(operator: Desk, run: Run) -> None:
    rooms = Rooms(operator)
    await rooms.claims(await rooms.gives(1000, 4), 2)

    told = json.loads((await run("gifts", "figures", "--json")).out)
    unknown = await run("gifts", "show", "23456789")
    neither = await run("gifts", "verify")

    assert (told["rooms"], told["claim_rate"], told["given"]) == (1, 0.25, "1000.00")
    for refused in (unknown, neither):
        assert refused.status == 1
        assert re.fullmatch(r"callbox: [^\n]+\n", refused.err)


async def test_a_room_is_named_as_customers_and_pages_write_it(operator: Desk, run: Run) -> None:
    rooms = Rooms(operator)
    room = await rooms.gives(1000, 3)
    spaced, dashed = f"{room.code[:4]} {room.code[4:]}", f" {room.code[:4]}-{room.code[4:]}"

    shown = await run("gifts", "show", spaced, "--json")
    frozen = await run("gifts", "freeze", dashed, *WHY)
    listed = await run("gifts", "list", "--search", spaced, "--json")

    assert (shown.status, frozen.status) == (0, 0), shown.err + frozen.err
    assert json.loads(shown.out)["id"] == str(room.id)
    assert [row["code"] for row in json.loads(listed.out)] == [room.code]


async def test_a_seed_has_as_many_digits_as_are_published(run: Run) -> None:
    gift = ("--total", "9", "--shares", "1")
    for seed in ("abc", "zz", "00", "00" * 33, "zz" * 32):
        refused = await run("gifts", "verify", "--seed", seed, *gift)
        assert (refused.status, refused.out) == (1, "")
        assert refused.err == (
            "callbox: --seed: should be the 64 digits, 0 to 9 and a to f, of a published seed\n"
        )
    assert (await run("gifts", "verify", "--seed", "00" * 32, *gift)).status == 0
