"""Plans by our own names, and who sells them; attempts that a provider has still to settle."""

from dataclasses import replace

from core.domain.orders import Verdict
from core.domain.plans import Plan, PlanListing
from core.domain.routing import PlanOffer
from core.domain.vending import Product
from core.ports import Event
from core.store.attempts import PgAttempts
from core.store.plans import PgPlans
from tests.fakes.books import NOON, REFUSED, Books, open_books

GIG = Plan("mtn-1gb-30d-sme", "mtn", 1024, 30, "sme", 300_00)
SOLD = {"vtpass": PlanOffer("mtn-1024", 280_00), "clubkonnect": PlanOffer("1000.0", 285_00)}
EVENT = Event("plans", "plans.imported", "test", {})


async def save(books: Books, *listings: PlanListing) -> None:
    await PgPlans(books.database).save(books.tenant.id, listings, EVENT, NOON)


async def test_a_plan_is_known_by_what_each_provider_calls_it(books: Books) -> None:
    await save(books, PlanListing(GIG, SOLD))

    assert await PgPlans(books.database).offers(books.tenant.id, GIG.id) == SOLD
    assert await PgPlans(books.database).offers(books.tenant.id, "another") == {}


async def test_saved_again_it_is_as_it_was_saved_last(books: Books) -> None:
    await save(books, PlanListing(GIG, SOLD))
    dearer = replace(GIG, price_minor=350_00)
    await save(books, PlanListing(dearer, {"vtpass": PlanOffer("mtn-1gb", 290_00)}))

    [listed] = await PgPlans(books.database).listed(books.tenant.id)
    assert listed == PlanListing(dearer, {**SOLD, "vtpass": PlanOffer("mtn-1gb", 290_00)})


async def test_one_that_is_not_sold_any_more_has_no_offers(books: Books) -> None:
    await save(books, PlanListing(replace(GIG, active=False), SOLD))

    assert await PgPlans(books.database).offers(books.tenant.id, GIG.id) == {}
    assert len(await PgPlans(books.database).listed(books.tenant.id)) == 1


async def test_another_tenants_plans_are_its_own(books: Books) -> None:
    stranger = await open_books(books.database, "stranger")
    await save(stranger, PlanListing(GIG, SOLD))

    assert await PgPlans(books.database).offers(books.tenant.id, GIG.id) == {}
    assert await PgPlans(books.database).listed(books.tenant.id) == []


async def test_attempts_are_open_until_they_are_settled(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order, _ = await books.begun(customer), await books.begun(customer)
    attempts = PgAttempts(books.database)
    tenant = books.tenant.id

    assert await attempts.open_at(tenant, "vtpass", None) == 2
    assert await attempts.open_at(tenant, "vtpass", Product.AIRTIME) == 2
    assert await attempts.open_at(tenant, "vtpass", Product.DATA) == 0
    assert await attempts.open_at(tenant, "clubkonnect", None) == 0

    await books.claimed(order)
    await books.rule(order, Verdict.REFUND, REFUSED)
    assert await attempts.open_at(tenant, "vtpass", None) == 1
