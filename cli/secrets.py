"""Secrets given to a command: by standard input, environment or prompt, never as an argument."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from core.domain.providers import CREDENTIALS
from core.kit.errors import Fault


def given_on_stdin() -> dict[str, Any]:
    """A JSON object from standard input. Raises `Fault` where it is none."""
    return _object(sys.stdin.read(), "standard input")


def given_in(variables: Mapping[str, str], name: str) -> dict[str, Any]:
    """The JSON object that a variable holds. Raises `Fault` where it is none, quoting nothing."""
    return _object(variables.get(name, ""), name)


def given_by_hand(names: Sequence[str]) -> dict[str, Any]:
    """Each of these credentials as it is typed, unseen. Raises `Fault` for one that is none."""
    if unknown := sorted(set(names) - set(CREDENTIALS)):
        raise Fault(f"--ask {unknown[0]}: should be one of {', '.join(CREDENTIALS)}")
    return {name: typer.prompt(name, hide_input=True, err=True) for name in names}


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Fault(f"{what}: should be a JSON object")
    return given
