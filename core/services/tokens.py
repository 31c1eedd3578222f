"""Bearer tokens of the admin API: shown once, kept as hashes."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Token, TokenRecord, Tokens

ABILITIES = (
    "configuration:read",
    "configuration:write",
    "transactions:read",
    "transactions:write",
    "users:read",
    "users:credit",
    "users:write",
    "channels:read",
    "channels:write",
    "reconciliations:read",
    "reconciliations:write",
    "float:fund",
    "cases:read",
    "cases:write",
    "alerts:read",
    "vouchers:read",
    "vouchers:write",
    "vouchers:codes",  # whole codes: on sheets, in exports, of one
    "chats:read",
    "chats:write",
    "gifts:read",
    "gifts:write",
    "routers:read",
    "routers:write",
    "routers:maintain",
)
EVERYTHING = "*"
NAME_CHARS_MAX = 80

_PREFIX = "cbx_"
_FIRST = "admin-token"
_BYTES = 32


class UnknownAbility(Problem):
    code = "token.unknown_ability"


class UnknownToken(Problem):
    code = "token.unknown"


class NamelessToken(Problem):
    """A token needs a name of 1 to `NAME_CHARS_MAX` characters, to be told from others by."""

    code = "token.nameless"


class SeveralTokens(Problem):
    """More than one token has this name."""

    code = "token.several"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the admin API. Without a tenant: a super-admin."""

    name: str
    tenant_id: UUID | None
    abilities: frozenset[str]

    def may(self, ability: str) -> bool:
        return bool(self.abilities & {ability, EVERYTHING})

    @property
    def actor(self) -> str:
        """As events name them."""
        return f"token:{self.name}"


class TokenDesk:
    """Makes, knows and revokes tokens. `first` is the super-admin's of the settings, if any."""

    def __init__(self, tokens: Tokens, clock: Clock, first: str | None) -> None:
        self._tokens = tokens
        self._clock = clock
        self._first = _hash(first) if first else None

    async def create(
        self, name: str, tenant_id: UUID | None, abilities: Collection[str], actor: str
    ) -> str:
        """A new token. This is the only time that it can be seen.

        Raises:
            NamelessToken: the name is empty or too long.
            UnknownAbility: there is no such ability; its fact `abilities` lists those there are.
        """
        name = name.strip()
        if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
            raise NamelessToken
        if not abilities or not {*abilities} <= {*ABILITIES, EVERYTHING}:
            raise UnknownAbility(abilities=(*ABILITIES, EVERYTHING))
        plain = _PREFIX + secrets.token_urlsafe(_BYTES)
        token = Token(ids.uuid7(), tenant_id, name, frozenset(abilities))
        await self._tokens.create(token, _hash(plain), actor, self._clock.now())
        return plain

    async def caller(self, plain: str) -> Caller | None:
        """Whose token this is, or None when it is nobody's or was revoked."""
        hashed = _hash(plain)
        if self._first is not None and hmac.compare_digest(hashed, self._first):
            return Caller(_FIRST, None, frozenset({EVERYTHING}))
        token = await self._tokens.find(hashed, self._clock.now())
        return Caller(token.name, token.tenant_id, token.abilities) if token else None

    async def all(self) -> Sequence[TokenRecord]:
        return await self._tokens.all()

    async def meant(self, said: str) -> UUID:
        """The id of the token that is meant by its id, or by a name that no other in force has.

        Raises:
            UnknownToken: there is none.
            SeveralTokens: the name alone does not tell them apart.
        """
        known = await self._tokens.all()
        for token in known:
            if str(token.id) == said.strip().lower():
                return token.id
        match [token.id for token in known if token.name == said.strip() and not token.revoked_at]:
            case []:
                raise UnknownToken
            case [only]:
                return only
            case _:
                raise SeveralTokens

    async def revoke(self, token_id: UUID, actor: str) -> None:
        """End a token, of which nothing else is removed.

        Raises:
            UnknownToken: there is none of this id.
        """
        if not await self._tokens.revoke(token_id, actor, self._clock.now()):
            raise UnknownToken


def _hash(plain: str) -> str:
    """Plain SHA-256 does: a token has as many random bits as the digest."""
    return hashlib.sha256(plain.encode()).hexdigest()
