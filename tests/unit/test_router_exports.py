"""A router's configuration as text: no voucher in it, and what changed."""

from core.services.router_exports import differences, without_vouchers

EXPORT = """\
# 2026-03-02 12:00:00 by RouterOS 7.18.2
/ip hotspot user profile
add name=1h rate-limit=2M/5M
/ip hotspot user
add comment=hb1:0123456789ab:r1 name=K7QM2XV9TA server=hotspot1
add comment=staff name=reception server=hotspot1
add comment="hb1:0123\\
    456789ac:r2" limit-uptime=1h name=\\
    ZZZZZZZZZZ server=hotspot1
/ip pool
add comment="hb1: is no voucher here" name=pool1
"""


def test_a_text_holds_no_voucher() -> None:
    text, left_out = without_vouchers(EXPORT)

    assert left_out == 2
    assert "K7QM2XV9TA" not in text
    assert "ZZZZZZZZZZ" not in text
    assert "name=reception" in text
    assert "name=pool1" in text
    assert without_vouchers(text) == (text, 0)


def test_texts_are_compared_without_the_line_that_tells_when() -> None:
    later = EXPORT.replace("12:00:00", "13:00:00")
    assert differences(EXPORT, later) == ""

    changed = later.replace("2M/5M", "1M/1M")
    diff = differences(EXPORT, changed)
    assert "-add name=1h rate-limit=2M/5M" in diff
    assert "+add name=1h rate-limit=1M/1M" in diff
