"""A voucher bought in a chat is told there once, with a picture that logs in."""

from core.domain.customers import Customer
from core.domain.display import Tells
from core.domain.vouchers import SaleState
from core.kit.msisdn import Msisdn
from core.services.vouchers import Purchase
from tests.fakes.books import Books
from tests.fakes.post import Post, open_post
from tests.fakes.vouchers import PRICE, VoucherWorld, soon, voucher_world


async def bought_in(
    post: Post, world: VoucherWorld, customer: Customer, recipient: Msisdn | None = None
) -> Purchase:
    """Each for another number, or the customer's own, once."""
    return await world.vouchers.buy(
        await world.vouchers.offer(world.plan, world.site.id),
        key=recipient or "own",
        tenant=world.books.tenant,
        customer=customer,
        channel_id=post.channel.id,
        identity=post.identity,
        until=soon(0),
        recipient=recipient,
    )


async def test_when_it_works_the_chat_is_told_with_the_picture(books: Books) -> None:
    post = await open_post(books)
    async with voucher_world(books) as world:
        customer = await books.customer(int(post.customer.msisdn[-7:]), funds=PRICE)
        bought = await bought_in(post, world, customer)
        await post.later(60)
        paid, waiting = list(post.notebook.tellings), len(post.album.asked)
        await world.work()
        await post.later(60)

        works = await world.voucher(bought.voucher.id)
    assert works.sale_state is SaleState.DELIVERED
    assert (waiting, [telling.picture for telling, _ in paid]) == (0, [None])
    told, template = post.notebook.tellings[-1]
    assert template is False
    assert told.picture == b"QR of " + str(bought.voucher.id).encode()
    assert "works now" in told.text


async def test_what_a_screen_told_is_not_told_again(books: Books) -> None:
    """That it is paid for, then that it works; and of one for a friend, that they have it."""
    post = await open_post(books)
    outbox, place = books.outbox, (post.channel.id, post.identity)
    async with voucher_world(books) as world:
        customer = await books.customer(int(post.customer.msisdn[-7:]), funds=3 * PRICE)
        bought = await bought_in(post, world, customer)
        now = books.clock.now()
        paid = await outbox.seen(books.tenant.id, bought.reference, *place, now, Tells.WAITS)
        await post.later(60)
        quiet = list(post.chatted)
        await world.work()
        late = await outbox.seen(
            books.tenant.id, bought.reference, *place, books.clock.now(), Tells.WAITS
        )
        await post.later(60)
        works = list(post.chatted)

        friend = await bought_in(post, world, customer, Msisdn("2348031239999"))
        await world.work()
        sent = await outbox.seen(
            books.tenant.id, friend.reference, *place, books.clock.now(), Tells.SENT
        )
        await post.later(60)

    assert (paid, late, sent) == (True, False, True)
    assert quiet == []
    assert [("works now" in text) for text in works] == [True]
    assert post.chatted == works
