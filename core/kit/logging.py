"""Log lines: events as facts, keys beside them, and no secret or whole number in any of them."""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from core.kit import masking
from core.kit.errors import Fault

_KEPT = {"timestamp", "level"}
log = structlog.get_logger()


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact by key, and mask what looks like a number or a secret in any value, however deep."""
    for key, value in event.items():
        if key == "event":
            event[key] = masking.text(str(value))
        elif key not in _KEPT:
            event[key] = masking.value_of(key, value)
    return event


def configure(*, json: bool, level: str = "INFO") -> None:
    """Set up logging for this process: JSON lines for machines, colours for a terminal.

    What libraries log goes the same way and is masked as well; so is the traceback of a crash.

    Raises:
        Fault: there is no such level.
    """
    levels = logging.getLevelNamesMapping()
    if level.upper() not in levels:
        raise Fault(f"CALLBOX_LOG_LEVEL: {level!r} is none of {', '.join(sorted(levels))}")
    stamps: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    ends = [structlog.processors.ExceptionRenderer(masking.exception), mask, _renderer(json=json)]
    structlog.configure(
        processors=[*stamps, *ends],
        wrapper_class=structlog.make_filtering_bound_logger(levels[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _take_in_libraries(stamps, ends)
    sys.excepthook = _crashed


def _renderer(*, json: bool) -> Any:
    if json:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _take_in_libraries(stamps: list[Any], ends: list[Any]) -> None:
    """Warnings and worse: below that, libraries log requests with their URLs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*stamps, _mask_message],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ends],
        )
    )
    root = logging.getLogger()
    for earlier in root.handlers[:]:
        if isinstance(earlier.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)


def _mask_message(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A library's line is a sentence that may quote an exception; ours are names of facts."""
    event["event"] = masking.message(str(event["event"]))
    return event


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is logged like anything else."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    log.critical("process.crashed", exc_info=(kind, error, trace))
