"""Log lines: events as facts, keys beside them, and no secret or whole number in any of them."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from core.kit.msisdn import masked

_SECRET = re.compile(
    r"pin|token|password|secret|api_?key|authorization|code_plain|credential|otp", re.IGNORECASE
)
_NUMBER_KEYS = {"msisdn", "recipient", "phone", "phone_number", "to", "sender"}
_LONG_DIGITS = re.compile(r"(?<![\w-])\+?\d{10,15}(?![\w-])")


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact by key, and mask anything in the values that looks like a mobile number."""
    for key, value in event.items():
        if key in {"event", "timestamp", "level"}:
            continue
        if _SECRET.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = masked(value) if key in _NUMBER_KEYS else _mask_numbers(value)
    return event


def _mask_numbers(text: str) -> str:
    return _LONG_DIGITS.sub(lambda found: masked(found.group().removeprefix("+")), text)


def configure(*, json: bool, level: str = "INFO") -> None:
    """Set up logging for this process: JSON lines for machines, colours for a terminal."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries that log requests would write phone numbers and keys out of URLs.
    for name in ("httpx", "httpcore", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
