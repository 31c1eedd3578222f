"""What can go wrong, in one envelope, whoever notices it."""

import math
from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from core.domain.providers import BadConfiguration, UnknownProvider
from core.kit.errors import Problem
from core.kit.expected import in_words
from core.ports.hotspot import Refusal
from core.services.cases import CaseClosed, ResolutionNeeded, UnknownCase
from core.services.channel_desk import BadChannel, UnknownChannel
from core.services.credits import KeyUsed, WalletClosed, WrongCurrency
from core.services.dead_letters import NotGivenUp
from core.services.floats import ReferenceUsed, WrongFloatCurrency
from core.services.gift_desk import (
    REASON_MIN,
    BadGiftTerms,
    GiftEnded,
    GiftReasonNeeded,
    SeedHidden,
    UnknownGift,
)
from core.services.identities import (
    AlreadyReleased,
    IdentityOfNumber,
    ReasonNeeded,
    UnknownIdentity,
)
from core.services.live_chat import ChatOver, NothingSaid, TooLong, UnknownChat
from core.services.order_actions import (
    ActionKeyUsed,
    InFlight,
    LossBooked,
    NeverSent,
    OrderDelivered,
    UnknownOrder,
    WordsNeeded,
)
from core.services.parked import NotParked
from core.services.payout_desk import (
    AlreadySettled,
    EvidenceNeeded,
    NotWaiting,
    UnknownPayout,
)
from core.services.provider_configs import ChangedMeanwhile
from core.services.reconciliation import DayNotOver, UnknownParty, UnknownRun
from core.services.router_backups import NoBackupText, UnknownBackup
from core.services.router_bulks import BadBulk, UnknownBulk
from core.services.router_control import BadUser, IsVoucher, RouterDoubted, RouterRefused
from core.services.router_desk import (
    BadRouter,
    NotConfirmed,
    RouterNameTaken,
    RouterOwesVouchers,
    UnknownRouter,
)
from core.services.router_import import BadFile
from core.services.voucher_batches import BadBatch, BatchKeyUsed, UnknownBatch
from core.services.voucher_desk import NoSuchVoucher, NotSold, VoucherOver
from core.services.voucher_plans import BadPlan, PlanExists, UnknownPlan
from core.services.voucher_sheets import CARDS_MAX, BatchUnfinished, NoCards, SheetTooLong


