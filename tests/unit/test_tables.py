"""What commands list: whole, whoever looks at it."""

import json
import os
import pty
import sys

import pytest

from cli.output import show_rows

ID = "0192f0c1-7c1e-7d3a-9b1e-2f6a4c8d1e5f"
NAME = "The front desk of the [second] shop :smile: by the road"
ROW = {
    "id": ID,
    "name": NAME,
    "address": "http://" + "a" * 60,
    "fee": "5.00",
    "why": "because of many reasons, each of them good, and some better; " * 4,
    "facts": {"nested": True},
}


def test_what_is_read_by_programs_is_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([ROW, ROW], of="shops", as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines[1:]:
        assert all(str(ROW[name]).strip() in line for name in ("id", "name", "address", "why"))


def test_nothing_is_cut_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells break between words; an id, which another command takes, is never broken."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    ours, screen = pty.openpty()
    with os.fdopen(screen, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        show_rows([ROW], of="shops", as_json=False)
        out.flush()
        shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert ID in shown
    assert str(ROW["address"]) in shown
    assert {*NAME.split(), *str(ROW["why"]).split()} <= {*shown.split()}


def test_where_there_is_nothing_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([], of="shops", as_json=False)

    assert capsys.readouterr().out == "No shops to show yet.\n"


def test_a_script_gets_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([], of="shops", as_json=True)

    assert json.loads(capsys.readouterr().out) == []
