"""What speaks WhatsApp to a small Graph API, and what it is given to say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bots.whatsapp.messenger import WhatsAppMessenger
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Doing,
    Telling,
)
from core.domain.display import Line, Nav, NavWords, Screen
from core.domain.turns import Channel
from core.ports.chat import Moment
from tests.fakes.graph import (
    USER_ID,
    WA_ID,
    Graph,
    channel,
    graph,
)

WORDS = NavWords(
    back="Back",
    home="Main menu",
    home_short="Menu",
    more="More",
    choose="Choose",
    unlock="Enter PIN",
)
OPTIONS = (Line(1, "buy", "Buy"), Line(2, "wallet", "Wallet", "N500"))
MENU = Screen(
    key="home.menu",
    talk="t1",
    turn=3,
    text="Welcome",
    offered=OPTIONS,
    first=0,
    last=len(OPTIONS),
    nav=Nav(back=False, home=False, more=False),
    nav_words=WORDS,
    notice="",
    secret=False,
    out_of_sight=False,
    receipt="",
    ends=False,
    input="choice",
    page=0,
    pages=1,
    body="Welcome\n1. Buy\n2. Wallet",
    page_text="Welcome",
)
END = replace(
    MENU,
    offered=(),
    last=0,
    nav=Nav(back=False, home=True, more=False),
    body="Paid.\n00. Main menu",
    page_text="Paid.",
    input="none",
)
ASKED = ChatMessage("wamid.U1", USER_ID, Doing.TEXT, text="hi", msisdn=WA_ID, own=True)
WORD = Telling("notice-1", "Your order is done", template_facts=("done", "REF-1"))
PICTURE = b"\x89PNG made up"


@dataclass
class Speaker:
    graph: Graph
    messenger: WhatsAppMessenger
    channel: Channel

    def to(self, identity: str = USER_ID) -> Address:
        return Address(self.channel.tenant_id, self.channel, identity)

    async def show(self, screen: Screen = MENU, **moment: Any) -> Delivery:
        return await self.messenger.show(self.to(), screen, Moment(**moment))

    async def tell(self, telling: Telling = WORD, *, template: bool = False) -> Delivery:
        return await self.messenger.tell(self.to(), telling, template=template)


@asynccontextmanager
async def speaker(made: Channel | None = None) -> AsyncIterator[Speaker]:
    """Talks to a Graph API; `made` is given its address."""
    async with graph() as served:
        made = made or channel()
        made = replace(made, settings={**made.settings, "api_base_url": served.base_url})
        messenger = WhatsAppMessenger(timeout_s=5, mark_after_s=0.05)
        try:
            yield Speaker(served, messenger, made)
        finally:
            await messenger.aclose()
