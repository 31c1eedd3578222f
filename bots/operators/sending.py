"""Messages of the bot: plain text, in pieces where it is too long for one.

Source: https://core.telegram.org/bots/api#sendmessage (November 2026): a text has 1 to 4096
letters, counted in UTF-16; a button brings back 1 to 64 bytes. Nothing is sent as markup, so no
word of a customer's can break a message.
"""

import asyncio
from collections.abc import Iterator

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.error import RetryAfter

from bots.operators.asking import Button, Say

TEXT_MAX = 4096

# Longer than this nobody waits for an answer; what is told unasked waits in its row.
_PATIENCE_S = 30.0
_TRIES = 3
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


async def send(bot: Bot, chat_id: int, say: Say, *, patient: bool = False) -> None:
    """Send it, the buttons under the last piece.

    Raises `TelegramError`; `RetryAfter` only when `patient` is off or the wait is long.
    """
    pieces = list(split(say.text))
    for place, piece in enumerate(pieces, start=1):
        markup = keyboard(say.buttons) if place == len(pieces) else None
        await _send_one(bot, chat_id, piece, markup, patient=patient)


async def _send_one(
    bot: Bot, chat_id: int, text: str, markup: InlineKeyboardMarkup | None, *, patient: bool
) -> None:
    for left in reversed(range(_TRIES)):
        try:
            await bot.send_message(
                chat_id, text, reply_markup=markup, link_preview_options=_NO_PREVIEW
            )
            return
        except RetryAfter as error:
            wait_s = seconds(error)
            if not (patient and left and wait_s <= _PATIENCE_S):
                raise
            await asyncio.sleep(wait_s)


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks to wait."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int | float) else wait.total_seconds()


def keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    row = [InlineKeyboardButton(label, callback_data=data) for label, data in buttons]
    return InlineKeyboardMarkup([row])


def split(text: str, most: int = TEXT_MAX) -> Iterator[str]:
    """The text in pieces of at most so many UTF-16 units, cut between lines where there are any."""
    left = text.strip() or "\u2026"
    while left:
        if _units(left) <= most:
            yield left
            return
        cut = _cut(left, most)
        if piece := left[:cut].rstrip():
            yield piece
        left = left[cut:].lstrip("\n")


def _cut(text: str, most: int) -> int:
    """Where the longest piece ends that fits: after a line, else after a word, else anywhere."""
    units, end = 0, 0
    for letter in text:
        units += _units(letter)
        if units > most:
            break
        end += 1
    for between in ("\n", " "):
        place = text.rfind(between, 1, end)
        if place > end // 2:
            return place
    return end


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
