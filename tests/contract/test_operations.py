"""Operations: alive, each part, figures; and no page that shows what went wrong inside."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from api.app import create_app
from core.services.gauges import Gauge
from tests.fakes.serving import serve
from tests.fakes.web import FakeCore


async def broken(_: Request) -> Response:
    raise RuntimeError("postgresql://callbox:hunter2@db")


async def unwell() -> Mapping[str, object]:
    raise ConnectionError("postgresql://callbox:hunter2@db")


async def stuck() -> Mapping[str, object]:
    await asyncio.sleep(60)
    return {}


async def lagging() -> Mapping[str, object]:
    return {"lag_s": 0.4}


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
async def http(core: FakeCore) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(core)
    app.router.routes.append(Route("/broken", broken))
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def test_health_says_that_the_process_serves_whatever_else_is_down(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    core.probes["database"] = unwell

    answer = await http.get("/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("phone", ["http://127.0.0.1:8001/phone", ""])
async def test_the_address_itself_says_what_is_here(phone: str) -> None:
    core = FakeCore()
    core.phone_url = phone
    async with serve(create_app(core)) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.get("/")

    assert answer.status_code == 200
    assert ("The phone page" in answer.text) == bool(phone)
    assert phone in answer.text
    assert "/api/v1/openapi.json" in answer.text


async def test_status_shows_each_part_with_its_figures(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    core.probes["worker"] = lagging

    answer = await http.get("/status")

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["sandbox"]) == ("ok", True)
    assert set(shown["parts"]) == {"database", "redis", "worker"}
    assert shown["parts"]["worker"]["lag_s"] == 0.4
    assert all(part["ok"] for part in shown["parts"].values())


async def test_a_part_that_is_unwell_makes_status_503_without_telling_why(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    core.probes["database"] = unwell

    answer = await http.get("/status")

    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == {"ok": False}
    assert answer.json()["parts"]["redis"]["ok"]
    assert "hunter2" not in answer.text


async def test_a_part_that_does_not_answer_is_unwell_in_time(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    core.probes["redis"] = stuck

    answer = await http.get("/status", timeout=5)

    assert answer.status_code == 503
    assert answer.json()["parts"]["redis"] == {"ok": False}


async def test_metrics_speak_prometheus(http: httpx.AsyncClient) -> None:
    answer = await http.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE process_resident_memory_bytes gauge" in answer.text


async def test_metrics_show_how_things_stand(core: FakeCore, http: httpx.AsyncClient) -> None:
    core.gauges.found = [
        Gauge("callbox_test_score", "A score.", ("provider",), {("vtpass",): 0.75}),
        Gauge("callbox_test_lag", "A lag.", (), {(): 3.5}),
    ]

    shown = (await http.get("/metrics")).text

    assert 'callbox_test_score{provider="vtpass"} 0.75' in shown
    assert "callbox_test_lag 3.5" in shown
    assert "callbox_gauges_read 1.0" in shown


async def test_metrics_are_told_while_the_database_is_away(
    core: FakeCore, http: httpx.AsyncClient
) -> None:
    core.gauges.away = True

    answer = await http.get("/metrics")

    assert answer.status_code == 200
    assert "callbox_gauges_read 0.0" in answer.text
    assert "# TYPE callbox_vend_seconds histogram" in answer.text
    assert "hunter2" not in answer.text


async def test_an_unforeseen_error_shows_a_reference_and_nothing_else(
    http: httpx.AsyncClient,
) -> None:
    with capture_logs() as logs:
        answer = await http.get("/broken")

    [line] = [line for line in logs if line["event"] == "web.request_failed"]
    assert answer.status_code == 500
    assert answer.text == f"Something went wrong. Reference {line['reference']}"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/nosuch", 404, "Not Found"),
        ("POST", "/health", 405, "Method Not Allowed"),
        ("GET", "/docs", 404, "Not Found"),
        ("GET", "/openapi.json", 404, "Not Found"),
    ],
)
async def test_what_is_not_there_is_said_in_plain_words(
    http: httpx.AsyncClient, method: str, path: str, status: int, text: str
) -> None:
    answer = await http.request(method, path)

    assert (answer.status_code, answer.text) == (status, text)


async def test_edges_are_served_before_anything_else_and_beside_the_rest(core: FakeCore) -> None:
    async def screen(_: Request) -> Response:
        return Response("END Bye")

    app = create_app(core, [Route("/ussd/{gateway}/{key}", screen, methods=["POST"])])
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.post("/ussd/any/demo")).text == "END Bye"
        assert (await http.post("/ussd/any")).status_code == 404
        assert (await http.get("/health")).status_code == 200
