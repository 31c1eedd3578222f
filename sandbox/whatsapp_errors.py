"""The Graph API's errors: their codes, words and HTTP statuses, as Meta's table lists them."""

from typing import Any

from core.kit.ids import uuid7

_TABLE: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131042: (400, "Business eligibility payment issue"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "Meta chose not to deliver"),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped User ID (BSUID) recipients are not supported for this message"),
    131064: (400, "Message limit reached"),
    132000: (400, "Template param count mismatch"),
    132001: (404, "Template does not exist"),
    132005: (400, "Template hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
}
_DETAILS = {
    130429: "Message failed to send because there were too many messages sent from this phone "
    "number in a short period of time.",
    131000: "Message failed to send due to an unknown error.",
    131026: "Message undeliverable.",
    131047: "Message failed to send because more than 24 hours have passed since the customer "
    "last replied to this number.",
    131056: "Message failed to send because there were too many messages sent from this phone "
    "number to the same phone number in a short period of time.",
}
# These name whom the message is for; the real one often tells them only later, by a status.
OF_THE_RECIPIENT = {131026, 131047, 131049, 131050, 131056, 131062, 130472}


class GraphError(Exception):
    """What the Graph API says instead of an answer."""

    def __init__(self, code: int, details: str = "", *, title: str = "", status: int = 0) -> None:
        known_status, known_title = _TABLE.get(code, (400, "Something went wrong"))
        self.code = code
        self.title = title or known_title
        self.details = details or _DETAILS.get(code, self.title)
        self.status = status or known_status
        super().__init__(self.title)

    def as_answer(self) -> dict[str, Any]:
        return {
            "error": {
                "message": f"(#{self.code}) {self.title}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": f"SIM{uuid7().hex[:20]}",
            }
        }

    def as_status_error(self) -> dict[str, Any]:
        """The same as a status webhook tells it."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }


def missing(name: str) -> GraphError:
    return GraphError(131008, f"Parameter is missing: {name}")


def invalid(details: str) -> GraphError:
    return GraphError(131009, details)
