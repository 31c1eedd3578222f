"""What operators do on a router itself: interfaces, hotspot users, who is online.

Vouchers are users too, but theirs is what the books say: they are shown by the beginning of their
code, and changed as vouchers only.
"""

import datetime as dt
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from core.domain.hotspot import Router
from core.domain.routers import (
    ActiveSession,
    HotspotUser,
    LogLine,
    NewUser,
    Traffic,
    UserChange,
    UserRef,
)
from core.domain.voucher_codes import head, masked
from core.domain.vouchers import MARK, is_ours
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Backoffice, Event
from core.ports.hotspot import (
    Done,
    HotspotRouter,
    HotspotRouters,
    Lane,
    Outcome,
    Refusal,
    Refused,
    Seen,
    Unknown,
)
from core.services.router_desk import RouterDesk, subject
from core.services.router_log import readable
from core.services.router_words import DOUBTED, of_refused, of_unknown

T = TypeVar("T")


class RouterRefused(Problem):
    """Nothing happened. `code` is `router.` and the reason, `words` say it to a person."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"router.{refused.reason.value}", reason=refused.reason.value)
        self.reason = refused.reason
        self.words = of_refused(refused)
        self.retry_after_s = refused.retry_after_s


class RouterDoubted(Problem):
    """It may have happened."""

    code = "router.in_doubt"

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(reason=unknown.reason)
        self.words = of_unknown(unknown) if unknown.reason else DOUBTED


class IsVoucher(Problem):
    """The user is a voucher of ours: it is changed as a voucher."""

    code = "router.user_is_voucher"


class BadUser(Problem):
    code = "router.user_invalid"

    def __init__(self, field: str, what: str) -> None:
        super().__init__(field=field)
        self.fields = {field: what}


@dataclass(frozen=True, slots=True)
class ShownUser:
    """A hotspot user as a list may show it. `voucher`: it is one of ours, its name masked."""

    name: str
    voucher: bool
    user: HotspotUser


@dataclass(frozen=True, slots=True)
class ShownSession:
    user: str
    voucher: bool
    session: ActiveSession


def told(outcome: Outcome[T]) -> T:
    """What was asked for. Raises `RouterRefused` and `RouterDoubted`."""
    match outcome:
        case Done(value=value):
            return value
        case Refused():
            raise RouterRefused(outcome)
        case Unknown():
            raise RouterDoubted(outcome)


class RouterControl:
    """Every change is written down, with what came of it.

    All raise `UnknownRouter`, and `RouterRefused` or `RouterDoubted` as the router answers.
    """

    def __init__(
        self, desk: RouterDesk, routers: HotspotRouters, backoffice: Backoffice, clock: Clock
    ) -> None:
        self._desk = desk
        self._routers = routers
        self._backoffice = backoffice
        self._clock = clock
        self._changed_at: dict[UUID, dt.datetime] = {}

    async def traffic(
        self, tenant_id: UUID, router_id: UUID, names: Sequence[str]
    ) -> Sequence[Traffic]:
        """What goes through these interfaces this second."""
        _, asked = await self._at(tenant_id, router_id)
        return told(await asked.traffic(names))

    async def switch(
        self,
        tenant_id: UUID,
        router_id: UUID,
        interface: str,
        actor: str,
        *,
        enabled: bool,
        force: bool = False,
    ) -> None:
        """Enable or disable an interface; never one that carries us, unless `force`."""
        _, asked = await self._at(tenant_id, router_id)
        facts: dict[str, object] = {"interface": interface, "enabled": enabled, "force": force}
        order = asked.switch_interface(interface, enabled=enabled, force=force)
        await self._noted(tenant_id, router_id, "router.interface_switched", actor, facts, order)
        await self._desk.look_again(tenant_id, router_id)

    async def users(self, tenant_id: UUID, router_id: UUID) -> Seen[tuple[ShownUser, ...]]:
        """As they were within half a minute, or when the router was last there.

        Whoever changed something here sees it at once.
        """
        _, asked = await self._at(tenant_id, router_id)
        seen = told(await asked.last_users())
        changed_at = self._changed_at.get(router_id)
        if changed_at is not None and changed_at >= seen.at and seen.missed is None:
            seen = Seen(told(await asked.users(Lane.MANAGE)), self._clock.now())
        return Seen(tuple(map(_shown, seen.value)), seen.at, seen.missed)

    async def add_user(self, tenant_id: UUID, router_id: UUID, user: NewUser, actor: str) -> None:
        """Make a user by hand. It is no voucher: nobody sells it, nobody pays it back.

        Raises:
            BadUser: the name or comment is one that only vouchers have.
        """
        refuse_mark(user.comment)
        router, asked = await self._at(tenant_id, router_id)
        facts: dict[str, object] = {"user": hidden(user.name), "profile": user.profile}
        order = asked.add_user(replace(user, server=user.server or router.server), Lane.MANAGE)
        await self._noted(tenant_id, router_id, "router.user_added", actor, facts, order)

    async def change_user(
        self, tenant_id: UUID, router_id: UUID, name: str, change: UserChange, actor: str
    ) -> None:
        """Raises `IsVoucher` and `BadUser` as well."""
        refuse_mark(change.comment or "")
        _, asked = await self._at(tenant_id, router_id)
        server = await _foreign(asked, name)
        changed = [each for each in UserChange.__slots__ if getattr(change, each) is not None]
        facts: dict[str, object] = {"user": hidden(name), "changed": changed}
        order = asked.change_user(UserRef(name, server, ""), change, Lane.MANAGE)
        await self._noted(tenant_id, router_id, "router.user_changed", actor, facts, order)

    async def remove_user(self, tenant_id: UUID, router_id: UUID, name: str, actor: str) -> None:
        """With its sessions. Raises `IsVoucher` as well."""
        _, asked = await self._at(tenant_id, router_id)
        server = await _foreign(asked, name)
        facts: dict[str, object] = {"user": hidden(name)}
        order = asked.remove_users([UserRef(name, server, "")], Lane.MANAGE)
        await self._noted(tenant_id, router_id, "router.user_removed", actor, facts, order)

    async def active(self, tenant_id: UUID, router_id: UUID) -> Sequence[ShownSession]:
        """Who is online now."""
        _, asked = await self._at(tenant_id, router_id)
        users = (await self.users(tenant_id, router_id)).value
        foreign = {each.name for each in users if not each.voucher}
        return [
            ShownSession(
                each.user if each.user in foreign else hidden(each.user),
                each.user not in foreign,
                each,
            )
            for each in told(await asked.sessions())
        ]

    async def kick(self, tenant_id: UUID, router_id: UUID, session_id: str, actor: str) -> int:
        """End all sessions of whoever has this one; how many there were.

        A voucher is not used up by that: it may log in again.
        """
        _, asked = await self._at(tenant_id, router_id)
        users = [each.user for each in told(await asked.sessions()) if each.id == session_id]
        if not users:
            raise RouterRefused(Refused(Refusal.MISSING))
        facts: dict[str, object] = {"user": hidden(users[0])}
        return await self._noted(
            tenant_id, router_id, "router.user_kicked", actor, facts, asked.kick(users[0])
        )

    async def log(self, tenant_id: UUID, router_id: UUID) -> Sequence[LogLine]:
        """What the router's memory holds, the latest first, codes left out."""
        _, asked = await self._at(tenant_id, router_id)
        lines = told(await asked.log(Lane.MANAGE))
        return [readable(line) for line in reversed(lines)]

    async def _at(self, tenant_id: UUID, router_id: UUID) -> tuple[Router, HotspotRouter]:
        router = await self._desk.show(tenant_id, router_id)
        return router, self._routers.of(router.id, router.access)

    async def _noted(
        self,
        tenant_id: UUID,
        router_id: UUID,
        kind: str,
        actor: str,
        facts: dict[str, object],
        order: Awaitable[Outcome[T]],
    ) -> T:
        """Do it, and write down what came of it, whatever that was."""
        outcome = await order
        self._changed_at[router_id] = self._clock.now()
        came_of_it = {**facts, "outcome": word_of(outcome)}
        await self._backoffice.note(tenant_id, Event(subject(router_id), kind, actor, came_of_it))
        return told(outcome)


def word_of(outcome: Outcome[T]) -> str:
    match outcome:
        case Done():
            return "done"
        case Refused(reason=reason):
            return f"refused:{reason.value}"
        case Unknown(reason=word):
            return f"in_doubt:{word}"


def hidden(name: str) -> str:
    """A name as audits and lists may hold it: it may be a code."""
    return masked(head(name), len(name))


def refuse_mark(comment: str) -> None:
    """Raises `BadUser` where a user would look like a voucher of ours."""
    if comment.startswith(MARK):
        raise BadUser("comment", f"should not begin with {MARK}: that marks vouchers")


async def _foreign(asked: HotspotRouter, name: str) -> str:
    """The server of a user of that name that is no voucher of ours.

    Raises `IsVoucher`, and `RouterRefused` where there is none.
    """
    found = told(await asked.find_users([name], Lane.MANAGE))
    if not found:
        raise RouterRefused(Refused(Refusal.MISSING))
    if any(is_ours(user) for user in found):
        raise IsVoucher
    return found[0].server


def _shown(user: HotspotUser) -> ShownUser:
    ours = is_ours(user)
    return ShownUser(hidden(user.name) if ours else user.name, ours, user)
