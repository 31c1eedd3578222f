"""A voucher bought in a chat is told there, with a picture that logs in."""

from core.domain.vouchers import SaleState
from tests.fakes.books import Books
from tests.fakes.post import open_post
from tests.fakes.vouchers import PRICE, soon, voucher_world


async def test_when_it_works_the_chat_is_told_with_the_picture(books: Books) -> None:
    post = await open_post(books)
    async with voucher_world(books) as world:
        customer = await books.customer(int(post.customer.msisdn[-7:]), funds=PRICE)
        bought = await world.vouchers.buy(
            await world.vouchers.offer(world.plan, world.site.id),
            key="one",
            tenant=books.tenant,
            customer=customer,
            channel_id=post.channel.id,
            identity=post.identity,
            until=soon(0),
        )
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
