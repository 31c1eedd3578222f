"""Vouchers from the command line, by whoever is logged in."""

import json
from pathlib import Path

import asyncpg

from tests.contract.admin.test_vouchers import WHOLE, bought, kinds, site, work
from tests.fakes.admin import Desk
from tests.fakes.commands import Run


async def test_a_batch_is_ordered_printed_and_exported(
    operator: Desk, run: Run, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await site(operator)
    ordered = await run("vouchers", "generate", "3", "1GB-DAILY", "--price", "500", "--json")
    assert ordered.status == 0, ordered.err
    batch = json.loads(ordered.out)["id"]
    await work(operator)

    made = await run("vouchers", "batch", batch, "--json")
    pdf, table = tmp_path / "cards.pdf", tmp_path / "cards.csv"
    printed = await run("vouchers", "sheet", batch, "--format", "58mm", "--out", str(pdf))
    exported = await run("vouchers", "export", batch, "--codes", "--out", str(table))
    listed = await run("vouchers", "list", "--batch", batch, "--json")
    wrong = await run("vouchers", "generate", "3", "NO-SUCH")

    assert [said.status for said in (made, printed, exported, listed)] == [0] * 4, exported.err
    told = json.loads(made.out)
    assert (told["status"], told["made"], told["price"]) == ("ready", 3, "500.00")
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert len(WHOLE.findall(table.read_text("utf-8-sig"))) == 3
    assert {file.stat().st_mode & 0o777 for file in (pdf, table)} == {0o600}
    rows = json.loads(listed.out)
    assert len(rows) == 3
    assert all(row["code"].endswith("*****") for row in rows)
    assert (wrong.status, wrong.err.strip()) == (1, "callbox: profile: there is no NO-SUCH")
    done = await kinds(owner, batch)
    assert [kind for kind, _ in done] == [
        "voucher_batch.ordered",
        "voucher_batch.printed",
        "voucher_batch.exported",
    ]
    assert all(actor.startswith("cli:") for _, actor in done)


async def test_a_batch_is_ordered_for_a_router_by_its_name_or_id(operator: Desk, run: Run) -> None:
    gate, cafe = await site(operator), await site(operator, "Cafe")
    order = ("vouchers", "generate", "2", "1GB-DAILY", "--json", "--router")

    by_name = await run(*order, "Cafe")
    by_id = await run(*order, str(gate.id))
    unknown = await run(*order, "Nowhere")

    assert (by_name.status, by_id.status) == (0, 0), by_name.err + by_id.err
    assert json.loads(by_name.out)["router"] == str(cafe.id)
    assert json.loads(by_id.out)["router"] == str(gate.id)
    assert (unknown.status, unknown.err) == (1, "callbox: There is no such router.\n")


async def test_a_voucher_is_shown_disabled_and_paid_back(operator: Desk, run: Run) -> None:
    voucher_id, code = await bought(operator, await site(operator))

    shown = await run("vouchers", "show", code)
    disabled = await run("vouchers", "disable", str(voucher_id))
    refunded = await run("vouchers", "refund", str(voucher_id), "--reason", "router broke")
    over = await run("vouchers", "disable", code)

    assert [said.status for said in (shown, disabled, refunded)] == [0] * 3, refunded.err
    found = json.loads(shown.out)
    assert (found["id"], found["sale"]["amount"]) == (str(voucher_id), "200.00")
    assert code not in shown.out
    assert json.loads(disabled.out)["wanted"] == "disabled"
    assert json.loads(refunded.out)["status"] in {"refund_due", "refunded"}
    assert over.status == 1
