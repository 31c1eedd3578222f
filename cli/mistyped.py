"""What was typed wrong, in one line."""

import typer
from pydantic import ValidationError

from core.kit.expected import in_words


def mistyped(error: typer.TyperException) -> str:
    """What is wrong with a command line and where its help is; "" where that was shown at once."""
    line = " ".join(_what(error).split())
    context: typer.Context | None = getattr(error, "ctx", None)
    return f"{line} (see {context.command_path} --help)" if line and context else line


def _what(error: typer.TyperException) -> str:
    if not isinstance(error, typer.BadParameter) or not error.message:
        return error.format_message().rstrip(".")  # a name that is missing, or not known
    what, cause = error.message, error.__cause__
    if isinstance(cause, ValidationError):
        what = in_words(cause.errors(include_url=False)[0])
    _, found, choices = what.partition(" is not one of ")
    if found:
        what = f"should be one of {choices}".replace("'", "").rstrip(".")
    elif "%Y-%m-%d" in what:
        what = "should be a day, like 2026-03-01"
    named = error.param_hint or (error.param.opts[0] if error.param else "")
    return f"{named}: {what}" if isinstance(named, str) and named else what
