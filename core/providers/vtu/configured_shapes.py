"""Shapes of request that several small providers share: beginnings of a configuration.

They come from public code, not from the providers, and no provider promises them. What nobody wrote
down is missing here, so that a configuration made of a shape alone is refused until somebody who
has an account fills it in: the address, the secret, and the word that means delivered.
"""

from collections.abc import Mapping
from types import MappingProxyType

COMMON_RESELLER: Mapping[str, object] = MappingProxyType(
    {
        "networks": {"mtn": 1, "glo": 2, "airtel": 3, "9mobile": 4},
        "orders": {
            "airtime": {
                "path": "/topup/",
                "fields": {
                    "network": "{network}",
                    "mobile_number": "{local}",
                    "amount": "{amount}",
                    "Ported_number": True,
                    "airtime_type": "VTU",
                },
            },
            "data": {
                "path": "/data/",
                "fields": {
                    "network": "{network}",
                    "mobile_number": "{local}",
                    "plan": "{plan}",
                    "Ported_number": True,
                },
            },
        },
    }
)
"""Dozens of small sites: a token, numbers for networks, no reference of ours anywhere.

Seen in notes on datastation-like APIs. Paths differ from site to site.
"""

ALPHA_TOPUP: Mapping[str, object] = MappingProxyType(
    {
        "plans_by_amount": dict(zip(range(500, 4001, 500), range(9, 17), strict=True)),
        "orders": {
            "airtime": {
                "path": "/",
                "fields": {
                    "amount": "{amount}",
                    "phone": "{local}",
                    "planid": "{plan}",
                    "ref": "{reference}",
                },
            }
        },
        "answer": {
            "status": "status",
            "meanings": {"success": "delivered", "processing": "accepted"},
        },
    }
)
"""Alpha Topup, a module of widely resold shop scripts: amounts from 500 to 4,000 in eight steps.

Our reference goes along, but nothing is known that could be asked by it.
"""

SHAPES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {"common_reseller": COMMON_RESELLER, "alpha_topup": ALPHA_TOPUP}
)
