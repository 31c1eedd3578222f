"""A router's own users as a keeper of vouchers: see `core.ports.voucher_backend`."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from core.domain.vouchers import Desired, Priority, SaleState, Usage, mark_of
from core.ports.hotspot import Done, HotspotRouter, Lane, Outcome, Refusal, Refused, Unknown
from core.ports.router_ops import Fared, Task
from core.ports.voucher_backend import Login, LoginUse
from core.services.voucher_ensure import Ended, Ensuring


class RouterVouchers:
    """One hotspot server of one router. It tells no first login: whoever looks first sees it."""

    def __init__(self, router: HotspotRouter, server: str, lane: Lane = Lane.PAID) -> None:
        self._router = router
        self._server = server
        self._lane = lane

    async def put(self, login: Login) -> Outcome[None]:
        return await self._brought(login, Desired.PRESENT)

    async def disable(self, login: Login) -> Outcome[None]:
        return await self._brought(login, Desired.DISABLED)

    async def remove(self, login: Login) -> Outcome[None]:
        return await self._brought(login, Desired.ABSENT)

    async def usage(self, logins: Sequence[Login]) -> Outcome[Mapping[UUID, LoginUse]]:
        found = await self._router.find_users([login.code for login in logins], self._lane)
        if not isinstance(found, Done):
            return found
        sessions = await self._router.sessions(lane=self._lane)
        if not isinstance(sessions, Done):
            return sessions
        users = {user.name: user for user in found.value if user.server == self._server}
        used: dict[UUID, LoginUse] = {}
        for login in logins:
            user = users.get(login.code)
            if user is None or not user.bears(mark_of(login.voucher_id)):
                continue
            running = [one for one in sessions.value if one.user == login.code]
            online_s = user.uptime_s + sum(one.uptime_s for one in running)
            data = user.bytes_in + user.bytes_out
            data += sum(one.bytes_in + one.bytes_out for one in running)
            counted = Usage(login.base.online_s + online_s, login.base.data_bytes + data)
            used[login.voucher_id] = LoginUse(counted, None, len(running))
        return Done(used)

    async def _brought(self, login: Login, desired: Desired) -> Outcome[None]:
        task = Task(
            voucher_id=login.voucher_id,
            rev=login.rev,
            desired=desired,
            priority=Priority.PAID,
            sale_state=SaleState.SOLD,
            terms=login.terms,
            base=login.base,
            used=login.base,
            sealed=b"",
            tries=1,
        )
        ended = await Ensuring(self._router, self._server, task, login.code, self._lane).run()
        return _outcome(ended)


def _outcome(ended: Ended) -> Outcome[None]:
    match ended.fared:
        case Fared.APPLIED:
            return Done(None)
        case Fared.COLLISION:
            return Refused(Refusal.FOREIGN)
        case Fared.UNKNOWN:
            return Unknown(ended.error)
        case Fared.AGAIN | Fared.BLOCKED:
            return ended.refused or Unknown(ended.error)
