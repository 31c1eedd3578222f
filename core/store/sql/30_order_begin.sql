-- Holds the money and writes order, attempt and job, all or nothing per order.
-- One wallet at most once per call: the caller sees to it, so that room and limit are exact.
-- The row in `orders` tells who bought what and when, so beginning writes no event beside it.
-- With `p_sent_at` the caller takes what is begun in hand at once, as order_claim would lease it:
-- "about to send" is committed with it, and it comes due for others when the lease is over. Called
-- again because the answer was lost, it answers again what was begun then: nobody else will see to it.
create or replace function order_begin(
  p_items order_item[], p_sent_at timestamptz default null, p_lease interval default null
)
returns table (place bigint, result text, reference text, state text)
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_wallets bigint[];
  v_answers text[];
  v_references text[];
  v_states text[];
  v_fresh order_item[];
  v_fresh_wallets bigint[];
begin
  select array_agg(w.id order by i.ordinality) into v_wallets
    from unnest(p_items) with ordinality i
    left join lateral (
      select a.id from accounts a
        where a.tenant_id = i.tenant_id and a.type = 'wallet' and a.owner = i.customer_id::text
          and a.currency = i.currency offset 0
    ) w on true;
  if (select count(w) <> count(distinct w) from unnest(v_wallets) w) then
    raise exception 'a wallet stands twice in one batch of orders';
  end if;

  perform 1 from accounts where id = any (v_wallets) order by id for no key update;

  with judged as (
    select i.ordinality as place, w.id as wallet_id,
        coalesce(o.reference, i.reference) as reference, o.state as stands,
        case
          when o.id is not null then
            case when (o.tenant_id, o.customer_id, o.product, o.network, o.recipient,
                o.amount_minor, o.fee_minor, o.currency, o.plan, o.account, o.variant, o.quantity)
              = (i.tenant_id, i.customer_id, i.product, i.network, i.recipient,
                i.amount_minor, i.fee_minor, i.currency, i.plan, i.account, i.variant, i.quantity)
            then case when o.reference = i.reference and o.state = 'held' and exists (
                select from attempts x where x.order_id = o.id and x.number = o.attempt_number
                  and x.sent_at = p_sent_at and x.result is null offset 0)
              then 'begun again' else 'duplicate' end
            else 'conflict' end
          when w.closed_at is not null then 'closed'
          when w.id is null or w.posted_minor - w.held_minor < i.amount_minor + i.fee_minor
            then 'insufficient'
          when d.spent_minor + i.amount_minor + i.fee_minor > i.day_limit_minor then 'over_limit'
          else 'begun'
        end as answer
      from unnest(p_items) with ordinality i
      left join lateral (
        select * from accounts x where x.id = v_wallets[i.ordinality] offset 0
      ) w on true
      left join lateral (select * from orders x where x.id = i.id offset 0) o on true
      left join lateral (
        -- `between` and the order leave only the index of a customer's orders to choose, even while
        -- the table is so small that all indexes look alike.
        select coalesce(sum(spent.minor), 0)::bigint as spent_minor from (
          select x.amount_minor + x.fee_minor as minor, x.currency, x.state from orders x
            where i.day_limit_minor is not null and x.tenant_id = i.tenant_id
              and x.customer_id between i.customer_id and i.customer_id
              and x.created_at >= i.day_starts_at and x.limited
            order by x.customer_id, x.created_at desc offset 0
        ) spent
          where spent.currency = i.currency and spent.state not in ('refunded', 'paid_back')
      ) d on true
  )
  select array_agg(answer order by place), array_agg(reference order by place),
      array_agg(case answer when 'begun' then 'held' else stands end order by place),
      array_agg(p_items[place] order by place) filter (where answer = 'begun'),
      array_agg(wallet_id order by place) filter (where answer = 'begun')
    into v_answers, v_references, v_states, v_fresh, v_fresh_wallets from judged;

  if v_fresh is not null then
    perform order_write(v_fresh, v_fresh_wallets, p_sent_at, p_lease);
  end if;

  return query
    select a.place, case a.answer when 'begun again' then 'begun' else a.answer end, a.reference,
        a.state
      from unnest(v_answers, v_references, v_states) with ordinality
        a (answer, reference, state, place);
end $$;

-- Writes orders that were judged. Two of one id or one provider reference raise, and the caller
-- tries them one by one.
create or replace function order_write(
  p_orders order_item[], p_wallets bigint[], p_sent_at timestamptz, p_lease interval
) returns void language plpgsql as $$
begin
  insert into orders (id, tenant_id, customer_id, reference, product, network, recipient,
      amount_minor, fee_minor, currency, state, channel_id, identity, created_at, deadline_at, plan,
      account, variant, quantity, limited, gift_room_id, wallet_id)
    select f.id, f.tenant_id, f.customer_id, f.reference, f.product, f.network, f.recipient,
      f.amount_minor, f.fee_minor, f.currency, 'held', f.channel_id, f.identity, f.created_at,
      f.deadline_at, f.plan, f.account, f.variant, f.quantity, f.gift_room_id is null,
      f.gift_room_id, p_wallets[f.ordinality]
    from unnest(p_orders) with ordinality f;

  update accounts a set held_minor = a.held_minor + f.amount_minor + f.fee_minor
    from unnest(p_orders) with ordinality f where a.id = p_wallets[f.ordinality];

  insert into attempts (order_id, number, id, tenant_id, provider, provider_reference, via, plan,
      state, sent_at, created_at)
    select f.id, 1, f.attempt_id, f.tenant_id, f.provider, f.provider_reference, f.via,
      f.provider_plan, case when p_sent_at is null then 'created' else 'sent' end, p_sent_at,
      f.created_at
    from unnest(p_orders) f;

  insert into jobs (ref, tenant_id, run_at, tries)
    select f.id, f.tenant_id, coalesce(p_sent_at + p_lease, f.created_at),
      case when p_sent_at is null then 0 else 1 end
    from unnest(p_orders) f;
end $$;
