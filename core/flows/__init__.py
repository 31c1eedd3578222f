"""The conversations, in menu order. A new one is a file here and a line below."""

from core.engine.flow import Flow, Flows, Shortcut
from core.flows.account import ACCOUNT
from core.flows.advice import DATA_ADVICE, SAY_DATA
from core.flows.airtime import AIRTIME, DIAL_AIRTIME, SAY_AIRTIME
from core.flows.fund import FUND, FUND_AT_ONCE
from core.flows.gift_create import GIFT_CREATE
from core.flows.gift_join import GIFT_JOIN, OPEN_GIFT
from core.flows.gift_rooms import GIFT_ROOMS
from core.flows.gifts import GIFTS
from core.flows.help import HELP
from core.flows.home import announce_latest, home_of
from core.flows.hotspot import SAY_WIFI, WIFI, WIFI_FOR_ME
from core.flows.hotspot_help import WIFI_CHECK, WIFI_HELP
from core.flows.hotspot_mine import MY_WIFI
from core.flows.language import SPEAK
from core.flows.link import LINK
from core.flows.pins import ASK_PIN, PIN, SET_PIN
from core.flows.wallet import WALLET
from core.flows.withdraw import WITHDRAW

__all__ = ["FLOWS", "SHORTCUTS", "all_flows", "announce_latest"]

FLOWS: tuple[Flow, ...] = (
    AIRTIME,
    WALLET,
    FUND,
    WITHDRAW,
    PIN,
    HELP,
    ACCOUNT,
    GIFTS,
    WIFI,
    SPEAK,
    DATA_ADVICE,
    ASK_PIN,
    SET_PIN,
    GIFT_CREATE,
    GIFT_JOIN,
    GIFT_ROOMS,
    LINK,
    MY_WIFI,
    WIFI_HELP,
    WIFI_CHECK,
)

SHORTCUTS: tuple[Shortcut, ...] = (
    DIAL_AIRTIME,
    FUND_AT_ONCE,
    OPEN_GIFT,
    SAY_AIRTIME,
    SAY_DATA,
    WIFI_FOR_ME,
    SAY_WIFI,
    # Chat commands and links enter by a name.
    Shortcut("", "airtime", "open", name="airtime"),
    Shortcut("", "wallet", "what", name="wallet"),
    Shortcut("", "wallet", "balance", name="balance"),
    Shortcut("", "wallet", "statement", name="status"),
    Shortcut("", "withdraw", WITHDRAW.start, name="withdraw"),
    Shortcut("", "pin", "known", name="pin"),
    Shortcut("", "gifts", "what", name="gifts"),
    Shortcut("", "wifi", "what", name="wifi"),
    Shortcut("", "my_wifi", "mine", name="vouchers"),
    Shortcut("", "help", "what", name="help"),
    Shortcut("", "account", "what", name="account"),
    Shortcut("", "language", SPEAK.start, name="language"),
    Shortcut("", "help", "talk", name="talk"),
)


def all_flows() -> Flows:
    """Every conversation with the main menu made of them. Raises `BrokenFlow` if one is unsound."""
    return Flows((home_of(FLOWS), *FLOWS), home="home", shortcuts=SHORTCUTS, door="link")
