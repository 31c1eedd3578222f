"""What was given for one host is never sent to another: a channel that is pointed elsewhere."""

import httpx
import pytest

from tests.contract.admin.test_channels import TELEGRAM, USSD, WHATSAPP, open_one
from tests.fakes.admin import Desk

ELSEWHERE = "https://1.1.1.1/elsewhere"


@pytest.mark.parametrize("body", [TELEGRAM, WHATSAPP])
async def test_a_channel_takes_no_secret_along_to_another_host(
    operator: Desk, body: dict[str, object]
) -> None:
    opened = await open_one(operator, body)
    given = body["credentials"]
    assert isinstance(given, dict)
    path = f"/channels/{opened['id']}"

    kept = await operator.put(path, api_base_url=ELSEWHERE)
    some = await operator.put(
        path, api_base_url=ELSEWHERE, credentials=dict(list(given.items())[1:])
    )
    still = await operator.data(path)
    anew = await operator.put(path, api_base_url=ELSEWHERE, credentials=given)
    same = await operator.put(path, api_base_url=f"{ELSEWHERE}/there")
    back = await operator.put(path, api_base_url="")

    assert (kept.status_code, some.status_code) == (422, 422)
    assert fields_of(kept) == {f"credentials.{name}" for name in given}
    assert fields_of(some) == {f"credentials.{next(iter(given))}"}
    assert still["api_base_url"] is None
    assert (anew.status_code, same.status_code) == (200, 200), anew.text + same.text
    assert back.status_code == 422  # the messenger itself is another host, too


async def test_one_without_secrets_is_changed_as_before(operator: Desk) -> None:
    opened = await open_one(operator, USSD)

    answer = await operator.put(f"/channels/{opened['id']}", service_code="*347*77#")

    assert answer.status_code == 200, answer.text


def fields_of(answer: httpx.Response) -> set[str]:
    return {each["field"] for each in answer.json()["details"]}
