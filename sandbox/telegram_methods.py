"""The Bot API's methods about messages, as far as Callbox and its operators' bot use them."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.kit.clock import Clock
from sandbox.telegram_checks import check_caption, check_text, read_markup, read_text, units
from sandbox.telegram_files import File, Files
from sandbox.telegram_inline import read_results
from sandbox.telegram_params import Params
from sandbox.telegram_state import Bot, Chat, Person, Refusal, Stored, bad, chat_object

# The real one gives up somewhere after a quarter of a minute; nobody says exactly when.
QUERY_LIVES = dt.timedelta(seconds=60)

_DELETABLE_FOR = dt.timedelta(hours=48)
_ANSWER_MAX = 200
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}

Method = Callable[[Bot, Params], Awaitable[Any]]


@dataclass(slots=True)
class Methods:
    """Each takes a bot and its parameters, and returns the `result` or raises a `Refusal`."""

    clock: Clock
    files: Files
    people: dict[int, Person] = field(default_factory=dict)

    def about_messages(self) -> Mapping[str, Method]:
        """Those that change what a phone shows; faults are played on them."""
        return {
            "sendmessage": self.send_message,
            "sendphoto": self.send_photo,
            "senddocument": self.send_document,
            "editmessagetext": self.edit_text,
            "editmessagecaption": self.edit_caption,
            "editmessagereplymarkup": self.edit_markup,
            "deletemessage": self.delete_message,
        }

    def others(self) -> Mapping[str, Method]:
        return {
            "getme": self.get_me,
            "sendchataction": self.send_chat_action,
            "answercallbackquery": self.answer_callback_query,
            "answerinlinequery": self.answer_inline_query,
            "setmycommands": self.set_commands,
            "getmycommands": self.get_commands,
            "deletemycommands": self.delete_commands,
            "getchat": self.get_chat,
            "getfile": self.get_file,
        }

    async def get_me(self, bot: Bot, _: Params) -> dict[str, Any]:
        return bot.as_user() | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": True,
        }

    async def send_message(self, bot: Bot, params: Params) -> dict[str, Any]:
        chat = self._reachable(bot, params)
        text, entities = _words(params, "text", "entities")
        check_text(text)
        markup = read_markup(params.values.get("reply_markup"))
        content = {"text": text} | ({"entities": entities} if entities else {})
        return self._send(bot, chat, params, content, markup, params.text("text"))

    async def send_photo(self, bot: Bot, params: Params) -> dict[str, Any]:
        chat = self._reachable(bot, params)
        caption = _caption(params)
        markup = read_markup(params.values.get("reply_markup"))
        upload = params.upload("photo")
        file = self.files.photo(upload.content) if upload else self._known(params, "photo")
        content = {"photo": file.as_photo()} | caption
        return self._send(bot, chat, params, content, markup, params.text("caption"))

    async def send_document(self, bot: Bot, params: Params) -> dict[str, Any]:
        chat = self._reachable(bot, params)
        caption = _caption(params)
        markup = read_markup(params.values.get("reply_markup"))
        upload = params.upload("document")
        if upload:
            file = self.files.document(upload.content, upload.name, upload.mime_type)
        else:
            file = self._known(params, "document")
        content = {"document": file.as_document()} | caption
        return self._send(bot, chat, params, content, markup, params.text("caption"))

    async def edit_text(self, bot: Bot, params: Params) -> dict[str, Any]:
        message = self._editable(bot, params)
        text, entities = _words(params, "text", "entities")
        check_text(text)
        if "text" not in message.raw:
            raise bad("there is no text in the message to edit")
        content = {"text": text} | ({"entities": entities} if entities else {})
        return self._edit(message, params, content, ("text", "entities"))

    async def edit_caption(self, bot: Bot, params: Params) -> dict[str, Any]:
        message = self._editable(bot, params)
        caption = _caption(params)
        if "text" in message.raw:
            raise bad("there is no caption in the message to edit")
        return self._edit(message, params, caption, ("caption", "caption_entities"))

    async def edit_markup(self, bot: Bot, params: Params) -> dict[str, Any]:
        return self._edit(self._editable(bot, params), params, {}, ())

    async def delete_message(self, bot: Bot, params: Params) -> bool:
        message = self._found(bot, params, "delete")
        if self.clock.now() - message.at > _DELETABLE_FOR:
            raise bad("message can't be deleted for everyone")
        message.deleted = True
        return True

    async def send_chat_action(self, bot: Bot, params: Params) -> bool:
        chat = self._reachable(bot, params)
        if params.text("action") not in _ACTIONS:
            raise bad("wrong parameter action in request")
        chat.typing = params.text("action")
        return True

    async def answer_callback_query(self, bot: Bot, params: Params) -> bool:
        query_id = params.text("callback_query_id")
        query = bot.queries.get(query_id)
        if not query or self.clock.now() - query.at > QUERY_LIVES:
            raise bad(_TOO_OLD)
        text = params.text("text")
        if units(text) > _ANSWER_MAX:
            raise bad("MESSAGE_TOO_LONG")
        query.chat.answers.append(
            {
                "callback_query_id": query_id,
                "text": text,
                "show_alert": params.flag("show_alert"),
                "at": self.clock.now().isoformat(),
            }
        )
        return True

    async def answer_inline_query(self, bot: Bot, params: Params) -> bool:
        query = bot.queries.get(params.text("inline_query_id"))
        if not query or self.clock.now() - query.at > QUERY_LIVES:
            raise bad(_TOO_OLD)
        results, button = read_results(params)
        query.results = {str(each["id"]): each for each in results}
        query.chat.offered = {
            "query_id": params.text("inline_query_id"),
            "results": results,
            "button": button,
            "cache_time": params.number("cache_time"),
            "is_personal": params.flag("is_personal"),
        }
        return True

    async def set_commands(self, bot: Bot, params: Params) -> bool:
        commands = params.structure("commands")
        if not isinstance(commands, list) or not all(isinstance(each, dict) for each in commands):
            raise bad("can't parse commands JSON object")
        for each in commands:
            name, words = str(each.get("command", "")).lstrip("/"), str(each.get("description", ""))
            if not name.isascii() or not name.replace("_", "").isalnum() or len(name) > 32:  # noqa: PLR2004 - theirs
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(words) <= 256:  # noqa: PLR2004 - theirs
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        bot.commands[_reach(params)] = commands
        return True

    async def get_commands(self, bot: Bot, params: Params) -> list[dict[str, str]]:
        return bot.commands.get(_reach(params), [])

    async def delete_commands(self, bot: Bot, params: Params) -> bool:
        bot.commands.pop(_reach(params), None)
        return True

    async def get_chat(self, bot: Bot, params: Params) -> dict[str, Any]:
        chat = self._chat(bot, params)
        return chat_object(chat, self.people.get(chat.id)) | {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(
                (
                    "unlimited_gifts",
                    "limited_gifts",
                    "unique_gifts",
                    "premium_subscription",
                    "gifts_from_channels",
                ),
                False,
            ),
        }

    async def get_file(self, _: Bot, params: Params) -> dict[str, Any]:
        file = self.files.find(params.text("file_id"))
        if not file:
            raise bad("invalid file_id")
        return file.as_file() | {"file_path": file.path}

    def _chat(self, bot: Bot, params: Params) -> Chat:
        chat_id = params.number("chat_id")
        if not params.text("chat_id"):
            raise bad("chat_id is empty")
        if chat_id is None or chat_id not in bot.chats:
            raise bad("chat not found")
        return bot.chats[chat_id]

    def _reachable(self, bot: Bot, params: Params) -> Chat:
        chat = self._chat(bot, params)
        if chat.blocked and chat.id > 0:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was kicked from the supergroup chat")
        return chat

    def _found(self, bot: Bot, params: Params, purpose: str) -> Stored:
        chat = self._chat(bot, params)
        number = params.number("message_id")
        message = chat.messages.get(number) if number is not None else None
        if not message or message.deleted:
            raise bad(f"message to {purpose} not found")
        return message

    def _editable(self, bot: Bot, params: Params) -> Stored:
        """A message of the bot itself that came with no keyboard below the chat."""
        message = self._found(bot, params, "edit")
        if not message.from_bot or (message.markup and "inline_keyboard" not in message.markup):
            raise bad("message can't be edited")
        return message

    def _known(self, params: Params, name: str) -> File:
        given = params.text(name)
        file = self.files.find(given)
        if file:
            return file
        if given.startswith(("http://", "https://")):
            raise bad("failed to get HTTP URL content")
        raise bad(f"there is no {name} in the request" if not given else "wrong file identifier")

    def _send(
        self,
        bot: Bot,
        chat: Chat,
        params: Params,
        content: dict[str, Any],
        markup: dict[str, Any] | None,
        source: str,
    ) -> dict[str, Any]:
        now = self.clock.now()
        if chat.id > 0 and (number := params.number("reply_to_message_id")):
            content = content | _replied(chat, number)
        elif reply := params.fields("reply_parameters"):
            content = content | _replied(chat, reply.get("message_id"))
        raw = {
            "message_id": next(bot.numbers),
            "from": bot.as_user(),
            "chat": chat_object(chat, self.people.get(chat.id)),
            "date": int(now.timestamp()),
            **content,
        }
        if markup and markup.get("inline_keyboard"):
            raw["reply_markup"] = markup
        elif markup and "keyboard" in markup:
            _check_private(chat, markup)
            chat.keyboard = markup["keyboard"]
        elif markup and markup.get("remove_keyboard"):
            chat.keyboard = None
        chat.keep(Stored(raw, from_bot=True, at=now, markup=markup, source=source))
        chat.typing = None
        return raw

    def _edit(
        self, message: Stored, params: Params, content: dict[str, Any], fields: tuple[str, ...]
    ) -> dict[str, Any]:
        """Put the new content in place of `fields`; without a keyboard the old one goes."""
        markup = read_markup(params.values.get("reply_markup"))
        if markup and "inline_keyboard" not in markup:
            raise bad("inline keyboard expected")
        changed = {key: value for key, value in message.raw.items() if key not in fields}
        changed.pop("reply_markup", None)
        changed |= content
        if markup and markup["inline_keyboard"]:
            changed["reply_markup"] = markup
        if _timeless(changed) == _timeless(message.raw):
            raise bad(_NOT_MODIFIED)
        if fields:
            changed["edit_date"] = int(self.clock.now().timestamp())
            message.source = params.text(fields[0])
        message.raw, message.edited = changed, True
        return changed


def _words(params: Params, name: str, entities: str) -> tuple[str, list[dict[str, Any]]]:
    given = params.structure(entities) or []
    if not isinstance(given, list) or not all(
        isinstance(each, dict) and isinstance(each.get("offset"), int) for each in given
    ):
        raise bad("can't parse entities JSON object")
    return read_text(params.text(name), params.text("parse_mode") or None, given)


def _caption(params: Params) -> dict[str, Any]:
    caption, entities = _words(params, "caption", "caption_entities")
    check_caption(caption)
    told = {"caption": caption, "caption_entities": entities}
    return {key: value for key, value in told.items() if value}


def _replied(chat: Chat, number: object) -> dict[str, Any]:
    message = chat.messages.get(number) if isinstance(number, int) else None
    if not message or message.deleted:
        raise bad("message to be replied not found")
    return {
        "reply_to_message": {
            key: value for key, value in message.raw.items() if key != "reply_to_message"
        }
    }


def _check_private(chat: Chat, markup: dict[str, Any]) -> None:
    asks = any(button.get("request_contact") for row in markup["keyboard"] for button in row)
    if asks and chat.id < 0:
        raise bad("phone number can be requested in private chats only")


def _timeless(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != "edit_date"}


def _reach(params: Params) -> tuple[str, str]:
    scope = params.fields("scope") or {"type": "default"}
    return str(sorted(scope.items())), params.text("language_code")
