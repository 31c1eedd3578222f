"""A WiFi voucher bought by USSD, whatever its router does: one that works, or the money back."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.books import books_of
from tests.e2e.customer import PIN, Customer
from tests.e2e.program import World, eventually
from tests.e2e.together import Together, together

FUNDS, PRICE = 5_000, 4_000
PLAN = f"20 GB, 30 days N{PRICE:,}"
ADD = "/ip/hotspot/user/add"
READ_ONLY = ("api", "read", "test")
_CODE = re.compile(r"(?<!Ref )\b[2-9A-HJKMNP-TV-Z]{10}\b")
_READY, _BACK = "works now", "is back in your wallet"


@dataclass(frozen=True)
class Router:
    """A router of the sandbox that the demo's shop sells at."""

    world: World
    name: str

    async def act(self, action: str, **order: object) -> Any:
        reply = await self.world.control.post(f"/control/routers/{self.name}/{action}", json=order)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def users(self) -> list[str]:
        """The codes that are on it for us."""
        shown = (await self.world.control.get(f"/control/routers/{self.name}")).json()
        return [each["name"] for each in shown["users"] if "hb1:" in str(each.get("comment"))]

    async def lets_in(self, code: str) -> bool:
        return bool((await self.act("login", code=code))["logged_in"])


Play = Callable[[Router], Awaitable[object]]


@dataclass(frozen=True)
class Story:
    """What the router does before somebody pays, and after; and whether the voucher works then."""

    before: Play
    after: Play
    works: bool


def plays(action: str, **order: object) -> Play:
    return lambda router: router.act(action, **order)


async def nothing(_: Router) -> None: ...


def meets(kind: str, times: int | None = 1, **more: object) -> Play:
    return plays("fault", kind=kind, command=ADD, **({"times": times} if times else {}), **more)


WORKS, BACK = True, False
STORIES = {
    "online": Story(nothing, nothing, WORKS),
    "offline, and back": Story(plays("away"), plays("back"), WORKS),
    "cut before it did it": Story(meets("cut_before"), nothing, WORKS),
    "cut after it did it": Story(meets("cut_after"), nothing, WORKS),
    "rebooted": Story(plays("reboot", down_s=1), nothing, WORKS),
    "reset, and set up again": Story(plays("reset", set_up=True), nothing, WORKS),
    "offline for good": Story(plays("away"), nothing, BACK),
    "reset, without its hotspot": Story(plays("reset"), nothing, BACK),
    "may not write": Story(plays("permit", policies=READ_ONLY), nothing, BACK),
    "held by device-mode": Story(
        meets("trap", None, words="failure: not allowed by device-mode"), nothing, BACK
    ),
}


@dataclass(frozen=True)
class Bought:
    customer: Customer
    router: Router
    code: str


async def _bought(world: World, number: int, story: Story) -> Bought:
    """At a router of its own, a new one: the profile that the plan needs is missing on it."""
    router = Router(world, f"site-{number:02}")
    made = await world.control.post("/control/routers/", json={"name": router.name})
    http, who, whose = world.operator()
    access = {"host": "127.0.0.1", "port": made.json()[0]["port"], "username": "callbox"}
    added = await http.post(
        "/api/v1/router-management",
        json={"name": router.name, "password": "SIM-router", **access},
        params=whose,
        headers=who,
    )
    assert added.status_code == 200, added.text
    path = f"/api/v1/router-management/{added.json()['data']['id']}"

    async def reached() -> bool:
        shown = (await http.get(path, params=whose, headers=who)).json()
        return shown["data"]["seen_at"] is not None

    await eventually(reached)  # nothing is sold at one that never was
    customer = Customer(world)
    await customer.fund(FUNDS)
    await story.before(router)

    phone = customer.phone
    await phone.dial("7*1")
    await phone.choose("Find by name")
    await phone.enter(router.name)
    await phone.choose(router.name)
    await phone.choose(PLAN)
    await phone.enter("1")
    while phone.open:
        assert "PIN" in phone.screen, phone.screen
        await phone.enter(PIN)
    code = _CODE.search(phone.screen)
    assert code is not None, phone.screen
    await story.after(router)
    return Bought(customer, router, code.group())


async def made_when_paid_for(world: World) -> None:
    """No plan is stocked, so that faults meet what was paid for and nothing else."""
    http, who, whose = world.operator()
    listed = await http.get("/api/v1/voucher-plans", params=whose, headers=who)
    for plan in listed.json()["data"]:
        reply = await http.put(
            f"/api/v1/voucher-plans/{plan['id']}",
            json={"pooled": False},
            params=whose,
            headers=who,
        )
        assert reply.status_code == 200, reply.text


@pytest.fixture(scope="module")
async def stories(world: World) -> AsyncIterator[Together[Bought]]:
    await made_when_paid_for(world)
    async with together(
        {
            name: lambda number=number, story=story: _bought(world, number, story)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            for number, (name, story) in enumerate(STORIES.items())
        },
        at_once=len(STORIES),
    ) as under_way:
        yield under_way


async def ends(bought: Bought, *, works: bool) -> None:
    """It works, or the money is back: one of both, and the customer was told which, once."""
    customer, router = bought.customer, bought.router

    async def told() -> bool:
        return any((_READY if works else _BACK) in text for text in await customer.sms())

    await eventually(told, 60, every_s=0.5)
    assert await customer.balance() == ((FUNDS - PRICE * works) * 100, 0)
    if not works:
        await router.act("back")  # it must not bring back to life what was paid back

    async def as_told() -> bool:
        users = await router.users()
        assert users.count(bought.code) == int(works), users
        return await router.lets_in(bought.code) is works

    await eventually(as_told, 30)
    texts = await customer.sms()
    assert sum(_READY in text for text in texts) == int(works), texts
    assert sum(_BACK in text for text in texts) == int(not works), texts


def ending(works: bool) -> list[str]:
    return [name for name, story in STORIES.items() if story.works is works]


@pytest.mark.parametrize("name", ending(WORKS))
async def test_it_works(stories: Together[Bought], name: str) -> None:
    await ends(await stories.end_of(name), works=True)


async def test_one_that_was_paid_for_survives_its_process(
    world: World, stories: Together[Bought]
) -> None:
    """Killed when the money is set aside and the router is just being told; others still wait."""
    for name in STORIES:
        await stories.end_of(name)
    bought = await _bought(world, len(STORIES), Story(meets("stall"), nothing, WORKS))
    await world.restart()

    async def told() -> list[str]:
        texts = await bought.customer.sms()
        return [end for end in (_READY, _BACK) for text in texts if end in text]

    await eventually(told)
    await ends(bought, works=await told() == [_READY])


@pytest.mark.parametrize("name", ending(BACK))
async def test_the_money_is_back(stories: Together[Bought], name: str) -> None:
    """It was waited for long enough, a killed process or not."""
    await ends(await stories.end_of(name), works=False)


async def test_the_books_are_right(world: World) -> None:
    async with books_of(world) as books:
        assert await books.wrong() == []
