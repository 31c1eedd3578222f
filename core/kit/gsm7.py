"""The GSM 7-bit alphabet: what a USSD screen or an SMS may hold, and what it costs.

Source: 3GPP TS 23.038 section 6.2.1, default alphabet and its extension table.
"""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_COST = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}

# Signs that people paste or that libraries write, in the nearest letters that every handset has.
_PLAIN = str.maketrans(
    {
        "\u20a6": "N",  # naira
        "\u20b5": "GHS",  # cedi
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u2022": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "`": "'",
        "\t": " ",
    }
)


def septets(text: str) -> int | None:
    """What `text` costs in 7-bit units, or None when the alphabet lacks one of its letters."""
    try:
        return sum(_COST[letter] for letter in text)
    except KeyError:
        return None


def plain(text: str) -> str:
    """`text` with the signs that no handset shows written in letters that all do.

    What has no plain form becomes `?`: one foreign sign would turn the whole screen to UCS-2 and
    halve its room.
    """
    mapped = text.translate(_PLAIN)
    return "".join(letter if letter in _COST else "?" for letter in mapped)
