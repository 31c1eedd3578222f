"""What every adapter of a VTU provider does alike on the wire."""

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from core.kit import ids
from core.kit.errors import Fault
from core.ports import BadCallback
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply, client, read_json, send


class HttpVtu:
    """One client, references of letters and digits, callbacks that nobody sends.

    An adapter adds `name`, `capabilities`, `vend`, `requery` and `float_balance`, and overrides
    what its provider does otherwise. Every request opens its own connection: one that was idle may
    be closed under a request, which would leave an order in doubt.
    """

    name: str

    def __init__(
        self, base_url: str, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._http = client(
            base_url=base_url, timeout_s=timeout_s, headers=headers, reuse_connections=False
        )

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:  # noqa: ARG002 - undated
        return letters(attempt_id)

    def may_send(self, reference: str, at: dt.datetime) -> bool:  # noqa: ARG002 - never too old
        return True

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:  # noqa: ARG002 - none is believed
        raise BadCallback(f"{self.name} calls nobody back")

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "application/json", '{"status":"ok"}'

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _send(self, act: str, request: httpx.Request) -> Reply | NoReply:
        act = f"{self.name}.{act}"
        return await send(self._http, request, act=act, within_s=self._timeout_s)

    async def _get(self, act: str, path: str, **parts: Any) -> Reply | NoReply:
        return await self._send(act, self._http.build_request("GET", path, **parts))

    async def _post(self, act: str, path: str, document: object, **parts: Any) -> Reply | NoReply:
        return await self._send(act, self._http.build_request("POST", path, json=document, **parts))

    def _read(self, reply: Reply | NoReply, what: str) -> dict[str, object]:
        """The object of a plain 200, for questions about us.

        Raises:
            Fault: there is none.
        """
        if isinstance(reply, Reply) and reply.status == HTTPStatus.OK:
            document = reply.json()
            if isinstance(document, dict):
                return document
        raise Fault(f"{self.name} did not tell {what}")


def letters(attempt_id: UUID) -> str:
    """An attempt id in at most 26 letters and digits, for references that must be plain."""
    number, written = attempt_id.int, ""
    while number:
        number, digit = divmod(number, len(ids.SPEAKABLE))
        written += ids.SPEAKABLE[digit]
    return written or "0"


def callback_fields(name: str, body: bytes) -> dict[str, object]:
    """The JSON object that a callback carries.

    Raises:
        BadCallback: it carries none.
    """
    document = read_json(body) if len(body) <= REPLY_BYTES_MAX else None
    if not isinstance(document, dict):
        raise BadCallback(f"{name}: not a JSON object")
    return document
