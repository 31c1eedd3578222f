"""Inline queries: what the Bot API takes for an answer, and what a person makes of it.

Source: https://core.telegram.org/bots/api#answerinlinequery (November 2026): at most 50 results,
ids of 1 to 64 bytes, each once; a text of 1 to 4096 letters; a start parameter of 1 to 64 of
`A-Za-z0-9_-`. Of the kinds of result, articles with a text are read here.
"""

import re
from typing import Any

from sandbox.telegram_checks import check_text, read_markup, read_text
from sandbox.telegram_params import Params
from sandbox.telegram_state import bad

QUERY_MAX = 256

_RESULTS_MAX = 50
_ID_BYTES_MAX = 64
_WORD = re.compile(r"[\w-]{1,64}", re.ASCII)


def read_results(params: Params) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The results and the button above them, checked.

    Raises:
        Refusal: the real one would not take it.
    """
    results = params.structure("results")
    if not isinstance(results, list):
        raise bad("can't parse inline query results JSON object")
    if len(results) > _RESULTS_MAX:
        raise bad("RESULTS_TOO_MUCH")
    taken = [_result(each) for each in results]
    if len({each["id"] for each in taken}) < len(taken):
        raise bad("RESULT_ID_DUPLICATE")
    return taken, _button(params.structure("button"))


def passed_on(result: dict[str, Any]) -> dict[str, Any]:
    """The content of the message that choosing a result makes."""
    content = result["input_message_content"]
    text, entities = read_text(content["message_text"], content.get("parse_mode"))
    made: dict[str, Any] = {"text": text}
    if entities:
        made["entities"] = entities
    if result.get("reply_markup"):
        made["reply_markup"] = result["reply_markup"]
    return made


def _result(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad("can't parse inline query result: InlineQueryResult must be an Object")
    told = {key: value for key, value in given.items() if value is not None}
    name = told.get("id")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= _ID_BYTES_MAX:
        raise bad("RESULT_ID_INVALID")
    if told.get("type") != "article":
        raise bad("can't parse inline query result: the sandbox takes articles only")
    if not str(told.get("title") or "").strip():
        raise bad("RESULT_TITLE_INVALID")
    content = told.get("input_message_content")
    if not isinstance(content, dict) or not isinstance(content.get("message_text"), str):
        raise bad("can't parse inline query result: message content is empty")
    text, _ = read_text(content["message_text"], content.get("parse_mode"))
    check_text(text)
    markup = read_markup(told.get("reply_markup"))
    if markup is not None and "inline_keyboard" not in markup:
        raise bad("inline keyboard expected")
    return told | ({"reply_markup": markup} if markup else {})


def _button(given: object) -> dict[str, Any] | None:
    if not given:
        return None
    if not isinstance(given, dict) or not str(given.get("text") or "").strip():
        raise bad("can't parse inline query results button: text must be non-empty")
    told = {key: value for key, value in given.items() if value is not None}
    if "web_app" not in told and not _WORD.fullmatch(str(told.get("start_parameter") or "")):
        raise bad("START_PARAM_INVALID")
    return told
