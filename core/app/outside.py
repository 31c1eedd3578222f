"""The adapters of the outside, from settings and environment."""

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from core.domain.live_keys import beside_sandbox
from core.kit.crypto import Keyring
from core.ports import PaymentGateway, SmsSender, VtuProvider
from core.ports.chat import LanguageModel
from core.ports.payouts import PayoutGateway
from core.providers.ai import LANGUAGE_MODELS
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.payouts import PAYOUT_GATEWAYS
from core.providers.sms import SMS_SENDERS
from core.providers.vtu import VTU_PROVIDERS
from core.settings import BadSettings, Settings, bad_setting

_PAYOUTS = "_payouts"  # a gateway's transfers are set up apart from what it collects
_NAMES = (
    *VTU_PROVIDERS,
    *PAYMENT_GATEWAYS,
    *SMS_SENDERS,
    *(name + _PAYOUTS for name in PAYOUT_GATEWAYS),
)

# Where the demo's payers find themselves after paying; the sandbox's own address is put in.
_PAID_PAGE = "{sandbox}/phone"

# How the demo's providers are reached: the sandbox on this machine, with its made-up keys.
_DEMO_KEYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "vtpass": (
        "/vtpass/api",
        {"api_key": "SIM-vtpass-key", "public_key": "PK_SIM", "secret_key": "SK_SIM"},
    ),
    "clubkonnect": (
        "/clubkonnect",
        {"user_id": "SIM-clubkonnect-user", "api_key": "SIM-clubkonnect-key"},
    ),
    "buypower": ("/buypower/v2", {"api_key": "SIM-buypower-key"}),
    "baxi": ("/baxi/api/baxipay", {"api_key": "SIM-baxi-key", "agent_id": "SIM"}),
    "reloadly": (
        "/reloadly",
        {
            "auth_url": "{sandbox}/reloadly/oauth/token",
            "client_id": "SIM-reloadly-client",
            "secret_key": "SIM-reloadly-secret",
            "webhook_key": "SIM-reloadly-hook",
        },
    ),
    "flutterwave_bills": (
        "/flutterwave_bills/v3",
        {"secret_key": "FLWSECK_TEST-SIM-X", "webhook_key": "SIM-flutterwave-hash"},
    ),
    "smeplug": ("/smeplug/api/v1", {"secret_key": "SIM-smeplug-secret"}),
    "inlomax": ("/inlomax/api", {"api_key": "SIM-inlomax-key"}),
    "paystack": ("/paystack", {"secret_key": "sk_test_SIM", "preferred_bank": "test-bank"}),
    "flutterwave": (
        "/flutterwave/v3",
        {
            "secret_key": "FLWSECK_TEST-SIM-X",
            "secret_hash": "SIM-flutterwave-hash",
            "return_url": _PAID_PAGE,
            "bvn": "00000000000",
        },
    ),
    "monnify": (
        "/monnify",
        {
            "api_key": "MK_TEST_SIM",
            "secret_key": "SIM-monnify-key",
            "contract_code": "SIM",
            "bvn": "00000000000",
        },
    ),
    "stripe": (
        "/stripe",
        {"secret_key": "sk_test_SIM", "webhook_secret": "whsec_SIM", "return_url": _PAID_PAGE},
    ),
    "paystack_payouts": ("/paystack_transfers", {"secret_key": "sk_test_SIM"}),
    "flutterwave_payouts": (
        "/flutterwave_transfers/v3",
        {"secret_key": "FLWSECK_TEST-SIM-X", "secret_hash": "SIM-flutterwave-hash"},
    ),
    "africastalking": ("/africastalking", {"api_key": "SIM-at-key", "username": "sandbox"}),
}


# What the outside contract calls a provider whose own name is taken by a payment gateway.
ALSO_CALLED: Mapping[str, str] = {"flutterwave": "flutterwave_bills"}


@dataclass(frozen=True, slots=True)
class Outside:
    """Whoever sells to us, collects for us and carries our words, by name."""

    vtu: Mapping[str, VtuProvider]
    payments: Mapping[str, PaymentGateway]
    sms: SmsSender
    payouts: Mapping[str, PayoutGateway] = field(default_factory=dict)


