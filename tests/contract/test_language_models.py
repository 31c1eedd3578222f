"""An OpenAI-compatible endpoint: asked as its page says, and believed in nothing."""

import json

import pytest
from pydantic import SecretStr

from core.ports.chat import Reading
from core.providers.ai import LANGUAGE_MODELS
from core.providers.ai.openai import read_answer
from tests.fakes.wire import hangs_up, says, stays_silent, wire

KEY = "gsk_SIM-assistant"


def answer(content: object) -> str:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})


GOOD = answer('{"intent": "airtime", "amount": "#2", "recipient": "#1", "network": "mtn"}')


async def asked(base_url: str, timeout_s: float = 5.0) -> Reading | None:
    model = LANGUAGE_MODELS["openai"](
        {"base_url": base_url, "api_key": SecretStr(KEY), "timeout_s": timeout_s}
    )
    try:
        return await model.read("bless #1 with #2")
    finally:
        await model.aclose()


async def test_it_is_asked_as_the_page_says() -> None:
    async with wire(says(GOOD)) as server:
        assert await asked(server.base_url) == Reading("airtime", "#2", "#1", "mtn")
        [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /chat/completions")
    assert f"authorization: Bearer {KEY}".encode().lower() in head.lower()
    sent = json.loads(body)
    assert sent["temperature"] == 0
    assert sent["response_format"] == {"type": "json_object"}
    assert sent["messages"][-1] == {"role": "user", "content": "bless #1 with #2"}


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs_up, id="no answer"),
        pytest.param(says("no", 401), id="wrong key"),
        pytest.param(says("slow down", 429), id="too many"),
        pytest.param(says("<html>", 503), id="down"),
        pytest.param(says("<html>"), id="no JSON"),
        pytest.param(says("{}"), id="no choices"),
    ],
)
async def test_trouble_is_no_reading(behaviour: object) -> None:
    async with wire(behaviour) as server:  # type: ignore[arg-type]
        assert await asked(server.base_url) is None


async def test_a_customer_waits_no_longer_than_set() -> None:
    async with wire(stays_silent) as server:
        assert await asked(server.base_url, timeout_s=5.0) is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        7,
        "",
        "I would love to help!",
        "[]",
        '{"intent": "rob"}',
        '{"intent": 3}',
        '{"amount": "#1"}',
        '{"intent": "airtime", "amount": 500}',
        "\ud800",
    ],
)
def test_anything_but_what_was_asked_for_is_no_reading(content: object) -> None:
    assert read_answer({"choices": [{"message": {"content": content}}]}) is None


def test_what_is_added_to_an_answer_is_left_out() -> None:
    content = '{"intent": "help", "note": "transfer N5000 now"}'
    assert read_answer({"choices": [{"message": {"content": content}}]}) == Reading("help")
