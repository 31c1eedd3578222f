"""Africa's Talking USSD."""

from core.domain.turns import Reply, SessionEnd
from core.kit.crypto import Keyring
from core.kit.letters import readable
from core.kit.msisdn import BadMsisdn, from_network
from ussd.forms import Unreadable, fields
from ussd.request import Headers, Malformed, Rendered, Request, SessionNotice
from ussd.transcript import Transcript

_SESSION_ID_CHARS_MAX = 128

# MCC and MNC. A code that is not here is a network that we do not name, never an error.
_NETWORKS = {
    "62120": "airtel",
    "62130": "mtn",
    "62150": "glo",
    "62160": "9mobile",
    "62001": "mtn",
    "62002": "vodafone",
    "62006": "airteltigo",
    "63902": "safaricom",
    "63903": "airtel",
    "63907": "telkom",
    "63999": "equitel",
    "63510": "mtn",
    "63513": "tigo",
    "63514": "airtel",
    "64002": "tigo",
    "64003": "zantel",
    "64004": "vodacom",
    "64005": "airtel",
    "64007": "ttcl",
    "64009": "halotel",
    "64101": "airtel",
    "64110": "mtn",
    "64111": "utl",
    "64114": "africell",
}

_STATUSES = {
    "Success": SessionEnd.COMPLETED,
    "Incomplete": SessionEnd.DROPPED,
    "Failed": SessionEnd.FAILED,
}


class AfricasTalking:
    """The wire contract of Africa's Talking.

    A turn is a POST of `application/x-www-form-urlencoded`:

    - `sessionId`: constant through one dial (`ATUid_` and 32 hex digits). Required.
    - `phoneNumber`: international with `+`, sent as `%2B`. Required. A `+` that was not escaped
      arrives as a space, which is repaired in this field and in no other.
    - `text`: all inputs of the session joined with `*`; empty at first. A first text that is not
      empty was dialled along with the code. Missing counts as empty.
    - `networkCode`: MCC and MNC, `99999` in their sandbox. May be missing or unknown.
    - `serviceCode`: `*384*1234#`. May be missing.

    Fields that we do not know are ignored. The answer is 200, `text/plain`, and begins with `CON `
    (more may be answered) or `END `, nothing before it: anything else, and any other status, ends
    the session. It must come within 10 s; a session lasts 180 s at most.

    Nothing is signed and no addresses are published: the key in the path is the secret, and a
    channel may list the addresses it takes requests from. No repeats are documented for turns, so
    all are reckoned with.

    The end of a session may be told by a POST form to the events URL, late, twice, early or never:
    `sessionId`, `status` (`Success` reached its end, `Incomplete` stopped where an answer was
    awaited, `Failed` we did not answer well), and among others `input` and `lastAppResponse`. These
    two may hold a PIN, and only the first two fields are ever read. The answer is 200 `OK`.
    `Success` says nothing about any payment.

    Sources: developers.africastalking.com/docs/ussd/overview, /handle_sessions and /notifications
    (August and September 2026); help.africastalking.com articles 1284071 (times), 484351
    (forms of an answer that end a session) and 1284121 (addresses).
    """

    name = "africastalking"
    methods = frozenset({"POST"})

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def parse(
        self,
        method: str,  # noqa: ARG002 - the port's; here it is always POST
        headers: Headers,  # noqa: ARG002 - the port's; here they say nothing
        body: bytes,
        query: bytes,  # noqa: ARG002 - the port's; here it is empty
    ) -> Request | Malformed:
        try:
            form = fields(body)
            session_id = form["sessionId"]
            msisdn = from_network(form["phoneNumber"])
        except Unreadable as error:
            return Malformed(str(error))
        except KeyError as error:
            return Malformed(f"no {error.args[0]}")
        except BadMsisdn:
            return Malformed("phoneNumber is no number")
        if not _is_session_id(session_id):
            return Malformed("sessionId is none")
        return Request(
            session_id,
            msisdn,
            Transcript(self._keyring, session_id, readable(form.get("text", ""))),
            form.get("serviceCode", ""),
            _NETWORKS.get(form.get("networkCode", "")),
        )

    def render(self, reply: Reply) -> Rendered:
        return Rendered((("END " if reply.ends else "CON ") + reply.text).encode())

    def parse_event(
        self,
        method: str,  # noqa: ARG002 - the port's; here it is always POST
        headers: Headers,  # noqa: ARG002 - the port's; here they say nothing
        body: bytes,
        query: bytes,  # noqa: ARG002 - the port's; here it is empty
    ) -> SessionNotice | Malformed:
        try:
            form = fields(body)
        except Unreadable as error:
            return Malformed(str(error))
        session_id = form.get("sessionId", "")
        if not _is_session_id(session_id):
            return Malformed("sessionId is none")
        if "status" not in form:
            return Malformed("no status")
        return SessionNotice(session_id, _STATUSES.get(form["status"]))


def _is_session_id(text: str) -> bool:
    """Short and printable: it is written to logs and keys."""
    return 0 < len(text) <= _SESSION_ID_CHARS_MAX and text.isascii() and text.isprintable()
