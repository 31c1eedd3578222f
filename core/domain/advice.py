"""Which data plan would fit somebody, from what they used."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.plans import Plan

MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """What somebody used on one network: megabytes bought, over so many days."""

    network: str
    size_mb: int
    days: int

    @property
    def mb_a_month(self) -> int:
        return round(self.size_mb * MONTH_DAYS / max(1, self.days))


def cost_a_month(plan: Plan, need_mb: int) -> int:
    """What holding that need for a month costs with this plan alone, in minor units.

    As many of it as last a month, or as hold the need, whichever is more.
    """
    by_time = -(-MONTH_DAYS // plan.validity_days)
    by_size = -(-need_mb // plan.size_mb)
    return plan.price_minor * max(by_time, by_size)


def best_plan(plans: Sequence[Plan], usage: Usage) -> Plan | None:
    """The plan of that network that holds what was used for the least money a month.

    Of equals the one that needs renewing least often, then the larger one.
    """
    fitting = [plan for plan in plans if plan.active and plan.network == usage.network]
    need_mb = max(1, usage.mb_a_month)
    return min(
        fitting,
        key=lambda plan: (
            cost_a_month(plan, need_mb),
            -plan.validity_days,
            -plan.size_mb,
            plan.id,
        ),
        default=None,
    )


def in_words(size_mb: int) -> str:
    """`750MB`, `1GB`, `1.5GB`: as people say it, thousand or 1,024 alike."""
    if size_mb < 1000:  # noqa: PLR2004 - a gigabyte
        return f"{size_mb}MB"
    gigabytes = f"{size_mb / (1024 if size_mb % 1024 == 0 else 1000):.1f}"
    return gigabytes.removesuffix(".0") + "GB"
