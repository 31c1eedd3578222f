"""Which amounts may be paid in, when to look for a payment, when to ask for a link again."""

import datetime as dt
from dataclasses import dataclass

from core.ports import Intent, PaymentState

_LINK_WAIT_MIN_S = 2.0
_LINK_WAIT_MAX_S = 300.0


@dataclass(frozen=True, slots=True)
class FundingRules:
    """Bounds in minor units and times in seconds.

    Attributes:
        checks_after_s: At which ages of an intent its payment is looked for.
        addresses: The domain of the mail address that gateways insist on; nobody is written to.
        unpaid_max: How many links of the last `unpaid_within_s` may wait to be paid.
        same_within_s: How long the same amount again is the same request again.
        link_within_s: How long a gateway is asked for a link before the customer is told that
            there is none.
        unanswered_every_s: How often a gateway that cannot be asked is asked again beyond
            `checks_after_s`; at most `looks_max` looks are taken at one intent then.
    """

    amount_min_minor: int
    amount_max_minor: int
    checks_after_s: tuple[float, ...] = (60, 300, 900, 3600, 86_400, 172_800, 259_200)
    addresses: str = "customers.invalid"
    unpaid_max: int = 5
    unpaid_within_s: float = 3600
    same_within_s: float = 600
    link_within_s: float = 900
    unanswered_every_s: float = 1800
    looks_max: int = 40

    def next_look(
        self, intent: Intent, found: PaymentState, now: dt.datetime
    ) -> dt.datetime | None:
        """When to look for the payment again, or None for never, unless a webhook asks for it.

        A paid intent is looked at once more only where the gateway could not be asked.
        """
        unanswered = found is PaymentState.UNKNOWN
        if intent.state == "paid" and not unanswered:
            return None
        age_s = (now - intent.created_at).total_seconds()
        for after_s in self.checks_after_s:
            if after_s > age_s:
                return intent.created_at + dt.timedelta(seconds=after_s)
        if unanswered and intent.checks < self.looks_max:
            return now + dt.timedelta(seconds=self.unanswered_every_s)
        return None

    def next_link_try(self, intent: Intent, now: dt.datetime) -> dt.datetime | None:
        """After twice the time that was waited until now, or None when it is time to give up."""
        age_s = (now - intent.created_at).total_seconds()
        if age_s >= self.link_within_s:
            return None
        wait_s = min(max(age_s, _LINK_WAIT_MIN_S), _LINK_WAIT_MAX_S)
        return now + dt.timedelta(seconds=wait_s)
