"""Speaks WhatsApp: one message a turn, and for each error what is to be done about it.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages

- `POST /{version}/{phone_number_id}/messages`: `{messaging_product, recipient_type, type, ...}`,
  for a number in `to`, for a user id in `recipient`. The answer names it: `{messages: [{id}]}`.
- `biz_opaque_callback_data` (at most 512) comes back in all statuses of that message.
- `POST .../media` as a form: `messaging_product`, `type`, `file`. The answer: `{id}`.
- One message in six seconds to one person, in bursts of 45: hence one message a turn.
- Nothing that a person wrote can be deleted by us.
"""

import re
from uuid import UUID

import msgspec

from bots.whatsapp import rendering
from bots.whatsapp.errors import PAIR_LIMIT, refusal, silence, unreadable
from bots.whatsapp.marks import Marks, Recent
from bots.whatsapp.rendering import Content
from bots.whatsapp.settings import Settings, settings_of, token_of
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Doing,
    Refused,
    Sent,
    Telling,
)
from core.domain.display import Screen
from core.domain.turns import Channel
from core.ports.chat import Moment
from core.providers.http import NoReply, Reply, client, send
from core.providers.values import member, whole, word

_TIMEOUT_S = 10.0
_UPLOAD_S = 20.0
# The person waits for an answer meanwhile.
_MARK_S = 2.0
_OK = 2
_KEY_MAX = 512
_NUMBER = re.compile(r"\d{5,20}", re.ASCII)
_ENCODER = msgspec.json.Encoder()

_NO_SETTINGS = Refused("the channel's settings will not do", stops=True)
_NO_TOKEN = Refused("the channel has no access token", stops=True)


