"""What settings mean to each service."""

import datetime as dt

from core.domain.requery import Policy
from core.services.approvals import ApprovalRules
from core.services.cases import CaseRules
from core.services.funding import FundingRules
from core.services.gift_guard import GuardRules
from core.services.gift_pages import PageRules
from core.services.linking import LinkRules
from core.services.live_chat import LiveRules
from core.services.payouts import PayoutTerms
from core.services.purchases import Terms
from core.services.review import HealthRules
from core.services.router_delivery import DeliveryRules
from core.services.router_watch import WatchRules
from core.services.suspicions import SuspicionRules
from core.services.virtual_accounts import AccountRules
from core.services.vouchers import SaleRules
from core.settings import Settings

WORKER_LAG_MAX_S = 60.0


def terms(settings: Settings) -> Terms:
    return Terms(
        amount_min_minor=settings.airtime_min_minor,
        amount_max_minor=settings.airtime_max_minor,
        fee_minor=settings.airtime_fee_minor,
        day_limit_minor=settings.airtime_day_limit_minor,
        in_doubt_deadline_s=settings.in_doubt_deadline_s,
    )


def payout_terms(settings: Settings) -> PayoutTerms:
    return PayoutTerms(
        offered=settings.with_withdrawals,
        amount_min_minor=settings.withdraw_min_minor,
        amount_max_minor=settings.withdraw_max_minor,
        fee_minor=settings.withdraw_fee_minor,
        day_limit_minor=settings.withdraw_day_limit_minor,
        deadline_s=settings.withdraw_deadline_s,
    )


def voucher_rules(settings: Settings) -> SaleRules:
    return SaleRules(
        refund_after_s=settings.voucher_refund_after_s,
        unproven=settings.vouchers_by != "routers",
    )


def delivery_rules(settings: Settings) -> DeliveryRules:
    return DeliveryRules(
        lease_s=settings.router_lease_s, compare_every_s=settings.router_compare_every_s
    )


def funding_rules(settings: Settings) -> FundingRules:
    return FundingRules(
        amount_min_minor=settings.fund_min_minor,
        amount_max_minor=settings.fund_max_minor,
        checks_after_s=settings.fund_checks_after_s,
    )


def account_rules(settings: Settings) -> AccountRules:
    return AccountRules(checks_after_s=settings.fund_checks_after_s)


def case_rules(settings: Settings) -> CaseRules:
    return CaseRules(
        in_doubt_after_s=settings.case_in_doubt_after_s,
        evidence_after_s=settings.case_evidence_after_s,
    )


def health_rules(settings: Settings) -> HealthRules:
    return HealthRules(
        review_every_s=settings.health_review_every_s,
        window_s=settings.health_window_s,
        outage_s=settings.outage_after_s,
        float_low_minor=settings.float_low_minor,
        float_low_of=settings.float_low_of,
        least_minor=settings.airtime_min_minor,
        lag_max_s=WORKER_LAG_MAX_S,
        kept_s=settings.health_kept_days * 86_400,
    )


def link_rules(settings: Settings) -> LinkRules:
    return LinkRules(
        codes_of_one=settings.link_codes_of_one,
        codes_of_all=settings.link_codes_of_all,
        reset_after=dt.timedelta(days=settings.pin_reset_wait_days),
    )


def approval_rules(settings: Settings) -> ApprovalRules:
    return ApprovalRules(
        confirm_within_s=settings.operator_confirm_s,
        second_person=settings.operator_second_person,
    )


def live_rules(settings: Settings) -> LiveRules:
    return LiveRules(idle_s=settings.live_chat_idle_s, kept_s=settings.live_chat_kept_days * 86_400)


def guard_rules(settings: Settings) -> GuardRules:
    return GuardRules(
        rooms_an_hour=settings.gift_rooms_an_hour,
        of_one_giver_a_day=settings.gift_of_one_giver_a_day,
        people_of_device_a_room=settings.gift_people_of_device_a_room,
        people_of_device_a_day=settings.gift_people_of_device_a_day,
        people_of_address_a_room=settings.gift_people_of_address_a_room,
        people_of_address_a_day=settings.gift_people_of_address_a_day,
        newcomers_a_minute=settings.gift_newcomers_a_minute,
    )


def gift_page_rules(settings: Settings) -> PageRules:
    return PageRules(
        of_address=settings.gift_codes_of_address,
        of_room=settings.gift_codes_of_room,
        of_all=settings.gift_codes_of_all,
    )


def suspicion_rules(settings: Settings) -> SuspicionRules:
    return SuspicionRules(codes_max=settings.suspicious_codes)


def policy(settings: Settings) -> Policy:
    return Policy(
        schedule_s=settings.requery_after_s,
        not_found_apart_s=settings.not_found_apart_s,
        settle_s=settings.settle_s,
        paid_back_every_s=settings.paid_back_every_s,
        send_within_s=settings.send_within_s,
    )


def watch_rules(settings: Settings) -> WatchRules:
    every_s = settings.router_watch_every_s
    return WatchRules(
        every_s=every_s,
        lease_s=max(90.0, 3 * every_s),
        stray_s=every_s / 2,
        looks_kept_days=settings.router_looks_kept_days,
        hours_kept_days=settings.router_hours_kept_days,
    )
