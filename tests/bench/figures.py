"""What a benchmark found, and how it is printed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure has to reach.

    With `binding` off it is printed beside the figure, and missing it fails nothing.
    """

    limit: float
    at_least: bool
    binding: bool = True

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def at_least(limit: float, *, binding: bool = True) -> Target:
    return Target(limit, at_least=True, binding=binding)


def at_most(limit: float, *, binding: bool = True) -> Target:
    return Target(limit, at_least=False, binding=binding)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a report."""

    what: str
    value: float
    unit: str = ""
    target: Target | None = None

    @property
    def met(self) -> bool:
        """It reached what it has to, if it has to reach anything."""
        return self.target is None or not self.target.binding or self.target.met_by(self.value)


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one benchmark. `notes` tell how they came about."""

    title: str
    figures: Sequence[Figure]
    notes: Sequence[str] = field(default=())

    @property
    def met(self) -> bool:
        return all(figure.met for figure in self.figures)


def show(report: Report) -> None:
    table = Table(title=report.title, title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("to reach", justify="right")
    table.add_column("")
    for figure in report.figures:
        table.add_row(
            figure.what, _amount(figure.value, figure.unit), _wanted(figure), _verdict(figure)
        )
    console = Console()
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of them do not exceed; they must be in order."""
    if not sorted_values:
        return math.nan
    return sorted_values[max(math.ceil(share * len(sorted_values)), 1) - 1]


def _amount(value: float, unit: str) -> str:
    if unit == "x":
        return f"{value:.2f} x"
    shown = f"{value:,.0f}" if value == round(value) or value >= 1000 else f"{value:.1f}"
    return f"{shown} {unit}".rstrip()


def _wanted(figure: Figure) -> str:
    target = figure.target
    if target is None:
        return ""
    return f"{'>=' if target.at_least else '<='} {_amount(target.limit, figure.unit)}"


def _verdict(figure: Figure) -> str:
    target = figure.target
    if target is None:
        return ""
    if target.met_by(figure.value):
        return "[green]ok[/]"
    return "[red]missed[/]" if target.binding else "[yellow]not yet[/]"
