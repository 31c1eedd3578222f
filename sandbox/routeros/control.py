"""What is done to routers, and what is seen of them: the calls under `/control/routers`.

    GET  /                  all: `name`, `port`, `up`, `version`, `serial`, `sessions`, `requests`
    POST /                  {"name", "version"?, "count"?, "policies"?, "delay_s"?, ...} one or more
    GET  {name}             one router with its users, sessions and faults
    DELETE {name}
    GET  {name}/requests    the last sentences that it was told, passwords left out
    GET  {name}/log
    POST {name}/login       {"code", "mac"?, "password"?, "server"?} a device at the login page:
                            `logged_in`, and `reason` where it is not let in
    POST {name}/use         {"code", "bytes_in"?, "bytes_out"?} its sessions carry so much
    POST {name}/logout      {"code"}
    POST {name}/crowd       {"users"} so many others are on it, on trial
    POST {name}/fault       {"kind", "command"?, "chance"?, "times"?, "seconds"?, "words"?}
    POST {name}/clear       no faults any more, and within reach again
    POST {name}/away        {"quietly"?} out of reach: connections are refused
    POST {name}/back
    POST {name}/reboot      {"down_s"?}
    POST {name}/power-cut   {"down_s"?, "lose_s"?} counters of sessions are lost, and what was
                            added within `lose_s`
    POST {name}/reset       {"replaced"?, "set_up"?} as from the factory; another box; set up again
    POST {name}/permit      {"policies"} what our account may from now on
    POST {name}/device-mode {"hotspot"}
    POST {name}/clock       {"drift_s"}
    POST {name}/remove      {"path", "name"} what an operator takes away by hand, as a profile

The kinds of faults are those of `sandbox.routeros.faults`. Most calls answer with the router's line
of the list.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.routeros import hotspot, schema
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.fleet import Fleet, Router
from sandbox.routeros.hotspot import Device, NotLetIn
from sandbox.routeros.plan import PASSWORD, POLICIES, UPKEEP_NEEDS, Plan
from sandbox.wire import Json, read_as, wrong

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_FLEET_MAX = 500


class More(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /control/routers/`. With `count` they are named `<name>-1` and so on."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.-]{1,40}$")]
    version: str = "7.18.2 (stable)"
    count: Annotated[int, msgspec.Meta(ge=1, le=_FLEET_MAX)] | None = None
    policies: frozenset[str] = UPKEEP_NEEDS
    password: str = PASSWORD
    delay_s: _Seconds = 0.0
    work_s: _Seconds = 0.0
    sessions_max: Annotated[int, msgspec.Meta(ge=1)] = 20
    drift_s: float = 0.0
    ntp: bool = True
    colons: bool = False
    hotspot_allowed: bool = True


class Login(msgspec.Struct, forbid_unknown_fields=True):
    code: str = ""
    mac: str = "02:AA:00:00:00:01"
    password: str | None = None
    server: str = "hotspot1"


class Use(msgspec.Struct, forbid_unknown_fields=True):
    code: str
    bytes_in: Annotated[int, msgspec.Meta(ge=0)] = 0
    bytes_out: Annotated[int, msgspec.Meta(ge=0)] = 0


class Logout(msgspec.Struct, forbid_unknown_fields=True):
    code: str


class Crowd(msgspec.Struct, forbid_unknown_fields=True):
    users: Annotated[int, msgspec.Meta(ge=0, le=hotspot.CROWD_MAX)]


class Mishap(msgspec.Struct, forbid_unknown_fields=True):
    kind: FaultKind
    command: str = "/ip/"
    chance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seconds: _Seconds = 0.0
    words: str = Fault(FaultKind.TRAP).words


class Away(msgspec.Struct, forbid_unknown_fields=True):
    quietly: bool = False


class Power(msgspec.Struct, forbid_unknown_fields=True):
    down_s: _Seconds = 0.0
    lose_s: _Seconds = 0.0


class Reset(msgspec.Struct, forbid_unknown_fields=True):
    replaced: bool = False
    set_up: bool = False


class Permit(msgspec.Struct, forbid_unknown_fields=True):
    policies: frozenset[str]


class DeviceMode(msgspec.Struct, forbid_unknown_fields=True):
    hotspot: bool


class ClockDrift(msgspec.Struct, forbid_unknown_fields=True):
    drift_s: float


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    name: str


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


class RouterControl:
    """The routes under `/control/routers`."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self) -> list[Route]:
        return [
            Route("/", self._list, methods=["GET"]),
            Route("/", self._add, methods=["POST"]),
            Route("/{name}", self._show, methods=["GET"]),
            Route("/{name}", self._drop, methods=["DELETE"]),
            Route("/{name}/requests", self._requests, methods=["GET"]),
            Route("/{name}/log", self._log, methods=["GET"]),
            Route("/{name}/{action}", self._act, methods=["POST"]),
        ]

    async def _list(self, _: Request) -> Response:
        return Json([_line(router) for router in self._fleet])

    async def _add(self, request: Request) -> Response:
        try:
            more = read_as(await request.body(), More)
        except ValueError as error:
            return wrong(str(error))
        told = msgspec.structs.asdict(more)
        count = told.pop("count")
        plan = Plan(**told)
        names = [more.name] if count is None else [f"{more.name}-{n}" for n in range(1, count + 1)]
        made = [await self._fleet.add(replace(plan, name=name)) for name in names]
        return Json([_line(router) for router in made])

    async def _show(self, request: Request) -> Response:
        router = self._fleet.get(request.path_params["name"])
        return Json(_whole(router)) if router else _no_router()

    async def _drop(self, request: Request) -> Response:
        name = request.path_params["name"]
        return Json({"dropped": name}) if await self._fleet.drop(name) else _no_router()

    async def _requests(self, request: Request) -> Response:
        router = self._fleet.get(request.path_params["name"])
        return Json(list(router.box.record.last)) if router else _no_router()

    async def _log(self, request: Request) -> Response:
        router = self._fleet.get(request.path_params["name"])
        return Json([row.values for row in router.box[schema.LOG]]) if router else _no_router()

    async def _act(self, request: Request) -> Response:
        router = self._fleet.get(request.path_params["name"])
        found = _ACTIONS.get(request.path_params["action"])
        if router is None:
            return _no_router()
        if found is None:
            return wrong(f"unknown action; there are {', '.join(_ACTIONS)}", 404)
        shape, act = found
        try:
            order = read_as(await request.body() or b"{}", shape)
        except ValueError as error:
            return wrong(str(error))
        return Json(await act(router, order) or _line(router))


