"""What an adapter must make of each part that a simulated seller plays."""

from core.domain.vending import Result

D, A, R, F, V, N, U = (
    Result.DELIVERED,
    Result.ACCEPTED,
    Result.REFUSED,
    Result.FAILED,
    Result.REVERSED,
    Result.NOT_FOUND,
    Result.UNKNOWN,
)

# What the vend says, what a requery says ten minutes later, and whether the value is there then.
_DAYS = {
    "ok": (D, D, 1),
    "ok_slow": (U, D, 1),
    "accepted_then_ok": (A, D, 1),
    "accepted_then_fail": (A, F, 0),
    "stuck_pending": (A, A, 0),
    "refused": (R, N, 0),
    "refused_html_503": (U, N, 0),
    "lost_before_order": (U, N, 0),
    "delivered_but_reply_lost": (U, D, 1),
    "delivered_after_timeout": (U, D, 1),
    "arrives_late": (U, D, 1),
    "reply_500_no_order": (U, N, 0),
    "reply_500_with_order": (U, D, 1),
    "garbage_json": (U, D, 1),
    "duplicate_ref": (U, D, 1),
    "wrong_network": (A, F, 0),
    "low_float": (R, N, 0),
    "requery_down": (A, D, 1),
    "reversed_after_delivered": (D, V, 0),
    "missing_token_then_token": (D, D, 1),
    "pin_order_id_only_then_pins": (D, D, 1),
    "price_changed": (D, D, 1),
    "catalogue_changed": (R, N, 0),
    "webhook_duplicate": (A, D, 1),
    "webhook_late": (A, D, 1),
    "webhook_forged": (A, F, 0),
    "webhook_before_reply": (U, D, 1),
    # Some seller's own.
    "unexpected_code": (U, D, 1),
    "variant_shapes": (U, D, 1),
    "silent_network": (A, D, 1),
    "silent_network_then_fail": (A, F, 0),
    "on_hold": (A, D, 1),
    "on_hold_then_fail": (A, F, 0),
    "login_page": (U, N, 0),
    "signature_wrong": (U, D, 1),
    "no_response_with_order": (U, D, 1),
    "no_response_no_order": (U, N, 0),
    "token_expired": (R, N, 0),
    "timeout_503": (U, D, 1),
}
# Where a contract promises less, or tells more.
_VENDS_OTHERWISE = {
    ("vtpass", "wrong_network"): F,  # told at once
    ("buypower", "missing_token_then_token"): A,  # asked for electricity, which has a token
    ("baxi", "low_float"): U,  # its code says nothing of the kind
    ("inlomax", "refused"): F,  # one word for both
    ("inlomax", "catalogue_changed"): F,
    ("reseller", "refused"): U,  # nobody says what its errors prove
    ("reseller", "low_float"): U,
    ("reseller", "catalogue_changed"): U,
}
_ENDS_OTHERWISE = {("buypower", "reversed_after_delivered"): F}
# A reply only says that an order was taken.
_TAKERS = frozenset({"reloadly", "flutterwave_bills"})
# They cannot be asked by our reference.
_MUTE = frozenset({"inlomax", "reseller"})
# That an order is not among its latest proves nothing.
_LISTS_ONLY = frozenset({"smeplug"})


def day(seller: str, part: str) -> tuple[Result, Result, int]:
    """The vend's class, the class of a requery in the end, and the deliveries in the end."""
    vended, ended, deliveries = _DAYS[part]
    vended = _VENDS_OTHERWISE.get((seller, part), vended)
    ended = _ENDS_OTHERWISE.get((seller, part), ended)
    if seller in _TAKERS and vended is Result.DELIVERED:
        vended = Result.ACCEPTED
    if seller in _MUTE or (seller in _LISTS_ONLY and ended is Result.NOT_FOUND):
        ended = Result.UNKNOWN
    return vended, ended, deliveries