class WhatsAppMessenger:
    """Keeps `core.ports.chat.Messenger`.

    Made inside `core.providers.addresses.reaching`, it goes no further than said there.
    """

    kind = "whatsapp"

    def __init__(self, *, timeout_s: float = _TIMEOUT_S, mark_after_s: float = 1.0) -> None:
        self._timeout_s = timeout_s
        self._http = client(timeout_s=timeout_s)
        self._marks = Marks(self._mark_read, after_s=mark_after_s)
        self._strained: Recent[int] = Recent()

    async def received(self, channel: Channel, message: ChatMessage) -> None:
        """Read, and somebody seems to be typing, until the answer comes."""
        if message.doing is Doing.NUDGE:
            return
        self._marks.marked(channel, message.identity, message.external_id)
        await self._mark(channel, message.external_id, typing=True)

    async def show(self, to: Address, screen: Screen, moment: Moment) -> Delivery:
        """Always below what was said before: nothing can be put in its place."""
        image_id = ""
        if moment.picture and not screen.page_options:
            image_id = await self._uploaded(to.channel, moment.picture)
        content = rendering.of_screen(
            screen,
            unlock_url=moment.unlock_url,
            image_id=image_id,
            asks_number=_is_hidden(to.identity, moment.answering),
        )
        delivery = await self._sent(to, content)
        if moment.answering is not None and isinstance(delivery, Sent):
            self._marks.note(to.channel, to.identity, moment.answering.external_id)
        return delivery

    async def tell(self, to: Address, telling: Telling, *, template: bool = False) -> Delivery:
        """As a template its facts alone, since nothing else is approved."""
        if template:
            return await self._told_by_template(to, telling)
        if telling.picture and len(telling.text) <= rendering.BODY_MAX:
            image_id = await self._uploaded(to.channel, telling.picture)
            if image_id:
                image = rendering.of_image(image_id, telling.text)
                return await self._sent(to, image, key=telling.key)
        return await self._sent(to, rendering.of_text(telling.text), key=telling.key)

    async def unsay(self, channel: Channel, message: ChatMessage) -> bool:  # noqa: ARG002 - the port's
        """WhatsApp cannot."""
        return False

    async def aclose(self) -> None:
        await self._marks.aclose()
        await self._http.aclose()

    async def _told_by_template(self, to: Address, telling: Telling) -> Delivery:
        settings = settings_of(to.channel)
        if settings is None:
            return _NO_SETTINGS
        if settings.template is None:
            return Refused("the channel has no template")
        template = settings.template
        content = rendering.of_template(template.name, template.language, telling.template_facts)
        return await self._sent(to, content, key=telling.key)

    async def _sent(self, to: Address, content: Content, *, key: str = "") -> Delivery:
        """Send one message to a person. Meta brings `key` back in each status of it."""
        whom = "to" if _NUMBER.fullmatch(to.identity) else "recipient"
        body = {"recipient_type": "individual", whom: to.identity, **content}
        if key:
            body["biz_opaque_callback_data"] = key[:_KEY_MAX]
        answer = await self._post(to.channel, body, act="whatsapp.send", within_s=self._timeout_s)
        if isinstance(answer, Refused):
            return answer
        who = (to.channel.id, to.identity)
        delivery = self._read(answer, who)
        if isinstance(delivery, Sent):
            self._strained.drop(who)
        return delivery

    def _read(self, answer: Reply | NoReply, who: tuple[UUID, str]) -> Delivery:
        if isinstance(answer, NoReply):
            return silence(answer)
        document = answer.json()
        if answer.status // 100 == _OK:
            return Sent(_first_id(document)) if isinstance(document, dict) else unreadable()
        tries = 1
        if whole(member(document, "error", "code")) == PAIR_LIMIT:
            tries = (self._strained.get(who) or 0) + 1
            self._strained.put(who, tries)
        return refusal(answer, tries)

    async def _mark_read(self, channel: Channel, message_id: str) -> None:
        await self._mark(channel, message_id, typing=False)

    async def _mark(self, channel: Channel, message_id: str, *, typing: bool) -> None:
        body: Content = {"status": "read", "message_id": message_id}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        await self._post(channel, body, act="whatsapp.mark", within_s=_MARK_S)

    async def _post(
        self, channel: Channel, body: Content, *, act: str, within_s: float
    ) -> Reply | NoReply | Refused:
        access = _access(channel)
        if isinstance(access, Refused):
            return access
        settings, headers = access
        content = _ENCODER.encode({"messaging_product": "whatsapp", **body})
        headers["content-type"] = "application/json"
        request = self._http.build_request(
            "POST", settings.url("messages"), content=content, headers=headers
        )
        return await send(self._http, request, act=act, within_s=within_s)

    async def _uploaded(self, channel: Channel, picture: bytes) -> str:
        """What the picture is called there; "" where it was not taken: words alone will do."""
        access = _access(channel)
        if isinstance(access, Refused):
            return ""
        settings, headers = access
        request = self._http.build_request(
            "POST",
            settings.url("media"),
            data={"messaging_product": "whatsapp", "type": "image/png"},
            files={"file": ("receipt.png", picture, "image/png")},
            headers=headers,
        )
        answer = await send(self._http, request, act="whatsapp.upload", within_s=_UPLOAD_S)
        if isinstance(answer, NoReply) or answer.status // 100 != _OK:
            return ""
        return word(member(answer.json(), "id")) or ""


def _access(channel: Channel) -> tuple[Settings, dict[str, str]] | Refused:
    """Where the channel's number is reached, and with which header."""
    settings = settings_of(channel)
    if settings is None:
        return _NO_SETTINGS
    token = token_of(channel)
    if token is None:
        return _NO_TOKEN
    return settings, settings.auth(token)


def _is_hidden(identity: str, answering: ChatMessage | None) -> bool:
    """Whether we know the person by a user id alone."""
    known = answering is not None and answering.own and answering.msisdn
    return not known and _NUMBER.fullmatch(identity) is None


def _first_id(document: object) -> str:
    messages = member(document, "messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return word(member(first, "id")) or ""