def _no_router() -> Response:
    return wrong("no router has this name", 404)


def _line(router: Router) -> dict[str, Any]:
    box = router.box
    return {
        "name": router.name,
        "port": router.port,
        "up": router.is_up,
        "version": box.plan.version,
        "serial": box.serial,
        "sessions": router.sessions,
        "requests": box.record.told(),
    }


def _whole(router: Router) -> dict[str, Any]:
    box = router.box
    hotspot.catch_up(box)
    return _line(router) | {
        "identity": box.identity,
        "uptime_s": box.uptime_s,
        "users": [{"id": row.id, **row.values} for row in box[schema.USERS]],
        "active": [{"id": row.id, **row.values} for row in box[schema.ACTIVE]],
        "profiles": [row.values["name"] for row in box[schema.PROFILES]],
        "faults": [fault.kind for fault in box.mishaps.told],
    }


async def _login(router: Router, order: Login) -> dict[str, Any]:
    device = Device(order.mac, order.code, order.password, order.server)
    try:
        session = hotspot.log_in(router.box, device)
    except NotLetIn as reason:
        return {"logged_in": False, "reason": str(reason)}
    return {"logged_in": True, "address": session.values["address"]}


async def _use(router: Router, order: Use) -> None:
    hotspot.use(router.box, order.code, bytes_in=order.bytes_in, bytes_out=order.bytes_out)


async def _logout(router: Router, order: Logout) -> dict[str, Any]:
    return {"logged_out": hotspot.log_out(router.box, order.code)}


async def _crowd(router: Router, order: Crowd) -> None:
    hotspot.crowd(router.box, order.users)


async def _fault(router: Router, order: Mishap) -> None:
    router.box.mishaps.add(Fault(**msgspec.structs.asdict(order)))


async def _clear(router: Router, _: Nothing) -> None:
    router.box.mishaps.clear()
    await router.up()


async def _away(router: Router, order: Away) -> None:
    await router.away(quietly=order.quietly)


async def _back(router: Router, _: Nothing) -> None:
    await router.up()


async def _reboot(router: Router, order: Power) -> None:
    await router.reboot(down_s=order.down_s)


async def _power_cut(router: Router, order: Power) -> None:
    await router.power_cut(lose_s=order.lose_s, down_s=order.down_s)


async def _reset(router: Router, order: Reset) -> None:
    await router.factory_reset(replaced=order.replaced)
    if order.set_up:
        router.box.set_up_again()


async def _permit(router: Router, order: Permit) -> None:
    router.box.permit(order.policies & frozenset(POLICIES))


async def _device_mode(router: Router, order: DeviceMode) -> None:
    router.box.hotspot_allowed = order.hotspot


async def _clock(router: Router, order: ClockDrift) -> None:
    router.box.drift = dt.timedelta(seconds=order.drift_s)


async def _remove(router: Router, order: Removal) -> dict[str, Any]:
    table = router.box.tables.get(order.path)
    row = table.named(order.name) if table else None
    if table is None or row is None:
        return {"removed": False}
    table.drop(row)
    return {"removed": True}


_Act = Callable[[Router, Any], Awaitable[dict[str, Any] | None]]
_ACTIONS: dict[str, tuple[type[msgspec.Struct], _Act]] = {
    "login": (Login, _login),
    "use": (Use, _use),
    "logout": (Logout, _logout),
    "crowd": (Crowd, _crowd),
    "fault": (Mishap, _fault),
    "clear": (Nothing, _clear),
    "away": (Away, _away),
    "back": (Nothing, _back),
    "reboot": (Power, _reboot),
    "power-cut": (Power, _power_cut),
    "reset": (Reset, _reset),
    "permit": (Permit, _permit),
    "device-mode": (DeviceMode, _device_mode),
    "clock": (ClockDrift, _clock),
    "remove": (Removal, _remove),
}
