"""What keeps vouchers so that hotspots let them in: a router's own users, or a RADIUS server.

The narrow face that both have. Each order is safe to repeat, and answers an `Outcome` as routers
do (`core.ports.hotspot`): `Done`, `Refused` which proves that nothing happened, or `Unknown`.
Somebody else's login of the same name is never changed: FOREIGN.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from core.domain.hotspot import Terms
from core.domain.vouchers import Usage
from core.ports.hotspot import Outcome


@dataclass(frozen=True, slots=True)
class Login:
    """A voucher as a hotspot is to know it; the code is name and password.

    Attributes:
        router_id: The router at whose hotspot it logs in, and nowhere else.
        rev: Counts changes of what is wanted of it.
        base: What was used before the backend's own counters began.
    """

    voucher_id: UUID
    router_id: UUID
    rev: int
    code: str = field(repr=False)
    terms: Terms
    base: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class LoginUse:
    """What the backend counted, running sessions included as far as they are told of.

    Attributes:
        first_login_at: By the backend's clock; None where it tells none, or nobody logged in.
        online: Devices that are online with it now.
        stale: It is kept in an older way than `put` has now: it is to be put again.
    """

    used: Usage
    first_login_at: dt.datetime | None
    online: int
    stale: bool = False


class VoucherBackend(Protocol):
    async def put(self, login: Login) -> Outcome[None]:
        """Have it let in with what is left of it. With nothing left, it is not let in."""
        ...

    async def disable(self, login: Login) -> Outcome[None]:
        """Let it in no more, until it is `put` again."""
        ...

    async def remove(self, login: Login) -> Outcome[None]:
        """Forget it. Gone is gone, whoever took it."""
        ...

    async def usage(self, logins: Sequence[Login]) -> Outcome[Mapping[UUID, LoginUse]]:
        """What was used, by voucher. Those that it does not know are left out."""
        ...
