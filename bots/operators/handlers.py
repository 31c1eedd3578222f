"""What the library calls: who it is that writes or taps, and what is said to them."""

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from telegram import Bot, CallbackQuery, Message, Update, User
from telegram.error import BadRequest, TelegramError
from telegram.ext import (
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bots.operators import acting, talking, words
from bots.operators.asking import Ask, Say
from bots.operators.commands import COMMANDS, carry_out
from bots.operators.core import OperatorCore
from bots.operators.polling import PASSING, App, Failures
from bots.operators.sending import send
from bots.operators.strangers import Strangers
from core.domain.operators import Operator, Role
from core.kit.errors import Problem
from core.kit.letters import readable

log = structlog.get_logger()

Context = ContextTypes.DEFAULT_TYPE
Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]

STRANGER = "This bot is for the people who run this shop. If you have a code: /join CODE"
_JOINED = "Welcome, {name}: {role} of {tenant}. /help shows what you may do."
_KNOWN = "You have joined already, {name}: {role} of {tenant}. /help shows what you may do."
_NO_CODE = "This code is not known, was used, or is too old."
_NO_WORDS = "Reply to a message of a chat, or use a command: /help."
_ANSWER_MAX = 200


class Handlers:
    """Looks every operator up anew: whoever was removed is a stranger at once."""

    def __init__(self, core: OperatorCore, failures: Failures, bot: Bot) -> None:
        self._core = core
        self._bot = bot
        self._failures = failures
        self._strangers = Strangers()

    def register(self, app: App) -> None:
        new = filters.UpdateType.MESSAGE  # what is edited later was asked before
        app.add_handler(CommandHandler("join", self._join, new))
        app.add_handler(CommandHandler("start", self._command("help"), new))
        for name in COMMANDS:
            app.add_handler(CommandHandler(name, self._command(name), new))
        app.add_handler(MessageHandler(new & ~filters.StatusUpdate.ALL, self._said))
        app.add_handler(CallbackQueryHandler(self._tapped))
        app.add_error_handler(self._failed)

    def _command(self, name: str) -> Handler:
        async def handle(update: Update, context: Context) -> None:
            message = update.message
            if message is None:
                return
            operator = await self._operator(message)
            if operator is None:
                await self._turned_away(message)
                return
            ask = _ask(operator, message, tuple(context.args or ()))
            await self._say(message.chat_id, await carry_out(self._core, name, ask))

        return handle

    async def _join(self, update: Update, context: Context) -> None:
        message = update.message
        user = _person(message) if message is not None else None
        if message is None or user is None or not self._is_private(message):
            return
        desk = self._core.operations.desk
        known, greeting = await desk.known(user.id), _KNOWN
        if known is None and context.args and self._strangers.may_try_code(user.id):
            known, greeting = await desk.join(user.id, "".join(context.args)), _JOINED
            if known is None:
                await self._say(message.chat_id, Say(_NO_CODE))
                return
        if known is None:
            await self._turned_away(message)
            return
        text = greeting.format(name=known.name, role=known.role.value, tenant=known.tenant)
        await self._say(message.chat_id, Say(text))

    async def _said(self, update: Update, _: Context) -> None:
        """Words that are no command: a reply to a message of ours is for the customer in it."""
        message = update.message
        if message is None:
            return
        operator = await self._operator(message)
        if operator is None:
            await self._turned_away(message)
            return
        answered = message.reply_to_message
        ours = answered is not None and answered.from_user is not None and answered.from_user.is_bot
        code = talking.coded_in(answered.text or "") if answered is not None and ours else None
        if code is None:
            if self._is_private(message):
                await self._say(message.chat_id, Say(_NO_WORDS))
            return
        await self._say(message.chat_id, await self._reply(operator, message, code))

    async def _reply(self, operator: Operator, message: Message, code: str) -> Say:
        if not operator.role.may(Role.SUPPORT):
            return Say("Talking to customers takes the role support at least.")
        if not message.text:
            return Say("Only words can be passed on.")
        try:
            ask = _ask(operator, message, ())
            return await talking.reply_to(self._core, ask, code, readable(message.text))
        except Problem as problem:
            return Say(words.of_problem(problem))

    async def _tapped(self, update: Update, _: Context) -> None:
        query = update.callback_query
        if query is None or query.message is None or not query.data:
            return
        operator = await self._core.operations.desk.known(query.from_user.id)
        if operator is None:
            await _answer(query, "You are no operator here.")
            return
        try:
            if query.data.startswith(f"{talking.TAKE}:"):
                await self._take(query, operator)
            else:
                await self._decide(query, operator)
        except Problem as problem:
            await _answer(query, words.of_problem(problem))
        except ValueError:
            await _answer(query, "This button is not known any more.")

    async def _take(self, query: CallbackQuery, operator: Operator) -> None:
        message, code = query.message, (query.data or "").partition(":")[2]
        assert message is not None
        if not operator.role.may(Role.SUPPORT):
            await _answer(query, "Talking to customers takes the role support at least.")
            return
        private = message.chat.type == message.chat.PRIVATE
        ask = Ask(operator, (code,), message.chat.id, message.message_id, private)
        say = await talking.take_coded(self._core, ask, code, over=False)
        await _answer(query, "It is yours.")
        await self._say(message.chat.id, say)

    async def _decide(self, query: CallbackQuery, operator: Operator) -> None:
        answer, say = await acting.decide(self._core, operator, query.data or "")
        await _answer(query, answer)
        await self._edit(query, say.text)
        for chat_id, other in say.others:
            await self._say(chat_id, other)

    async def _edit(self, query: CallbackQuery, text: str) -> None:
        """In the place of the buttons; a message that can be changed no more gets an answer."""
        try:
            await query.edit_message_text(text)
        except BadRequest as error:
            if "not modified" not in error.message.lower() and query.message is not None:
                await self._say(query.message.chat.id, Say(text))

    async def _operator(self, message: Message) -> Operator | None:
        """Who of ours wrote it, or None."""
        user = _person(message)
        return await self._core.operations.desk.known(user.id) if user is not None else None

    async def _turned_away(self, message: Message) -> None:
        """One polite line, and in a group not even that."""
        user = _person(message)
        if user is None or not self._is_private(message):
            return
        if self._strangers.may_hear(user.id):
            await self._say(message.chat_id, Say(STRANGER))

    @staticmethod
    def _is_private(message: Message) -> bool:
        return message.chat.type == message.chat.PRIVATE

    async def _say(self, chat_id: int, say: Say) -> None:
        await send(self._bot, chat_id, say, patient=True)
        for other_id, other in say.others:
            try:
                await send(self._bot, other_id, other, patient=True)
            except TelegramError as error:
                log.warning("operators.other_untold", error=type(error).__name__)

    async def _failed(self, update: object, context: Context) -> None:
        """Nothing of what was said goes into a log, and no error of Telegram's: a token may be in.

        What may be over in a moment is tried again by whoever polls.
        """
        error = context.error
        if not isinstance(update, Update) or error is None:
            log.error("operators.job_failed", error=type(error).__name__)
            return
        self._failures.note(update.update_id, error)
        if isinstance(error, PASSING):
            log.warning("operators.passing", error=type(error).__name__)
        elif isinstance(error, TelegramError):
            log.warning("operators.unanswered", error=type(error).__name__)
        else:
            log.error("operators.failed", exc_info=error)
            chat = update.effective_chat
            if chat is not None:
                await self._say(chat.id, Say("Something went wrong here. It was noted."))


def _person(message: Message) -> User | None:
    """Who wrote it; None where that is not one person.

    Whoever writes as a group or a channel is named by a user id that all who do so share
    (https://core.telegram.org/bots/api#message, `sender_chat`).
    """
    user = message.from_user
    return None if user is None or user.is_bot or message.sender_chat is not None else user


def _ask(operator: Operator, message: Message, args: tuple[str, ...]) -> Ask:
    private = message.chat.type == message.chat.PRIVATE
    return Ask(operator, args, message.chat_id, message.message_id, private)


async def _answer(query: CallbackQuery, text: str) -> None:
    """Best effort: a tap that is old can be answered no more."""
    try:
        await query.answer(text[:_ANSWER_MAX], show_alert=len(text) > 20)  # noqa: PLR2004 - fits a toast
    except TelegramError as error:
        log.info("operators.tap_unanswered", error=type(error).__name__)
