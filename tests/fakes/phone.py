"""A customer's handset: dials, types, and fails the test on a screen no handset could show."""

import secrets
from urllib.parse import urlencode

import httpx

from core.kit import gsm7

SEPTETS_MAX = 160


class Phone:
    """Speaks Africa's Talking's wire format to the real endpoint, as the gateway would.

    `screen` is what the handset shows, without the gateway's prefix; `open` says whether it may
    still be answered.
    """

    def __init__(
        self, http: httpx.AsyncClient, msisdn: str, *, service_code: str = "*347*100#"
    ) -> None:
        self._http = http
        self.msisdn = msisdn
        self.service_code = service_code
        self.session = ""
        self.text = ""
        self.screen = ""
        self.open = False
        self.raw = ""

    async def dial(self, extra: str = "") -> str:
        """Dial the service code, with anything dialled along: `1*500`."""
        self.session = "ATUid_" + secrets.token_hex(16)
        self.text = extra
        return await self.send()

    async def enter(self, *answers: str) -> str:
        """Type answers one after the other; the session must be open for each."""
        for answer in answers:
            assert self.open, f"the session has ended: {self.screen!r}"
            self.text = f"{self.text}*{answer}" if self.text else answer
            await self.send()
        return self.screen

    async def send(self) -> str:
        """Send the present request; called again it is the gateway repeating itself."""
        reply = await self._http.post(
            "/ussd/africastalking/demo",
            content=self.body(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert reply.status_code == 200, (reply.status_code, reply.text)
        return self.show(reply.text)

    def body(self) -> bytes:
        fields = {
            "sessionId": self.session,
            "phoneNumber": "+" + self.msisdn,
            "networkCode": "62130",
            "serviceCode": self.service_code,
            "text": self.text,
        }
        return urlencode(fields).encode()

    def show(self, raw: str) -> str:
        assert raw.startswith(("CON ", "END ")), raw[:80]
        self.raw = raw
        self.open = raw.startswith("CON ")
        self.screen = raw[4:]
        cost = gsm7.septets(self.screen)
        assert cost is not None, f"not in the GSM-7 alphabet: {self.screen!r}"
        assert 0 < cost <= SEPTETS_MAX, f"{cost} septets: {self.screen!r}"
        return self.screen

    async def choose(self, label: str) -> str:
        """Answer with the number that stands before a label, turning pages to find it."""
        for _ in range(10):
            for line in self.screen.splitlines():
                number, dot, shown = line.partition(". ")
                if dot and shown.strip().lower() == label.lower():
                    return await self.enter(number.strip())
            if "98. " not in self.screen:
                break
            await self.enter("98")
        raise AssertionError(f"{label!r} is not on {self.screen!r}")

    def sees(self, *words: str) -> None:
        for word in words:
            assert word in self.screen, f"{word!r} is not on {self.screen!r}"
