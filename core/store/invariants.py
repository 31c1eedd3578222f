"""What must hold in the books at every commit, asked of the database itself.

Each rule is a query for what breaks it: no row, no trouble. All run on one snapshot, beside
whatever else goes on. They read whole tables: for tests, and for `callbox ledger check` by night.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.kit.errors import Fault

_SHOWN_MAX = 5

RULES: dict[str, str] = {
    "the posted money of a currency sums to zero": """
        select currency, sum(posted_minor) from accounts group by currency
        having sum(posted_minor) <> 0
    """,
    "a transfer has two entries, equal and opposite, in its two accounts": """
        select t.id from transfers t left join entries e on e.transfer_id = t.id
        group by t.id
        having count(e.account_id) <> 2 or sum(e.amount_minor) <> 0
          or max(e.amount_minor) <> t.amount_minor
          or bool_or(e.account_id not in (t.debit_id, t.credit_id))
          or bool_or((e.amount_minor < 0) <> (e.account_id = t.debit_id))
    """,
    "an entry belongs to a transfer": """
        select e.account_id, e.version from entries e
        where not exists (select from transfers t where t.id = e.transfer_id)
    """,
    "an account's balance and version are those of its last entry": """
        select a.id from accounts a left join lateral (
          select e.version, e.balance_after_minor from entries e
          where e.account_id = a.id order by e.version desc limit 1
        ) last on true
        where a.posted_minor <> coalesce(last.balance_after_minor, 0)
          or a.version <> coalesce(last.version, 0)
    """,
    "entries of an account follow each other without a gap": """
        select account_id, version from (
          select *, lag(version, 1, 0::bigint) over chain as version_before,
            lag(balance_after_minor, 1, 0::bigint) over chain as balance_before
          from entries window chain as (partition by account_id order by version)
        ) e
        where version <> version_before + 1
          or balance_after_minor <> balance_before + amount_minor
    """,
    "wallets and escrows are not below zero, and nothing held is negative": """
        select id from accounts
        where held_minor < 0 or (floor and posted_minor - held_minor < 0)
    """,
    "what an account holds is the sum of its open holds": """
        select a.id from accounts a left join (
          select account_id, sum(amount_minor) as open_minor from all_holds
          where state = 'open' group by account_id
        ) h on h.account_id = a.id
        where a.held_minor <> coalesce(h.open_minor, 0)
    """,
    "an order takes its money from the wallet of its customer": """
        select o.id from orders o left join accounts a on a.id = o.wallet_id
        where a.id is null or (a.tenant_id, a.type, a.owner, a.currency)
          <> (o.tenant_id, 'wallet', o.customer_id::text, o.currency)
    """,
    "what a wallet remembers as spent is what its orders took since then": """
        select a.id from accounts a left join orders o on o.wallet_id = a.id
          and o.created_at >= a.spent_since and o.limited
          and o.state not in ('refunded', 'paid_back')
        where a.spent_since is not null
        group by a.id having a.spent_minor <> coalesce(sum(o.amount_minor + o.fee_minor), 0)
    """,
    "a hold belongs to a payout or to the sale of a voucher": """
        select h.id from holds h where not exists (select from payouts p where p.id = h.id)
          and not exists (select from voucher_sales v where v.id = h.id)
    """,
    "a payout's hold stands as the payout does": """
        select p.id from payouts p left join holds h on h.id = p.id
        left join transfers u on u.event_id = p.id and u.code = 'undo_payout'
        where h.id is null or h.tenant_id <> p.tenant_id
          or h.amount_minor <> p.amount_minor + p.fee_minor
          or h.state <> case p.state
            when 'paid' then 'captured'
            when 'refunded' then case when u.id is null then 'voided' else 'captured' end
            else 'open' end
    """,
    "a payout moved its amount to its gateway once, or not at all": """
        select p.id from payouts p
        left join transfers t on t.event_id = p.id and t.code = 'payout'
        left join transfers u on u.event_id = p.id and u.code = 'undo_payout'
        left join accounts c on c.id = t.credit_id
        group by p.id
        having count(distinct t.id) > 1 or count(distinct u.id) > 1
          or (p.state = 'paid') <> (count(distinct t.id) = 1 and count(distinct u.id) = 0)
          or (p.state <> 'refunded' and count(distinct u.id) > 0)
          or bool_or(t.amount_minor <> p.amount_minor
            or (c.type, c.owner) <> ('clearing', p.gateway))
    """,
    "a payout that is not final is looked at again": """
        select id from payouts where state not in ('paid', 'refunded') and run_at is null
    """,
    "a payout that ended, or waits for a person, has its notice": """
        select p.id from payouts p where p.state in ('paid', 'refunded', 'needs_person')
          and not exists (select from notices n
            where n.tenant_id = p.tenant_id and n.key = 'payout:' || p.id || ':' || p.state)
    """,
    "a voucher's hold stands as its sale does": """
        select s.id from voucher_sales s left join holds h on h.id = s.id
        left join transfers u on u.event_id = s.id and u.code = 'undo_voucher'
        where h.id is null or h.tenant_id <> s.tenant_id or h.amount_minor <> s.amount_minor
          or h.state <> case s.state
            when 'held' then 'open'
            when 'captured' then 'captured'
            else case when u.id is null then 'voided' else 'captured' end end
    """,
    "a paid voucher works or is activating, or its money is on the way back": """
        select v.id from vouchers v left join voucher_sales s on s.voucher_id = v.id
        where v.tenant_id is distinct from coalesce(s.tenant_id, v.tenant_id) or case
          when s.id is null then v.sale_state in ('refund_due', 'refunded')
          when v.sale_state in ('stock', 'reserved', 'cancelled') then true
          when v.sale_state = 'sold' then s.state <> 'held' or s.look_at is null
          when v.sale_state = 'refund_due' then s.state = 'refunded' or s.look_at is null
            or v.desired <> 'absent'
          when v.sale_state = 'refunded' then s.state <> 'refunded' or v.desired <> 'absent'
          else s.state <> 'captured' end
    """,
    "what a router should have otherwise is owed to it": """
        select v.id from vouchers v
        where case v.desired when 'absent' then v.sync_state <> 'gone'
            else v.sync_state <> 'confirmed' or v.applied_rev <> v.desired_rev end
          and not exists (select from router_ops o where o.router_id = v.router_id
            and o.kind = 'voucher' and o.subject = v.id)
    """,
    "a voucher's sale has its notices": """
        select s.id from voucher_sales s join vouchers v on v.id = s.voucher_id
        where not exists (select from notices n where n.tenant_id = s.tenant_id
            and n.key in ('voucher:' || v.id || ':' || 'sold',
              'voucher:' || v.id || ':' || 'delivered', 'voucher:' || v.id || ':' || 'refunded'))
          or (s.state = 'captured' and not exists (select from notices n
            where n.tenant_id = s.tenant_id and n.key = 'voucher:' || v.id || ':' || 'delivered'))
          or (s.state = 'refunded' and not exists (select from notices n
            where n.tenant_id = s.tenant_id and n.key = 'voucher:' || v.id || ':' || 'refunded'))
    """,
    "a captured hold was moved out of its wallet to the full, another not at all": """
        select coalesce(h.id, t.hold_id) from all_holds h full join (
          select hold_id, sum(amount_minor) as moved_minor, min(debit_id) as low_id,
            max(debit_id) as high_id
          from transfers where hold_id is not null group by hold_id
        ) t on t.hold_id = h.id
        where h.id is null or coalesce(t.moved_minor, 0) <> h.captured_minor
          or (h.state = 'captured') <> (h.captured_minor = h.amount_minor)
          or t.low_id <> h.account_id or t.high_id <> h.account_id
    """,
    "what was moved for an order went back whole if that was refunded, else not at all": """
        select o.id from orders o join transfers t on t.event_id = o.id
        group by o.id
        having coalesce(sum(t.amount_minor)
            filter (where t.reverses is not null and t.credit_id = o.wallet_id), 0)
          <> coalesce(sum(t.amount_minor)
            filter (where t.hold_id is not null and o.state = 'refunded'), 0)
    """,
    "what was paid back from suspense and not settled stands in suspense": """
        select tenant_id, currency from (
          select tenant_id, currency, -posted_minor as paid_back from accounts
          where type = 'suspense'
          union all
          select o.tenant_id, o.currency, -(o.amount_minor + o.fee_minor) from orders o
          join attempts a on a.order_id = o.id and a.number = o.attempt_number
          where o.state = 'paid_back' and a.closed_at is null
        ) s group by tenant_id, currency having sum(paid_back) <> 0
    """,
    "an order that is not final has a job and one open attempt": """
        select o.id from orders o left join jobs j on j.ref = o.id
        left join attempts a on a.order_id = o.id and a.number = o.attempt_number
        where a.order_id is null
          or (o.state in ('held', 'in_doubt') and (j.ref is null or a.closed_at is not null))
          or (o.state in ('delivered', 'refunded') and a.closed_at is null)
          or (o.state = 'paid_back' and j.ref is null and a.closed_at is null)
    """,
    "a job belongs to an order": """
        select j.ref from jobs j where not exists (select from orders o where o.id = j.ref)
    """,
    "an order that is final has its notice": """
        select o.id from orders o where o.state in ('delivered', 'refunded', 'paid_back')
          and not exists (select from notices n
            where n.tenant_id = o.tenant_id and n.key = 'order:' || o.id || ':' || o.state)
    """,
    "a credited payment moved exactly what was paid, once": """
        select p.gateway, p.transaction_id from payments_in p left join transfers t
          on t.event_id = coalesce(p.intent_id, p.account_id) and t.code = 'fund'
          and t.id = intent_leg_id(p.gateway, p.transaction_id, 'fund')
        where (p.state = 'credited') <> (t.id is not null) or t.amount_minor <> p.amount_minor
    """,
    "a payment into an account went to the customer who owns it": """
        select p.gateway, p.transaction_id from payments_in p
        left join virtual_accounts a on a.id = p.account_id
        left join transfers t on t.id = intent_leg_id(p.gateway, p.transaction_id, 'fund')
        left join accounts w on w.id = t.credit_id
        where p.account_id is not null and (a.id is null or a.tenant_id <> p.tenant_id
          or a.customer_id <> p.customer_id or a.gateway <> p.gateway
          or (t.id is not null and (w.type, w.owner) <> ('wallet', a.customer_id::text)))
    """,
    "an intent is paid or partly paid as the payments to it say": """
        select i.id from payment_intents i left join (
          select intent_id, sum(amount_minor) as paid_minor from payments_in
          where state = 'credited' and intent_id is not null group by intent_id
        ) p on p.intent_id = i.id
        where case i.state when 'paid' then p.paid_minor is null
          when 'part_paid' then p.paid_minor is null or p.paid_minor >= i.amount_minor
          else p.paid_minor is not null end
    """,
    "a gift room's escrow holds what was given and has neither been paid nor gone back": """
        select r.id from gift_rooms r left join accounts a on a.id = r.escrow_id
        where a.id is null or (a.tenant_id, a.type, a.owner, a.currency)
            <> (r.tenant_id, 'escrow', r.id::text, r.currency)
          or a.posted_minor <> r.total_minor - r.paid_minor - r.returned_minor
    """,
    "a gift room that ended holds nothing but what waits for its winners": """
        select id from gift_rooms where ended_at is not null
          and total_minor - paid_minor - returned_minor <> reserved_minor
    """,
    "a gift room counts its people and their shares as they are": """
        select r.id from gift_rooms r left join gift_claims c on c.room_id = r.id
        group by r.id
        having count(c.customer_id) <> r.joined or coalesce(max(c.number), 0) <> r.joined
          or count(c.share) <> r.handed - cardinality(r.freed)
          or count(distinct c.share) <> count(c.share)
          or coalesce(sum(c.amount_minor) filter (where c.state = 'paid'), 0) <> r.paid_minor
          or coalesce(sum(c.amount_minor) filter (where c.state = 'reserved'), 0)
            <> r.reserved_minor
          or r.total_minor <> (select sum(a) from unnest(r.amounts_minor) a)
          or count(*) filter (where c.new_here) <> r.brought
          or bool_or(c.tenant_id <> r.tenant_id or c.customer_id = r.creator_id
            or c.amount_minor <> r.amounts_minor[c.share])
    """,
    "what a gift paid went to its winner once, and what came back went to its creator": """
        select r.id from gift_rooms r
        left join lateral (
          select count(*) filter (where t.code = 'gift_won') as won,
            sum(t.amount_minor) filter (where t.code = 'gift_back') as back_minor,
            bool_or(t.code = 'gift_back' and (d.id <> r.escrow_id
              or (w.type, w.owner) <> ('wallet', r.creator_id::text))) as astray
          from transfers t
          join accounts d on d.id = t.debit_id join accounts w on w.id = t.credit_id
          where t.event_id = r.id
        ) t on true
        where t.astray or coalesce(t.back_minor, 0) <> r.returned_minor
          or t.won <> (select count(*) from gift_claims c
            join transfers p on p.id = gift_leg_id(r.id, 'gift_won', c.customer_id::text)
            join accounts w on w.id = p.credit_id
            where c.room_id = r.id and c.state = 'paid' and p.amount_minor = c.amount_minor
              and p.debit_id = r.escrow_id and (w.type, w.owner) = ('wallet', c.customer_id::text))
          or t.won <> (select count(*) from gift_claims c
            where c.room_id = r.id and c.state = 'paid')
    """,
    "the creator of a gift room that ended by itself has a notice": """
        select r.id from gift_rooms r where r.state in ('completed', 'expired')
          and not exists (select from notices n
            where n.tenant_id = r.tenant_id and n.key = 'gift:' || r.id || ':' || 'ended')
    """,
    "a reversal gives back no more than was taken, to whom it was taken from": """
        select r.id from transfers r left join transfers t on t.id = r.reverses
        where r.reverses is not null and (t.id is null or r.amount_minor > t.amount_minor
          or r.debit_id <> t.credit_id or r.credit_id <> t.debit_id)
    """,
    "transfers and holds stay inside one tenant and one currency": """
        select t.id from transfers t join accounts d on d.id = t.debit_id
        join accounts c on c.id = t.credit_id
        where d.tenant_id <> t.tenant_id or c.tenant_id <> t.tenant_id or d.currency <> c.currency
        union all
        select h.id from all_holds h join accounts a on a.id = h.account_id
        where a.tenant_id <> h.tenant_id
    """,
}


async def check(engine: AsyncEngine) -> list[str]:
    """The rules that are broken, each with a few of the rows that break it; empty when all hold.

    Args:
        engine: Connects as the owner of the tables (`core.store.database.owner_engine`).

    Raises:
        Fault: this login is held to one tenant, and would call books sound that it cannot see.
    """
    broken = []
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        if await connection.scalar(text("select row_security_active('accounts')")):
            raise Fault("the books can only be checked by the owner of the tables")
        for rule, query in RULES.items():
            rows = (await connection.execute(text(query))).fetchmany(_SHOWN_MAX)
            if rows:
                shown = "; ".join(", ".join(str(value) for value in row) for row in rows)
                broken.append(f"broken: {rule}: {shown}")
    return broken
