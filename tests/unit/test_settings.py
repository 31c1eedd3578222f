"""Settings: read once, and a bad one is one clear line."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.kit.errors import Fault
from core.settings import BadSettings, Settings, admin_token, read_settings, secret_key

Reading = Callable[..., Settings]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Reads settings from these variables and no others."""
    for name in list(os.environ):
        if name.startswith("CALLBOX_") or name in {"DATABASE_URL", "REDIS_URL"}:
            monkeypatch.delenv(name)

    def reading(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read_settings()

    return reading


def test_without_any_variable_it_is_a_demo(read: Reading) -> None:
    settings = read()

    assert settings.demo
    assert settings.with_sandbox
    assert settings.home == Path(".callbox")
    assert (settings.callbox_url, settings.sandbox_url) == (
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8001",
    )
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.turn_wait_s < settings.turn_deadline_s < 10
    assert sum(settings.requery_after_s) < settings.in_doubt_deadline_s


def test_settings_are_named_as_the_documentation_says(read: Reading) -> None:
    settings = read(
        CALLBOX_HOME="/srv/callbox",
        CALLBOX_ENV="production",
        CALLBOX_HOST="0.0.0.0",
        CALLBOX_PORT="9000",
        CALLBOX_SANDBOX_PORT="9001",
        CALLBOX_SANDBOX_ROUTER_PORT="9002",
        CALLBOX_SECRET_KEY="a long phrase for tests",
        CALLBOX_ADMIN_TOKEN="an admin token",
        DATABASE_URL="postgresql://db/callbox",
        REDIS_URL="redis://cache",
        CALLBOX_REQUERY_AFTER_S="5, 15.5,30",
    )

    assert not settings.demo
    assert not settings.with_sandbox
    assert settings.home == Path("/srv/callbox")
    assert (settings.sandbox_port, settings.sandbox_router_port) == (9001, 9002)
    assert settings.callbox_url == "http://127.0.0.1:9000"
    assert secret_key(settings) == "a long phrase for tests"
    assert admin_token(settings) == "an admin token"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://db/callbox"
    assert settings.requery_after_s == (5, 15.5, 30)


def test_settings_never_show_their_secrets(read: Reading) -> None:
    settings = read(
        CALLBOX_SECRET_KEY="hidden-1", CALLBOX_ADMIN_TOKEN="hidden-2",
        DATABASE_URL="postgresql://u:hidden-3@db/x", REDIS_URL="redis://:hidden-4@cache",
    )  # fmt: skip

    assert "hidden" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("CALLBOX_ENV", "staging", "demo or production", id="environment"),
        pytest.param("CALLBOX_PORT", "http", "a whole number", id="port in words"),
        pytest.param("CALLBOX_PUBLIC_URL", "notaurl", "https://", id="address that is none"),
        pytest.param("CALLBOX_PUBLIC_URL", "https://a b", "https://", id="address with a gap"),
        pytest.param("CALLBOX_PUBLIC_URL", "ftp://shop", "https://", id="no address of a browser"),
        pytest.param("CALLBOX_PORT", "70000", "65535", id="port too high"),
        pytest.param("CALLBOX_SANDBOX_PORT", "-1", "0", id="port below zero"),
        pytest.param("CALLBOX_SANDBOX", "maybe", "on or off", id="neither on nor off"),
        pytest.param("CALLBOX_TURN_DEADLINE_S", "0", "more than 0", id="no time at all"),
        pytest.param("CALLBOX_TURN_DEADLINE_S", "nan", "30", id="not a number"),
        pytest.param("CALLBOX_TURN_WAIT_S", "100", "20", id="longer than any gateway waits"),
        pytest.param("CALLBOX_REQUERY_AFTER_S", "5,soon", "soon", id="one of several is no number"),
        pytest.param("CALLBOX_AIRTIME_MIN_MINOR", "fifty", "a whole number", id="amount in words"),
        pytest.param("CALLBOX_IN_DOUBT_DEADLINE_S", "-1", "more than 0", id="deadline in the past"),
        pytest.param("CALLBOX_REQUERY_AFTER_S", "-5", "above zero", id="a wait below zero"),
        pytest.param("CALLBOX_REQUERY_AFTER_S", "inf", "above zero", id="a wait without end"),
        pytest.param("CALLBOX_REQUERY_AFTER_S", ",", "above zero", id="no wait at all"),
        pytest.param("CALLBOX_IN_DOUBT_DEADLINE_S", "inf", "2592000 or less", id="never decided"),
        pytest.param("CALLBOX_AIRTIME_FEE_MINOR", "-1", "0", id="a fee that pays the customer"),
        pytest.param(
            "CALLBOX_AIRTIME_MIN_MINOR",
            "9000000000",
            "CALLBOX_AIRTIME_MAX_MINOR",
            id="least above most",
        ),
        pytest.param("CALLBOX_TURN_WAIT_S", "9", "CALLBOX_TURN_DEADLINE_S", id="waits too long"),
        pytest.param("DATABASE_URL", "mysql://u:hidden@db", "postgresql://", id="another database"),
        pytest.param("REDIS_URL", "localhost:6379", "redis://", id="no scheme"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(
    read: Reading, name: str, value: str, says: str
) -> None:
    with pytest.raises(BadSettings) as caught:
        read(**{name: value})

    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert says in line
    assert "\n" not in line
    assert "hidden" not in line


def test_production_needs_a_key_and_says_how_to_make_one(read: Reading) -> None:
    with pytest.raises(BadSettings, match=r"^CALLBOX_SECRET_KEY: required in production"):
        read(CALLBOX_ENV="production")


def test_production_refuses_the_sandbox(read: Reading) -> None:
    with pytest.raises(BadSettings, match=r"^CALLBOX_SANDBOX: "):
        read(CALLBOX_ENV="production", CALLBOX_SECRET_KEY="x" * 32, CALLBOX_SANDBOX="on")


def test_production_makes_no_admin_token_of_its_own(read: Reading, tmp_path: Path) -> None:
    settings = read(
        CALLBOX_ENV="production", CALLBOX_SECRET_KEY="x" * 32, CALLBOX_HOME=str(tmp_path)
    )

    assert admin_token(settings) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given_to", "file"), [(secret_key, "secret-key"), (admin_token, "admin-token")]
)
def test_a_demo_makes_its_secrets_once_for_their_owner_only(
    read: Reading, tmp_path: Path, given_to: Callable[[Settings], str | None], file: str
) -> None:
    settings = read(CALLBOX_HOME=str(tmp_path / "new" / "home"))

    first = given_to(settings)

    path = settings.home / file
    assert first is not None
    assert len(first) >= 32
    assert given_to(settings) == first == path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_two_secrets_differ(read: Reading, tmp_path: Path) -> None:
    settings = read(CALLBOX_HOME=str(tmp_path))

    assert secret_key(settings) != admin_token(settings)


def test_a_bad_setting_is_a_fault_that_the_command_line_shows(read: Reading) -> None:
    assert issubclass(BadSettings, Fault)


def test_an_empty_variable_is_none(read: Reading) -> None:
    """Compose files hand on what is unset as an empty text."""
    settings = read(CALLBOX_PORT="", CALLBOX_SECRET_KEY="", DATABASE_URL="", CALLBOX_HOME="")

    assert settings.port == 8000
    assert settings.secret_key is None
    assert settings.database_url is None
    assert settings.home == Path(".callbox")


def test_production_refuses_a_key_that_can_be_guessed(read: Reading) -> None:
    with pytest.raises(BadSettings, match=r"^CALLBOX_SECRET_KEY: should have 16"):
        read(CALLBOX_ENV="production", CALLBOX_SECRET_KEY=" short , " + "x" * 32)


def test_processes_that_start_at_once_share_one_secret(read: Reading, tmp_path: Path) -> None:
    settings = read(CALLBOX_HOME=str(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: secret_key(settings), range(64)))

    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_a_secret_file_cut_off_by_a_crash_is_named(read: Reading, tmp_path: Path) -> None:
    settings = read(CALLBOX_HOME=str(tmp_path))
    (tmp_path / "secret-key").touch()

    with pytest.raises(BadSettings, match="secret-key is empty"):
        secret_key(settings)


def test_the_operators_bot_is_the_sandboxs_in_demo_and_needs_a_token_elsewhere(
    read: Reading,
) -> None:
    token, url = read().operator_bot
    assert token.endswith("SIM-operators-token")
    assert url == "http://127.0.0.1:8001/telegram"
    own = read(CALLBOX_OPERATOR_BOT_TOKEN="1:x", CALLBOX_OPERATOR_BOT_API_URL="http://there/")
    assert own.operator_bot == ("1:x", "http://there")
    own = read(CALLBOX_SANDBOX="off", CALLBOX_OPERATOR_BOT_API_URL="")
    assert own.operator_bot == ("1:x", "https://api.telegram.org")

    with pytest.raises(BadSettings, match="CALLBOX_OPERATOR_BOT_TOKEN"):
        _ = read(CALLBOX_OPERATOR_BOT_TOKEN="").operator_bot
