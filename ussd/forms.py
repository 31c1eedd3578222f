"""URL-encoded fields, read at the door."""

from urllib.parse import parse_qsl

FIELDS_MAX = 40


class Unreadable(ValueError):
    """No list of URL-encoded fields in UTF-8 with each name once. Tells nothing of the content."""


def fields(encoded: bytes) -> dict[str, str]:
    """Read `a=1&b=2` strictly: a field sent twice or in broken UTF-8 could be read in two ways.

    Empty values are kept. `+` is a space, as browsers and gateways write it.

    Raises:
        Unreadable: it is not such a list, or has more than `FIELDS_MAX` fields.
    """
    try:
        pairs = parse_qsl(
            encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX
        )
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    except ValueError as error:
        raise Unreadable("too many fields") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a field came twice")
    return found
