"""Secrets at rest and keyed digests."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit.crypto import Keyring, Unreadable
from core.kit.errors import Fault

OLD, NEW = Keyring("old phrase"), Keyring("new phrase")
BOTH = Keyring(" new phrase , old phrase ")


def test_a_secret_makes_the_round_trip_and_is_not_in_its_cipher_text() -> None:
    sealed = NEW.encrypt("1234-5678 \u20a6")

    assert "1234" not in sealed
    assert NEW.decrypt(sealed) == "1234-5678 \u20a6"
    assert NEW.encrypt("same") != NEW.encrypt("same")


def test_a_rotated_keyring_reads_the_old_and_writes_the_new() -> None:
    assert BOTH.decrypt(OLD.encrypt("kept")) == "kept"
    assert NEW.decrypt(BOTH.encrypt("fresh")) == "fresh"
    with pytest.raises(Unreadable):
        OLD.decrypt(BOTH.encrypt("fresh"))


def test_what_is_sealed_for_a_row_opens_for_it_alone_and_outlives_a_rotation() -> None:
    sealed = OLD.seal("K7QM2XV9TA", b"row 1")

    assert b"K7QM2" not in sealed
    assert OLD.seal("K7QM2XV9TA", b"row 1") != sealed
    assert BOTH.unseal(sealed, b"row 1") == "K7QM2XV9TA"
    for keyring, row in ((BOTH, b"row 2"), (NEW, b"row 1")):
        with pytest.raises(Unreadable):
            keyring.unseal(sealed, row)
    with pytest.raises(Unreadable):
        BOTH.unseal(b"short", b"row 1")


def test_what_was_recognised_before_a_rotation_is_found_after_it() -> None:
    assert BOTH.digests("voucher", "K7") == [
        NEW.digest("voucher", "K7"),
        OLD.digest("voucher", "K7"),
    ]


def test_the_same_phrase_in_another_process_reads_what_this_one_wrote() -> None:
    assert Keyring("new phrase").decrypt(NEW.encrypt("kept")) == "kept"
    assert Keyring("new phrase").digest("a") == NEW.digest("a")


@pytest.mark.parametrize("token", ["", "x", "\u20a6", "gAAAA" + "A" * 100, "\ud800"])
def test_what_no_key_opens_is_unreadable(token: str) -> None:
    with pytest.raises(Unreadable) as caught:
        BOTH.decrypt(token)

    assert token == "" or token not in str(caught.value)


def test_an_altered_secret_is_unreadable() -> None:
    sealed = NEW.encrypt("1234")
    altered = sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1]

    with pytest.raises(Unreadable):
        NEW.decrypt(altered)


@pytest.mark.parametrize("secret", ["", " ", ",", " , "])
def test_an_empty_secret_names_the_setting(secret: str) -> None:
    with pytest.raises(Fault, match="CALLBOX_SECRET_KEY"):
        Keyring(secret)


def test_a_digest_is_the_newest_keys() -> None:
    assert BOTH.digest("a", "b") == NEW.digest("a", "b")
    assert OLD.digest("a", "b") != NEW.digest("a", "b")


@given(st.lists(st.text(alphabet="ab1:\x1f", max_size=3), max_size=3), st.data())
def test_other_parts_give_another_digest(parts: list[str], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.text(alphabet="ab1:\x1f", max_size=3), max_size=3))

    assert (NEW.digest(*parts) == NEW.digest(*others)) == (parts == others)


def test_a_digest_neither_shows_its_parts_nor_changes_between_releases() -> None:
    """Stored digests must be found again after an upgrade."""
    assert NEW.digest("one-time-code", "123456") == "ji3ZHF8UjIVvtG8Y3PckfkWi"
    assert len({NEW.digest(*parts) for parts in itertools.permutations("abc")}) == 6


def test_a_cipher_text_of_an_earlier_release_is_read() -> None:
    sealed = (
        "gAAAAABrATVnGQYwO9DsiPt6wn_IflHT4O3Q-Zx9DxvnoBS4lV4vHkJtqE6c"
        "GiKaoxiRQ1wnpoYndGVe13_gbFYS-RotF5TjhFWg5iVIwntiYghdNhLnSLk="
    )

    assert NEW.decrypt(sealed) == "kept since the first release"


def test_one_phrase_is_stretched_once_and_old_ones_only_when_needed() -> None:
    """Stretching costs tens of milliseconds; starting must not pay for every phrase ever used."""
    ring = Keyring("a,b,c")
    assert [("stretched" in vars(keys)) for keys in (ring._newest, *ring._older)] == [
        True, False, False,
    ]  # fmt: skip

    ring.decrypt(ring.encrypt("x"))
    ring.digest("x")
    assert not any("stretched" in vars(keys) for keys in ring._older)
