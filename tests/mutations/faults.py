"""Ten faults that would break a promise, and the tests that notice each.

A fault is a change to the source as a careless hand would make it. `tests.mutations` makes it in a
copy and shows that the named tests fail; `tests/unit/test_mutations.py` sees to it that each fault
can still be made.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """`old` stands in `file` exactly once, and is made `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    edits: tuple[Edit, ...]
    noticed_by: tuple[str, ...]


FAULTS = (
    Fault(
        "a timeout is read as failure",
        (
            Edit(
                "core/providers/vtu/answers.py",
                "    return Outcome(Result.UNKNOWN, answer.reason)\n",
                "    return Outcome(Result.FAILED, answer.reason)\n",
            ),
        ),
        ("tests/contract/test_vtu_promises.py",),
    ),
    Fault(
        "a refund on HTTP 500",
        (
            Edit(
                "core/providers/vtu/answers.py",
                '    return Outcome(Result.UNKNOWN, f"http_{reply.status}")\n',
                '    return Outcome(Result.FAILED, f"http_{reply.status}")\n',
            ),
        ),
        ("tests/contract/test_vtu_promises.py",),
    ),
    Fault(
        "a new reference on retry",
        (
            Edit(
                "core/services/vending.py",
                "            reference=due.provider_reference,\n",
                "            reference=provider.new_reference(ids.uuid7(), self._clock.now()),\n",
            ),
        ),
        ("tests/integration/test_vending.py",),
    ),
    Fault(
        "capture without evidence",
        (
            Edit(
                "core/providers/vtu/answers.py",
                "    if meaning.result is Result.DELIVERED and proofs.lacking(vend, found):\n",
                "    if False and proofs.lacking(vend, found):\n",
            ),
        ),
        ("tests/contract/test_vtpass_products.py", "tests/contract/test_buypower.py"),
    ),
    Fault(
        "a batch that drops a failed item's neighbour",
        (
            Edit(
                "core/store/batcher.py",
                "            if len(batch) == 1:\n",
                "            if batch:\n",
            ),
        ),
        ("tests/unit/test_batcher.py",),
    ),
    Fault(
        "the key's content is not checked",
        (
            Edit(
                "core/store/sql/20_ledger.sql",
                "            then 'duplicate' else 'conflict' end\n",
                "            then 'duplicate' else 'duplicate' end\n",
            ),
        ),
        ("tests/integration/test_ledger.py",),
    ),
    Fault(
        "a requery's not-found is taken at once",
        (
            Edit(
                "core/domain/requery.py",
                "        return Result.NOT_FOUND if settled and twice else Result.UNKNOWN\n",
                "        return Result.NOT_FOUND\n",
            ),
        ),
        ("tests/unit/test_requery.py",),
    ),
    Fault(
        "an error around the call, as a breaker raises, is read as not sent",
        (
            Edit(
                "core/services/vending.py",
                '            return Outcome(Result.UNKNOWN, reason="adapter_failed")\n',
                "            return ACCOUNT_GONE\n",
            ),
        ),
        ("tests/integration/test_vending.py",),
    ),
    Fault(
        "failover to a provider that cannot be asked again",
        (
            Edit(
                "core/domain/routing.py",
                "    if not one.capabilities.requery_by_reference"
                " or not one.capabilities.client_reference:\n        return False\n",
                "",
            ),
            Edit(
                "core/domain/routing.py",
                "        return one.capabilities.failover_target\n",
                "        return True\n",
            ),
        ),
        ("tests/unit/test_routing.py",),
    ),
    Fault(
        "a webhook is believed",
        (
            Edit(
                "core/services/funding.py",
                "        known = await self._intents.hurry(gateway, references)\n",
                "        known = 0\n"
                "        for one in references:\n"
                "            if intent := await self._intents.by_reference(gateway, one):\n"
                "                payment = Payment(one, one, intent.amount)\n"
                "                await self._credit(intent, payment, intent.amount.minor)\n",
            ),
        ),
        ("tests/integration/test_funding.py",),
    ),
)
