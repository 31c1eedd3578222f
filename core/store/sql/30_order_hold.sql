-- Holds the money and writes order, attempt and job, all or nothing per order.
-- One wallet at most once per call: the caller sees to it, so that room and limit are exact.
-- The row in `orders` tells who bought what and when, so beginning writes no event beside it.
-- With `p_sent_at` the caller takes what is begun in hand at once, as order_claim would lease it:
-- "about to send" is committed with it, and it comes due for others when the lease is over. Called
-- again because the answer was lost, it answers again what was begun then: nobody else will see to it.
-- Answers one row: what came of each item, in their order, with the order's reference and its state.
create or replace function order_hold(
  p_items order_item[], p_sent_at timestamptz default null, p_lease interval default null
)
returns table (results text[], refs text[], states text[])
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = on
set enable_nestloop = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_wallets bigint[];
  v_locked bigint[];
  v_rooms bigint[];
  v_since timestamptz[];
  v_spent bigint[];
begin
  select array_agg(w.id order by i.ordinality) into v_wallets
    from unnest(p_items) with ordinality i
    left join lateral (
      select a.id from accounts a
        where a.tenant_id = i.tenant_id and a.type = 'wallet' and a.owner = i.customer_id::text
          and a.currency = i.currency offset 0
    ) w on true;
  -- There is no room in what was closed.
  select array_agg(w.id), array_agg(w.room_minor), array_agg(w.spent_since),
      array_agg(w.spent_minor)
    into v_locked, v_rooms, v_since, v_spent
    from (
      select a.id, case when a.closed_at is null then a.posted_minor - a.held_minor end as room_minor,
          a.spent_since, a.spent_minor
        from accounts a where a.id = any (v_wallets) order by a.id for no key update
    ) w;
  if cardinality(v_locked) <> cardinality(array_remove(v_wallets, null)) then
    raise exception 'a wallet stands twice in one batch of orders';
  end if;

  -- One statement from here on: what each item comes to is written down once and read by each
  -- table's part. Two of one id or one provider reference raise, and the caller tries one by one.
  return query with judged as materialized (
    select i.*, v_locked[w.at] as wallet_id, o.reference as known_reference, o.state as known_state,
        d.spent_minor,
        case
          when o.id is not null then
            case when (o.tenant_id, o.customer_id, o.product, o.network, o.recipient,
                o.amount_minor, o.fee_minor, o.currency, o.plan, o.account, o.variant, o.quantity)
              = (i.tenant_id, i.customer_id, i.product, i.network, i.recipient,
                i.amount_minor, i.fee_minor, i.currency, coalesce(i.plan, ''),
                coalesce(i.account, ''), coalesce(i.variant, ''), i.quantity)
            then case when o.reference = i.reference and o.state = 'held' and exists (
                select from attempts x where x.order_id = o.id and x.number = o.attempt_number
                  and x.sent_at = p_sent_at and x.result is null offset 0)
              then 'begun again' else 'duplicate' end
            else 'conflict' end
          when w.at is null then 'insufficient'
          when v_rooms[w.at] is null then 'closed'
          when v_rooms[w.at] < i.amount_minor + i.fee_minor then 'insufficient'
          when d.spent_minor + i.amount_minor + i.fee_minor > i.day_limit_minor then 'over_limit'
          else 'begun'
        end as answer
      from unnest(p_items) with ordinality i
      cross join lateral (
        select array_position(v_locked, v_wallets[i.ordinality]) as at offset 0
      ) w
      left join lateral (select * from orders x where x.id = i.id offset 0) o on true
      cross join lateral (
        -- Added up once a day, and again after a refund; remembered in the wallet meanwhile.
        select case
          when i.gift_room_id is not null then 0
          when v_since[w.at] = i.day_starts_at then v_spent[w.at]
          else (
            select coalesce(sum(spent.minor), 0)::bigint from (
              select x.amount_minor + x.fee_minor as minor, x.wallet_id, x.state, x.limited
                from orders x
                where x.customer_id <= i.customer_id
                  and (x.customer_id, x.created_at) >= (i.customer_id, i.day_starts_at) offset 0
            ) spent
              where spent.limited and spent.wallet_id = v_locked[w.at]
                and spent.state not in ('refunded', 'paid_back')
          ) end as spent_minor offset 0
      ) d
  ), written as (
    insert into orders (id, tenant_id, customer_id, reference, product, network, recipient,
        amount_minor, fee_minor, currency, state, channel_id, identity, created_at, deadline_at,
        plan, account, variant, quantity, limited, gift_room_id, wallet_id)
      select j.id, j.tenant_id, j.customer_id, j.reference, j.product, j.network, j.recipient,
        j.amount_minor, j.fee_minor, j.currency, 'held', j.channel_id, j.identity, j.created_at,
        j.deadline_at, coalesce(j.plan, ''), coalesce(j.account, ''), coalesce(j.variant, ''),
        j.quantity, j.gift_room_id is null, j.gift_room_id, j.wallet_id
      from judged j where j.answer = 'begun'
  ), held as (
    update accounts a
      set held_minor = a.held_minor + j.amount_minor + j.fee_minor,
        spent_since = case when j.gift_room_id is null then j.day_starts_at else a.spent_since end,
        spent_minor = case when j.gift_room_id is null
          then j.spent_minor + j.amount_minor + j.fee_minor else a.spent_minor end
      from judged j where j.answer = 'begun' and a.id = j.wallet_id and a.id = any (v_locked)
  ), attempted as (
    insert into attempts (order_id, number, id, tenant_id, provider, provider_reference, via, plan,
        state, sent_at, created_at)
      select j.id, 1, j.attempt_id, j.tenant_id, j.provider, j.provider_reference,
        coalesce(j.via, ''), coalesce(j.provider_plan, ''),
        case when p_sent_at is null then 'created' else 'sent' end, p_sent_at, j.created_at
      from judged j where j.answer = 'begun'
  ), queued as (
    insert into jobs (ref, tenant_id, run_at, tries)
      select j.id, j.tenant_id, coalesce(p_sent_at + p_lease, j.created_at),
        case when p_sent_at is null then 0 else 1 end
      from judged j where j.answer = 'begun'
  )
  select array_agg(case j.answer when 'begun again' then 'begun' else j.answer end
        order by j.ordinality),
      array_agg(coalesce(j.known_reference, j.reference) order by j.ordinality),
      array_agg(case j.answer when 'begun' then 'held' else j.known_state end
        order by j.ordinality)
    from judged j;
end $$;