async def open_outside(settings: Settings, stack: contextlib.AsyncExitStack) -> Outside:
    """The adapters that the settings name; those with no keys are left out."""
    vtu = {}
    for name, make_provider in VTU_PROVIDERS.items():
        if (given := keys_of(settings, name)) is not None:
            with _naming_variables(name):
                vtu[name] = provider = make_provider(given)
            stack.push_async_callback(provider.aclose)
    payments = {}
    for name in collecting(settings):
        if (given := keys_of(settings, name)) is not None:
            with _naming_variables(name):
                payments[name] = gateway = PAYMENT_GATEWAYS[name](given)
            stack.push_async_callback(gateway.aclose)
    with _naming_variables("africastalking"):
        sender = SMS_SENDERS["africastalking"](keys_of(settings, "africastalking") or {})
    stack.push_async_callback(sender.aclose)
    payouts = {}
    for name, make_payouts in PAYOUT_GATEWAYS.items():
        if (given := keys_of(settings, name + _PAYOUTS)) is not None:
            with _naming_variables(name + _PAYOUTS):
                payouts[name] = transfers = make_payouts(given)
            stack.push_async_callback(transfers.aclose)
    return Outside(vtu, payments, sender, payouts)


async def open_model(stack: contextlib.AsyncExitStack) -> LanguageModel | None:
    """The language model that free words are read with; None without a key."""
    if not os.environ.get("ASSISTANT_API_KEY"):
        return None
    with _naming_variables("assistant"):
        model = LANGUAGE_MODELS["openai"]({})
    stack.push_async_callback(model.aclose)
    return model


def collecting(settings: Settings) -> Sequence[str]:
    """Payment gateways in the order in which they are asked to collect.

    Those that the setting leaves out come last: they are asked for no link while another gives one,
    but what was begun with them is still seen through.

    Raises:
        BadSettings: no such gateway, or one that has no keys.
    """
    for name in settings.payment_gateways:
        if name not in PAYMENT_GATEWAYS:
            known = ", ".join(PAYMENT_GATEWAYS)
            raise BadSettings(f"CALLBOX_PAYMENT_GATEWAYS: no gateway {name!r}; there are: {known}")
        if keys_of(settings, name) is None:
            raise BadSettings(f"CALLBOX_PAYMENT_GATEWAYS: {name} has no key in the environment")
    return tuple(dict.fromkeys((*settings.payment_gateways, *PAYMENT_GATEWAYS)))


def check_floats(settings: Settings, configured: Collection[str]) -> None:
    """Bounds of floats are for providers that there are; `configured` are the tenants' own.

    Raises:
        BadSettings: no such provider.
    """
    known = sorted({*VTU_PROVIDERS, *configured})
    for name in settings.float_low_of:
        if name not in known:
            raise BadSettings(
                f"CALLBOX_FLOAT_LOW_OF: no provider {name!r}; there are: {', '.join(known)}"
            )


@contextlib.contextmanager
def _naming_variables(adapter: str) -> Iterator[None]:
    """Have a wrong setting of an adapter stop the start with one clear line as any other does."""
    try:
        yield
    except ValidationError as error:
        raise bad_setting(error, f"{adapter.upper()}_") from None


def keys_of(settings: Settings, name: str) -> Mapping[str, str] | None:
    """What to build an adapter from: the environment alone, or the sandbox in demo, or nothing."""
    if any(_means(variable, name) for variable in os.environ):
        return {}
    if not settings.demo or name not in _DEMO_KEYS:
        return None
    path, keys = _DEMO_KEYS[name]
    here = {field: text.replace("{sandbox}", settings.sandbox_url) for field, text in keys.items()}
    return {"base_url": settings.sandbox_url + path, **here}


def refuse_live_keys() -> None:
    """Stop a start that would have real keys beside the sandbox.

    Raises:
        BadSettings: one line that names the variable, and not what it is set to.
    """
    given = [name for name in _NAMES if any(_means(variable, name) for variable in os.environ)]
    if objection := beside_sandbox(os.environ, given):
        raise BadSettings(objection)


def _means(variable: str, name: str) -> bool:
    """Whether a variable is a key of that adapter, and not of one whose name begins alike."""
    if not (variable.startswith(f"{name.upper()}_") and variable.endswith("_KEY")):
        return False
    longer = (other for other in _NAMES if other.startswith(f"{name}_"))
    return not any(variable.startswith(f"{other.upper()}_") for other in longer)


def account_names(settings: Settings, outside: Outside, keyring: Keyring) -> Mapping[str, str]:
    """Names our account at each provider by what it is reached with, which the name hides."""
    return {
        name: "s" + keyring.digest(name, *_reached_with(settings, name)) for name in outside.vtu
    }


def _reached_with(settings: Settings, name: str) -> Iterator[str]:
    for name_of, value in sorted((keys_of(settings, name) or {}).items()):
        yield f"{name_of}={value}"
    for variable, value in sorted(os.environ.items()):
        if variable.startswith(f"{name.upper()}_") and "TIMEOUT" not in variable:
            yield f"{variable}={value}"
