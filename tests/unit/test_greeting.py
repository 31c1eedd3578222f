"""By which name somebody is greeted: the first word of a profile, if it is one."""

import pytest

from core.services.greeting import first_name


@pytest.mark.parametrize(
    ("profile", "called"),
    [
        ("Ada Obi", "Ada"),
        ("\u1eccl\u00e1 B.", "\u1eccl\u00e1"),
        ("Ada\u2764\ufe0f", "Ada"),
        ("\U0001f98b Ada \U0001f44b\U0001f3fd", "Ada"),
        ("\U0001f98b", ""),
        ("4u_now", ""),
        ("http://x.example", ""),
        ("", ""),
    ],
)
def test_a_profile_gives_a_first_name_or_none(profile: str, called: str) -> None:
    assert first_name(profile) == called
