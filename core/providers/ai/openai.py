"""Any endpoint that speaks OpenAI's chat completions; Groq's where nothing else is named.

Source: https://platform.openai.com/docs/api-reference/chat/create and, for the default model,
https://console.groq.com/docs/models (production models), read November 2026.

- `POST {base_url}/chat/completions` with `Authorization: Bearer`, `model`, `messages`,
  `response_format: {"type": "json_object"}`, `temperature: 0`, `max_completion_tokens`.
- The answer: `{choices: [{message: {content}}]}`, where `content` is JSON as the prompt asked.

What a model says is never believed: it may only name one of our intents, and point at numbers
that the customer wrote. It never sees those numbers.
"""

import msgspec
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.ports.chat import INTENTS, Reading
from core.providers.http import NoReply, client, read_json, send
from core.providers.values import BaseUrl, Credential, TimeoutS, member

_ANSWER_TOKENS = 300
_PROMPT = (
    "You sort messages that customers in Africa write to a shop that sells airtime. Numbers in the "
    "message are replaced by #1, #2 and so on. Answer with one JSON object and nothing else: "
    '{"intent": one of ' + ", ".join(f'"{name}"' for name in INTENTS) + ', "amount": "#n" or null, '
    '"recipient": "#n", "self", "other" or null, "network": "mtn", "airtel", "glo", "9mobile" or '
    'null}. "airtime" is buying or sending airtime, card, credit or recharge; "other" is a person '
    'who is named without a number. If the message is anything else, the intent is "none".'
)


class Settings(BaseSettings):
    """From `ASSISTANT_*`, or given."""

    model_config = SettingsConfigDict(
        env_prefix="ASSISTANT_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.groq.com/openai/v1"
    api_key: Credential
    model: str = "openai/gpt-oss-20b"
    timeout_s: TimeoutS = 5.0


class OpenAiCompatible:
    """Keeps `core.ports.chat.LanguageModel`."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        self._model = settings.model
        self._timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"authorization": f"Bearer {settings.api_key.get_secret_value()}"},
        )

    async def read(self, words: str) -> Reading | None:
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": _PROMPT},
                {"role": "user", "content": words},
            ],
            "response_format": {"type": "json_object"},
            "temperature": 0,
            "max_completion_tokens": _ANSWER_TOKENS,
        }
        request = self._http.build_request("POST", "/chat/completions", json=body)
        answer = await send(self._http, request, act="assistant.read", within_s=self._timeout_s)
        if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
            return None
        return read_answer(answer.json())

    async def aclose(self) -> None:
        await self._http.aclose()


def read_answer(answer: object) -> Reading | None:
    """What a completion says. Pure; anything but what was asked for is None."""
    choices = member(answer, "choices")
    if not isinstance(choices, list) or not choices:
        return None
    content = member(choices[0], "message", "content")
    if not isinstance(content, str):
        return None
    try:
        reading = msgspec.convert(read_json(content.encode()), Reading)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    return reading if reading.intent in INTENTS else None
