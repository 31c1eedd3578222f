"""Whether a one-time code is right, for whoever types it on the page of a gift.

A code that was right once is remembered for a while, so that whoever sends a page again sees the
same once more; and who sends it twice at once waits for what becomes of the first.
"""

import asyncio
import secrets
from typing import Final, Protocol

import structlog

from core.domain.customers import Customer
from core.ports import Unavailable
from core.services.gift_guard import Counts

log = structlog.get_logger()

PURPOSE: Final = "gift"
_PROVED_FOR_S = 900
_AT_ONCE_S = 5
_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4)


class Codes(Protocol):
    """See `core.services.pins.Pins`."""

    async def use_code(
        self, customer: Customer, purpose: str, code: str, *, to: str = ""
    ) -> bool: ...


class GiftProofs:
    def __init__(self, codes: Codes, counts: Counts) -> None:
        self._codes = codes
        self._counts = counts

    async def right(self, customer: Customer, nonce: str, code: str) -> bool:
        """Whether it is the code for this customer that is bound to `nonce`."""
        proof = f"{nonce}:{customer.id}:{code}"
        if await self._proven(proof) or await self._became_right(proof):
            return True
        right = await self._codes.use_code(customer, PURPOSE, code, to=nonce)
        if right:
            await self._remember("gift-proof", proof, _PROVED_FOR_S)
        await self._remember("gift-tried", proof, _AT_ONCE_S)
        return right or await self._proven(proof)

    async def _became_right(self, proof: str) -> bool:
        """Whether the same, where it was sent a moment before and is being looked at, was right."""
        try:
            trying = await self._counts.distinct(
                "gift-trying", proof, secrets.token_urlsafe(9), _AT_ONCE_S
            )
            if trying == 1:
                return False
            for wait_s in _WAITS_S:
                if await self._counts.counted("gift-tried", proof):
                    break
                await asyncio.sleep(wait_s)
        except Unavailable:
            return False
        return await self._proven(proof)

    async def _proven(self, proof: str) -> bool:
        try:
            return await self._counts.counted("gift-proof", proof) > 0
        except Unavailable:
            return False

    async def _remember(self, what: str, proof: str, for_s: int) -> None:
        try:
            await self._counts.distinct(what, proof, proof, for_s)
        except Unavailable:
            log.warning("gift.proof_not_remembered")
