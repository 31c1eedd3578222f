"""The picture that logs in: for whoever has the voucher, while it is good."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.domain.hotspot import Router
from core.domain.vouchers import SaleState, Voucher
from core.kit import ids
from core.ports.pictures import LoginPicture
from core.services.login_pictures import LoginPictures
from tests.fakes.stores import TENANT, customer
from tests.unit.test_voucher_sheets import ROUTER, TEXTS, voucher


class Sketch:
    """Keeps what it is to draw."""

    def __init__(self) -> None:
        self.drawn: list[LoginPicture] = []

    def login(self, picture: LoginPicture) -> bytes:
        self.drawn.append(picture)
        return b"PNG"


def pictures(sketch: Sketch, found: Voucher | None, router: Router | None) -> LoginPictures:
    owner = customer()

    def always(answer: object) -> Any:
        async def get(*_: object) -> object:
            return answer

        return cast("Any", SimpleNamespace(get=get))

    return LoginPictures(
        always(found), always(router), always(owner), always(TENANT), TEXTS, sketch
    )


async def test_it_holds_the_link_and_says_the_code() -> None:
    sketch = Sketch()
    found = replace(voucher(1), owner_id=ids.uuid7(), sale_state=SaleState.DELIVERED)

    assert await pictures(sketch, found, ROUTER).login(TENANT.id, found.id) == b"PNG"

    [picture] = sketch.drawn
    assert picture.link == "http://wifi.lan/login?username=K7QM2XV9TA&password=K7QM2XV9TA"
    assert (picture.shop, picture.code) == (TENANT.name, "K7QM2XV9TA")
    assert picture.plan == "1 GB, 1 day"


@pytest.mark.parametrize(
    ("found", "router"),
    [
        pytest.param(None, ROUTER, id="no such voucher"),
        pytest.param(voucher(1), None, id="its router was removed"),
        pytest.param(voucher(1), replace(ROUTER, login_url=""), id="no login page is known"),
        pytest.param(voucher(1, SaleState.REFUND_DUE), ROUTER, id="over"),
    ],
)
async def test_where_nothing_would_log_in_there_is_none(
    found: Voucher | None, router: Router | None
) -> None:
    sketch = Sketch()

    assert await pictures(sketch, found, router).login(TENANT.id, ids.uuid7()) is None
    assert sketch.drawn == []


async def test_a_failure_is_no_picture(caplog: pytest.LogCaptureFixture) -> None:
    broken = pictures(Sketch(), voucher(1), ROUTER)
    broken._drawing = cast("Any", None)

    assert await broken.login(TENANT.id, ids.uuid7()) is None
