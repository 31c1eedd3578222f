"""Each answer of the Graph API, and each silence, has its consequence."""

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from bots.whatsapp.messenger import WhatsAppMessenger
from core.domain.chat import (
    Address,
    Closed,
    Delivery,
    Later,
    Refused,
    Sent,
    Unreachable,
)
from core.domain.turns import Channel
from core.ports.chat import Moment
from core.providers.addresses import Reach, reaching
from tests.fakes.graph import (
    USER_ID,
    WA_ID,
    channel,
    error,
    graph,
)
from tests.fakes.speaker import ASKED, END, MENU, PICTURE, WORD, speaker
from tests.fakes.wire import Behaviour, hangs_up, resets, stays_silent, wire, writes
from tests.fakes.wire import says as answers

_DAY_S = 24 * 3600


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        *((code, 400, Later) for code in (4, 80007, 130429, 131056, 131049, 131048, 131064)),
        *((code, 500, Later) for code in (1, 2, 131000, 131016, 131057)),
        (130472, 400, Later),
        (131047, 400, Closed),
        (131026, 400, Unreachable),
        (131050, 400, Unreachable),
        *((code, 400, Refused) for code in (33, 100, 131008, 131009, 131051, 131062)),
        *(
            (code, 400, Refused)
            for code in (132000, 132001, 132005, 132007, 132012, 132015, 132016)
        ),
        *((code, 403, Refused) for code in (10, 200, 299, 368, 131031, 131042)),
        *((code, 401, Refused) for code in (0, 190)),
        (3, 500, Refused),
        (424242, 400, Refused),
        (424242, 503, Later),
    ],
)
async def test_each_error_has_its_consequence(
    code: int, http_status: int, expected: type[Delivery]
) -> None:
    async with speaker() as at:
        at.graph.answers = [error(code, http_status), error(code, http_status)]
        shown, told = await at.show(), await at.tell()
    for delivery in (shown, told):
        assert isinstance(delivery, expected)
        if isinstance(delivery, Refused):
            assert delivery.stops is (code in {0, 3, 10, 190, 200, 299, 368, 131031, 131042})
        if isinstance(delivery, Later):
            held_back = code in {131049, 131048, 131064, 130472}
            assert (delivery.after_s >= _DAY_S) is held_back


async def test_the_pair_limit_asks_for_more_patience_each_time_until_it_is_over() -> None:
    async with speaker() as at:
        at.graph.answers = [error(131056)] * 3
        waits = [await at.show() for _ in range(3)]
        other = await at.messenger.tell(at.to(WA_ID), WORD)
        assert isinstance(await at.show(), Sent)
        at.graph.answers = [error(131056)]
        again = await at.show()
    seconds = [each.after_s for each in (*waits, again) if isinstance(each, Later)]
    assert isinstance(other, Sent)
    assert len(seconds) == 4
    for waited, least in zip(seconds, (4, 16, 64, 4), strict=True):
        assert least <= waited <= least * 1.25


async def test_it_is_waited_as_long_as_they_ask() -> None:
    async with speaker() as at:
        at.graph.answers = [error(130429, 429, **{"retry-after": "77"})]
        delivery = await at.show()
    assert isinstance(delivery, Later)
    assert delivery.after_s == 77


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(b"", 500), Later),
        (HTMLResponse("<html>", 503), Later),
        (HTMLResponse("<html>", 200), Later),
        (HTMLResponse("<html>", 404), Refused),
        (Response(b"", 302, {"location": "/v27.0"}), Refused),
        (Response(b"", 401), Refused),
        (JSONResponse({}), Sent),
        (JSONResponse({"messages": []}), Sent),
        (JSONResponse({"messages": [{"id": 7}]}), Sent),
        (JSONResponse([]), Later),
    ],
)
async def test_odd_answers(answer: Response, expected: type[Delivery]) -> None:
    async with speaker() as at:
        at.graph.answers = [answer]
        delivery = await at.show()
    assert isinstance(delivery, expected)
    if isinstance(delivery, Sent):
        assert delivery.message_id == ""


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(stays_silent, id="no answer"),
        pytest.param(hangs_up, id="closed"),
        pytest.param(resets, id="reset"),
        pytest.param(writes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), id="half"),
        pytest.param(writes(b"nonsense\r\n\r\n"), id="no HTTP"),
        pytest.param(answers('{"messages": [{"id"', 200), id="half a document"),
    ],
)
async def test_a_broken_exchange_is_tried_again_later_not_at_once(behaviour: Behaviour) -> None:
    async with wire(behaviour) as server:
        messenger = WhatsAppMessenger(timeout_s=0.5)
        made = channel(base_url=server.base_url)
        to = Address(made.tenant_id, made, USER_ID)
        try:
            delivery = await messenger.show(to, MENU, Moment(answering=ASKED))
        finally:
            await messenger.aclose()
    assert isinstance(delivery, Later)
    assert 1 <= delivery.after_s <= 10
    assert len(server.requests) == 1


async def test_nobody_there_is_tried_again_later() -> None:
    messenger = WhatsAppMessenger(timeout_s=0.5)
    made = channel()
    try:
        to = Address(made.tenant_id, made, USER_ID)
        assert isinstance(await messenger.show(to, MENU, Moment()), Later)
        await messenger.received(made, ASKED)
    finally:
        await messenger.aclose()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(channel(settings={}), id="no settings"),
        pytest.param(channel(credentials={}), id="no token"),
        pytest.param(channel(credentials={"access_token": "a\r\nb"}), id="a token of two lines"),
        pytest.param(channel(base_url="http://127.0.0.1:99999999"), id="no port"),
    ],
)
async def test_a_channel_that_was_set_up_wrongly_stops(made: Channel) -> None:
    messenger = WhatsAppMessenger(timeout_s=0.5)
    to = Address(made.tenant_id, made, USER_ID)
    try:
        shown = await messenger.show(to, END, Moment(picture=PICTURE))
        told = await messenger.tell(to, WORD, template=True)
        await messenger.received(made, ASKED)
    finally:
        await messenger.aclose()
    assert isinstance(shown, Refused)
    assert isinstance(told, Refused)
    assert shown.stops
    assert told.stops


async def test_a_tenant_s_address_leads_no_further_than_it_may() -> None:
    async with graph() as served:
        with reaching(Reach.PUBLIC):
            messenger = WhatsAppMessenger(timeout_s=0.5)
        made = channel(base_url=served.base_url.replace("127.0.0.1", "localhost"))
        try:
            to = Address(made.tenant_id, made, USER_ID)
            assert isinstance(await messenger.show(to, MENU, Moment()), Later)
        finally:
            await messenger.aclose()
    assert served.asked == []
