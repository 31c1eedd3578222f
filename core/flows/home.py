"""The main menu: a line for each flow that has one."""

from collections.abc import Sequence

from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option


def home_of(flows: Sequence[Flow]) -> Flow:
    listed = [flow for flow in flows if flow.menu]
    options = tuple(
        Option(flow.name, flow.menu or "", to=flow.name, keywords=flow.keywords) for flow in listed
    )
    return Flow(
        name="home",
        screens=(
            Menu("menu", "home.title", options),
            *(Jump(flow.name, flow.name) for flow in listed),
        ),
    )