class ApiError(Exception):
    """An answer that is not a success. `details` says by field what is wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


_PROBLEMS: Mapping[type[Problem], tuple[int, str]] = {
    BadConfiguration: (422, "The configuration is not valid."),
    UnknownProvider: (404, "No provider of this name is known."),
    ChangedMeanwhile: (409, "Somebody else is changing this configuration. Try again."),
    UnknownOrder: (404, "There is no transaction of this reference."),
    NotGivenUp: (409, "No notice of this id was given up, or it held a code, which is not kept."),
    NotParked: (409, "No message of this number is parked."),
    ActionKeyUsed: (409, "This idempotency key was used for another action. Nothing was done."),
    WordsNeeded: (422, "Say why, in a few characters at least."),
    OrderDelivered: (
        409,
        "It was delivered: give a credit, or resolve it as reversed if the provider took it back.",
    ),
    NeverSent: (409, "No provider was asked for it yet: it can only be refunded."),
    InFlight: (409, "The request may be on its way at this moment. Try again in two minutes."),
    LossBooked: (409, "Its late delivery is proven and booked as our loss."),
    BadChannel: (422, "The channel is not valid."),
    UnknownChannel: (404, "There is no such channel."),
    UnknownIdentity: (404, "This user has no such identity, or several that look like it."),
    IdentityOfNumber: (409, "The number itself is not unlinked: release it instead."),
    AlreadyReleased: (409, "This number was released before."),
    ReasonNeeded: (422, "Say why."),
    UnknownCase: (404, "There is no such case."),
    CaseClosed: (409, "This case is closed, with another resolution."),
    ResolutionNeeded: (422, "Say how it was settled."),
    UnknownChat: (404, "There is no such chat."),
    ChatOver: (409, "This chat is closed."),
    NothingSaid: (422, "Say something."),
    TooLong: (422, "This is too long for one message."),
    UnknownPayout: (404, "There is no payout of this reference."),
    NotWaiting: (409, "Only a payout that waits for a person can be settled by one."),
    AlreadySettled: (409, "This key settled it otherwise. Nothing was done."),
    EvidenceNeeded: (422, "Say how it is known: the bank's session id, a statement."),
    UnknownGift: (404, "There is no such gift room."),
    GiftEnded: (409, "This gift room has ended. Nothing was done."),
    GiftReasonNeeded: (422, f"Say why, in {REASON_MIN} characters or more."),
    SeedHidden: (409, "Its seed is published when the room ends, and not before."),
    BadGiftTerms: (422, "These settings are not valid."),
    WrongCurrency: (422, "The wallet is of another currency."),
    KeyUsed: (409, "This idempotency key was used for another credit. Nothing was done."),
    WalletClosed: (409, "This wallet is closed."),
    DayNotOver: (409, "Only a day that is over can be reconciled."),
    UnknownParty: (404, "We deal with nobody of this name."),
    UnknownRun: (404, "There is no such reconciliation."),
    ReferenceUsed: (409, "This reference was used for another payment. Nothing was done."),
    WrongFloatCurrency: (422, "The books are kept in another currency."),
    UnknownRouter: (404, "There is no such router."),
    RouterNameTaken: (409, "There is a router of this name."),
    RouterOwesVouchers: (409, "Somebody paid for a code there that is not used up."),
    BadRouter: (422, "The router is not valid."),
    UnknownBackup: (404, "There is no such backup of this router."),
    NoBackupText: (409, "The router's version lets nobody read its configuration (before 7.13)."),
    NotConfirmed: (422, "Type the router's name to confirm."),
    UnknownBulk: (404, "There is no such work on this router."),
    BadBulk: (422, "The users are not valid."),
    BadUser: (422, "The user is not valid."),
    IsVoucher: (409, "This user is a voucher: disable or refund it as one."),
    NoSuchVoucher: (404, "There is no such voucher."),
    VoucherOver: (409, "This voucher is over, or nobody owns it."),
    NotSold: (409, "No customer paid for this voucher: there is nothing to pay back."),
    BadBatch: (422, "The batch is not valid."),
    BatchKeyUsed: (409, "This idempotency key was used for another batch. Nothing was done."),
    UnknownBatch: (404, "There is no such batch."),
    BatchUnfinished: (409, "Its codes are still being made, or it was taken back."),
    SheetTooLong: (422, f"One file takes 1 to {CARDS_MAX} cards: say first and count."),
    BadPlan: (422, "The plan is not valid."),
    UnknownPlan: (404, "There is no such plan."),
    PlanExists: (409, "There is a plan of this code: change that one."),
}

# What a router answered: 503 is worth trying again, the rest takes somebody.
_REFUSED_STATUSES: Mapping[Refusal, int] = {
    Refusal.AWAY: 503,
    Refusal.RESTING: 503,
    Refusal.BUSY: 503,
    Refusal.MISSING: 404,
    Refusal.NO_MATCH: 422,
    Refusal.INVALID: 422,
}

_STATUSES: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This cannot be asked in that way."),
    413: ("body.too_large", "The body is too large."),
}


def of_problem(problem: Problem) -> ApiError:
    """An unlisted one is a plain 400 under its own code."""
    match problem:
        case RouterRefused(reason=reason):
            return _of_router(problem, _REFUSED_STATUSES.get(reason, 409))
        case RouterDoubted():
            return ApiError(503, problem.code, problem.words)
        case BadFile() | NoCards():
            return ApiError(422, problem.code, problem.words)
        case _:
            pass
    status, message = _PROBLEMS.get(type(problem), (400, "This cannot be done."))
    details = None
    if isinstance(
        problem,
        BadConfiguration | BadChannel | BadGiftTerms | BadRouter | BadBulk | BadUser,
    ):
        details = problem.fields
    elif isinstance(problem, BadBatch | BadPlan):
        why = str(problem.facts["why"])
        field, _, what = why.partition(": ")
        details = {field: what} if field.isidentifier() else {"body": why}
    elif isinstance(problem, WrongCurrency | WrongFloatCurrency):
        details = {"currency": f"should be {problem.facts['currency']}"}
    return ApiError(status, problem.code, message, details)


def _of_router(refused: RouterRefused, status: int) -> ApiError:
    after_s = refused.retry_after_s
    headers = {"retry-after": str(math.ceil(after_s))} if after_s else None
    return ApiError(status, refused.code, refused.words, headers=headers)


def of_status(error: HTTPException) -> ApiError:
    """What the framework refuses by itself."""
    phrase = HTTPStatus(error.status_code).phrase
    fallback = (phrase.lower().replace(" ", "_"), f"{phrase}.")
    code, message = _STATUSES.get(error.status_code, fallback)
    return ApiError(error.status_code, code, message, headers=error.headers)


def of_validation(error: RequestValidationError) -> ApiError:
    """What is wrong with a request, by field. What was given may be secret: it is not repeated."""
    details = {}
    for one in error.errors():
        where = [str(part) for part in one["loc"] if part not in {"body", "query", "path"}]
        words = in_words(one)
        if not where and one["type"] == "model_attributes_type":
            words += ", sent with content-type: application/json"
        details[".".join(where) or "body"] = words
    return ApiError(422, "request.invalid", "The request is not valid.", details)
