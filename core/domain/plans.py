"""Bundles by a name of our own, so that the same one can be bought of whoever sells it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.routing import PlanOffer

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Plan:
    """One bundle, whoever sells it.

    Attributes:
        id: Our own name of it, like `mtn-1gb-30d-sme`.
        category: What providers distinguish: `sme`, `gifting`, `corporate`, `direct`. Two bundles
            of one size and validity in two categories are two plans: they work differently.
        price_minor: What the customer pays.
        active: Whether it is sold at all.
    """

    id: str
    network: str
    size_mb: int
    validity_days: int
    category: str
    price_minor: int
    active: bool = True

    @property
    def wrong(self) -> str | None:
        """What is wrong with it, in words, or None."""
        if not _NAME.fullmatch(self.id):
            return "plan: should be small letters, digits, '.', '_' and '-'"
        if not self.network:
            return "network: is required"
        for name in ("size_mb", "validity_days", "price_minor"):
            if getattr(self, name) <= 0:
                return f"{name}: should be above zero"
        return None


@dataclass(frozen=True, slots=True)
class PlanListing:
    """A plan, and how it is sold by each provider that has it."""

    plan: Plan
    offers: Mapping[str, PlanOffer] = field(default_factory=dict)
