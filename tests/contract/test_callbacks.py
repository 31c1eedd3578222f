"""Callbacks: signed over raw bytes, passed on as hints, answered as the sender expects."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import cast

import httpx
import pytest
from structlog.testing import capture_logs

from api.app import create_app
from core.kit.errors import Fault
from core.ports.payouts import PayoutGateway
from tests.fakes.logs import events
from tests.fakes.serving import serve
from tests.fakes.web import TENANT, FakeCore, SignedReader, UnsignedReader

URL = "/callbacks/paystack/demo"
SIGNED = {"x-signature": "right"}


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
async def http(core: FakeCore) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(create_app(core)) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def test_a_signed_callback_is_passed_on(core: FakeCore, http: httpx.AsyncClient) -> None:
    raw = b'{ "reference":"CB1",  "odd":"spacing \xc3\xa9" }'

    answer = await http.post(URL, content=raw, headers=SIGNED)

    assert (answer.status_code, answer.text) == (200, "OK")
    assert core.callbacks.taken == [(TENANT, "paystack", ("CB1",))]
    assert core.reader.bodies == [raw]


async def test_a_provider_is_thanked_in_its_own_words(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    answer = await http.get("/callbacks/vtpass/demo?requestid=R1")

    assert (answer.status_code, answer.json()) == (200, {"response": "success"})
    assert answer.headers["content-type"] == "application/json"
    assert core.callbacks.taken == [(TENANT, "vtpass", ("R1",))]


async def test_a_forged_callback_is_401_and_touches_nothing(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    with capture_logs() as logs:
        answer = await http.post(URL, content=b'{"reference":"CB1"}', headers={"x-signature": "no"})

    assert answer.status_code == 401
    assert core.callbacks.taken == []
    assert events(logs, "callback") == ["callback.refused"]
    assert 'callbox_callbacks_total{how="refused",provider="paystack"}' in (
        (await http.get("/metrics")).text
    )


async def test_an_event_that_names_no_reference_is_taken_and_means_nothing(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    answer = await http.post(URL, content=b"{}", headers=SIGNED)

    assert answer.status_code == 200
    assert core.callbacks.taken == []


@pytest.mark.parametrize("path", ["/callbacks/nosuch/demo", "/callbacks/paystack/nosuch"])
async def test_an_unknown_address_is_404_before_anything_is_read(
    core: FakeCore, http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.post(path, content=b"{}", headers=SIGNED)

    assert (answer.status_code, answer.text) == (404, "Unknown callback")
    assert core.reader.bodies == []


async def test_a_body_too_large_is_413(core: FakeCore, http: httpx.AsyncClient) -> None:
    answer = await http.post(URL, content=b"x" * (256 * 1024 + 1), headers=SIGNED)

    assert answer.status_code == 413
    assert core.reader.bodies == []


@pytest.mark.parametrize("raw", [b"not json", b"\xff\xfe"])
async def test_trouble_of_ours_asks_the_sender_to_come_again(
    core: FakeCore, http: httpx.AsyncClient, raw: bytes
) -> None:
    """A reader that raises, a database that is down: nothing was kept, so nothing is confirmed."""
    assert (await http.post(URL, content=raw, headers=SIGNED)).status_code == 503
    core.callbacks.error = ConnectionError("no database")
    with capture_logs() as logs:
        answer = await http.post(URL, content=b'{"reference":"CB1"}', headers=SIGNED)

    assert (answer.status_code, answer.text) == (503, "Try again later")
    assert "callback.failed" in [line["event"] for line in logs]


def test_one_name_for_two_readers_stops_the_start() -> None:
    with pytest.raises(Fault, match="vtpass"):
        create_app(FakeCore(payment_name="vtpass"))


async def test_a_tenants_own_provider_reads_its_callbacks(core: FakeCore) -> None:
    """Configured while the program runs, under a name that our settings do not have."""
    core.configured[TENANT, "acme"] = UnsignedReader()
    async with serve(create_app(core)) as url, httpx.AsyncClient(base_url=url) as http:
        taken = await http.get("/callbacks/acme/demo?requestid=CB7")
        unknown = await http.get("/callbacks/other/demo?requestid=CB8")

    assert (taken.status_code, unknown.status_code) == (200, 404)
    assert core.callbacks.taken == [(TENANT, "acme", ("CB7",))]


class TransferReader(SignedReader):
    """Reads `{"transfer": ...}`, signed alike."""

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        super().references_in(headers, body)
        transfer = json.loads(body).get("transfer")
        return (transfer,) if transfer else ()


@pytest.mark.parametrize("document", [{"reference": "CB1"}, {"transfer": "CB1"}], ids=str)
async def test_one_address_takes_what_comes_of_money_in_and_of_money_out(
    core: FakeCore, http: httpx.AsyncClient, document: dict[str, str]
) -> None:
    core.payout_gateways["paystack"] = cast("PayoutGateway", TransferReader())
    body = json.dumps(document).encode()

    taken = await http.post(URL, content=body, headers=SIGNED)
    refused = await http.post(URL, content=body)

    assert (taken.status_code, refused.status_code) == (200, 401)
    assert core.callbacks.taken == [(TENANT, "paystack", ("CB1",))]
