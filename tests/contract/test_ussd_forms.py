"""URL-encoded fields: read as the standard library reads them, or refused."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd.forms import Unreadable, fields

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(sent=st.dictionaries(WORDS, WORDS, max_size=8))
def test_what_was_encoded_comes_out(sent: dict[str, str]) -> None:
    assert fields(urlencode(sent).encode()) == sent


@given(encoded=st.text(st.sampled_from("ab=&+%204F;é"), max_size=20))
def test_it_reads_as_the_standard_library_does(encoded: str) -> None:
    """Beside an empty pair (`&&`), which counts here as a field without a name."""
    pairs = parse_qsl("&" + encoded, keep_blank_values=True, errors="surrogateescape")
    try:
        found = fields(encoded.encode())
    except Unreadable:
        return
    found.pop("", None)
    assert found == {name: value for name, value in pairs if name}


@pytest.mark.parametrize(
    ("encoded", "found"),
    [
        (b"", {}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=1=2", {"a": "1=2"}),
        (b"a=%2B+%2b", {"a": "+ +"}),
        (b"a=%", {"a": "%"}),
        (b"a=%zz", {"a": "%zz"}),
        (b"%61=1", {"a": "1"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_odd_forms(encoded: bytes, found: dict[str, str]) -> None:
    assert fields(encoded) == found


@pytest.mark.parametrize("encoded", [b"a=%ff", b"a=\xff", b"%ff=1", b"a=1&%61=2", b"&" * 40])
def test_what_could_be_read_in_two_ways_is_refused(encoded: bytes) -> None:
    with pytest.raises(Unreadable):
        fields(encoded)
