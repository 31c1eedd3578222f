"""What Telegram is told of a bot when a process starts, or its channel changes.

Source: https://core.telegram.org/bots/api#setwebhook and #setmycommands (November 2026). Both say
how it shall be from now on: telling twice changes nothing. Of the secret Telegram never tells what
it knows, so it is told anew each time.
"""

from bots.telegram.api import BotApi, Told
from core.domain.chat import Later, Refused
from core.domain.turns import Channel
from core.kit.texts import FALLBACK, Texts

UPDATES = ("message", "callback_query", "inline_query", "my_chat_member")
"""What is read; Telegram keeps the rest to itself."""

COMMANDS = ("start", "menu", "balance", "gifts", "status", "help", "language")
"""What the menu beside the text box offers; their words are `command.<name>` in the catalogue."""

_CONNECTIONS = 40
_CODE_LETTERS = 2


class Announcer:
    """Tells Telegram where a bot's updates go, and which commands it knows."""

    def __init__(self, api: BotApi, texts: Texts) -> None:
        self._api = api
        self._texts = texts

    async def announce(self, channel: Channel, public_url: str) -> Later | Refused | None:
        """Set the webhook below `public_url`, where there is one, and the commands.

        Safe to repeat. None when all was taken, else what Telegram said instead. A bot that is
        polled has no webhook: whoever polls it sees to that.
        """
        if public_url and channel.settings.get("polling") is not True:
            said = await self._webhook(channel, public_url)
            if not isinstance(said, Told):
                return said
        for language in self._languages():
            said = await self._commands(channel, language)
            if not isinstance(said, Told):
                return said
        return None

    async def _webhook(self, channel: Channel, public_url: str) -> Told | Later | Refused:
        secret = channel.credentials.get("webhook_secret", "")
        if not secret:
            return Refused("the channel has no webhook_secret: nothing would be let in")
        parameters = {
            "url": f"{public_url.rstrip('/')}/telegram/{channel.key}",
            "secret_token": secret,
            "allowed_updates": UPDATES,
            "max_connections": _CONNECTIONS,
        }
        return await self._api.ask(channel, "setWebhook", parameters)

    async def _commands(self, channel: Channel, language: str) -> Told | Later | Refused:
        """In English for everybody, and in each other language for those whose app speaks it."""
        commands = [
            {"command": name, "description": self._texts.get(language, f"command.{name}")}
            for name in COMMANDS
        ]
        parameters: dict[str, object] = {"commands": commands}
        if language != FALLBACK:
            parameters["language_code"] = language
        return await self._api.ask(channel, "setMyCommands", parameters)

    def _languages(self) -> list[str]:
        return [each for each in self._texts.languages if len(each) == _CODE_LETTERS]
