-- What every change of a gift room comes to: claims, money, the room's one row, and who is told.
-- The caller has locked the rooms, in id order, and judged each step as they stand now.

-- Steps on a claim: win, lose, join (a new one); fetch, lapse, drawn, missed (one that is there).
-- `close` ends the room as `p_state`; a room that has paid all its shares ends by itself.
-- With an actor the end is an event too; `p_tell`: the creator gets a notice.
create or replace function gift_settle(
  p_steps gift_step[], p_state text, p_actor text, p_tell boolean, p_at timestamptz
) returns void language plpgsql as $$
declare
  v_ended uuid[];
begin
  insert into gift_claims (room_id, customer_id, tenant_id, number, state, share, amount_minor, at,
      reserved_until, remind_at, new_here, channel_id, identity, airtime_at)
    select s.room_id, s.customer_id, s.tenant_id, s.number, s.state, s.share, s.amount_minor, s.at,
      s.reserved_until, s.reserved_until - gift_reminded_before(), s.new_here, s.channel_id,
      s.identity, case when s.airtime and s.state = 'paid' then p_at end
    from unnest(p_steps) s where s.step in ('win', 'lose', 'join');
  if exists (select from unnest(p_steps) s where s.step not in ('win', 'lose', 'join')) then
    update gift_claims c
      set state = s.state, share = s.share, amount_minor = s.amount_minor,
        reserved_until = s.reserved_until,
        remind_at = s.reserved_until - gift_reminded_before(),
        airtime_at = case when s.airtime and s.state = 'paid' then p_at end
      from unnest(p_steps) s
      where s.step in ('fetch', 'lapse', 'drawn', 'missed')
        and c.room_id = s.room_id and c.customer_id = s.customer_id
        and c.customer_id = any (array(select customer_id from unnest(p_steps)));
  end if;
  perform gift_move(p_steps, p_at);

  with sums as (
    select s.room_id,
        (count(*) filter (where s.step in ('win', 'lose', 'join')))::integer as joined,
        (count(*) filter (where s.step in ('win', 'lose', 'join') and s.new_here))::integer
          as brought,
        (count(*) filter (where s.step in ('win', 'drawn')))::integer as won,
        coalesce(array_agg(s.freed order by s.freed) filter (where s.freed is not null), '{}')
          as freed,
        coalesce(sum(s.amount_minor) filter (where s.code = 'gift_won'), 0)::bigint as paid_minor,
        coalesce(sum(s.amount_minor) filter (where s.code = 'gift_back'), 0)::bigint
          as returned_minor,
        coalesce(sum(case when s.step in ('fetch', 'lapse') then -s.amount_minor
          when s.state = 'reserved' then s.amount_minor end), 0)::bigint as reserved_minor,
        bool_or(s.step = 'close') as closing, bool_and(s.live) as live
      from unnest(p_steps) s group by s.room_id
  ), stands as (
    select m.*, r.joined + m.joined as joined_now,
        r.handed + greatest(m.won - cardinality(r.freed), 0) as handed_now,
        r.freed[m.won + 1 :] || m.freed as freed_now,
        m.closing or m.live and r.paid_minor + m.paid_minor = r.total_minor as ends
      from sums m
      cross join lateral (select * from gift_rooms x where x.id = m.room_id offset 0) r
  ), written as (
    update gift_rooms r
      set joined = w.joined_now, brought = r.brought + w.brought, handed = w.handed_now,
        freed = w.freed_now, paid_minor = r.paid_minor + w.paid_minor,
        returned_minor = r.returned_minor + w.returned_minor,
        reserved_minor = r.reserved_minor + w.reserved_minor,
        state = case when not w.ends then r.state
          when p_state <> 'cancelled' and w.handed_now - cardinality(w.freed_now) = r.shares
            then 'completed'
          else p_state end,
        ended_at = case when w.ends then p_at else r.ended_at end,
        draw_due_at = case when r.seats > 0 and w.joined_now >= r.seats
          then least(r.draw_due_at, p_at) else r.draw_due_at end
      from stands w
      where r.id = w.room_id and r.id = any (array(select room_id from stands))
      returning r.id, w.ends
  )
  select array_agg(w.id) into v_ended from written w where w.ends;

  if v_ended is not null then
    perform gift_ended(v_ended, p_actor, p_tell, p_at);
  end if;
end $$;

-- So long before a share goes back its winner is reminded of it.
create or replace function gift_reminded_before() returns interval
language sql immutable parallel safe as $$
  select interval '6 hours'
$$;

-- Moves what steps pay out of escrow, with one row written per account.
create or replace function gift_move(p_steps gift_step[], p_at timestamptz) returns void
language plpgsql as $$
declare
  v_wallets bigint[];
  v_legs ledger_leg[];
begin
  for v_try in 1..2 loop
    select array_agg(w.id),
        array_agg(row(
          gift_leg_id(s.room_id, s.code,
            case s.step when 'close' then '' else s.customer_id::text end),
          s.tenant_id, s.escrow_id, w.id, s.amount_minor, s.code, s.room_id, null, null
        )::ledger_leg order by s.ordinality)
      into v_wallets, v_legs
      from unnest(p_steps) with ordinality s
      left join lateral (
        select a.id from accounts a
          where a.tenant_id = s.tenant_id and a.type = 'wallet' and a.owner = s.payee_id::text
            and a.currency = s.currency offset 0
      ) w on true
      where s.code is not null;
    if v_legs is null then
      return;
    end if;
    exit when array_position(v_wallets, null) is null;
    -- Made in one order everywhere, or two calls could wait for each other.
    perform ledger_account(n.tenant_id, 'wallet', n.owner, n.currency)
      from (select distinct s.tenant_id, s.payee_id::text as owner, s.currency
        from unnest(p_steps) s where s.code is not null order by 1, 2, 3) n;
  end loop;

  perform 1 from accounts
    where id = any (v_wallets || array(select s.escrow_id from unnest(p_steps) s
      where s.code is not null))
    order by id for no key update;
  perform ledger_book(v_legs, '{}', p_at);
end $$;

-- Writes down that rooms ended, and tells their creators.
create or replace function gift_ended(
  p_rooms uuid[], p_actor text, p_tell boolean, p_at timestamptz
) returns void language plpgsql as $$
begin
  if p_tell then
    insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at,
        channel_id, identity)
      select notice_id(r.tenant_id, 'gift:' || r.id || ':ended'), r.tenant_id,
          'gift:' || r.id || ':ended', r.creator_id,
          'notice.gift_' || r.state || case when r.reserved_minor > 0 then '.waits' else '' end,
          jsonb_build_object('code', r.code, 'won', r.handed - cardinality(r.freed),
            'shares', r.shares, 'reserved', r.reserved_minor, 'returned', r.returned_minor,
            'total', r.total_minor, 'currency', r.currency),
          p_at, p_at, r.channel_id, r.identity
        from gift_rooms r where r.id = any (p_rooms)
      on conflict (id) do nothing;
  end if;
  if p_actor is not null then
    insert into events (subject, tenant_id, kind, actor, facts, at)
      select r.id::text, r.tenant_id, 'gift.' || r.state, p_actor,
          jsonb_build_object('paid_minor', r.paid_minor, 'returned_minor', r.returned_minor,
            'reserved_minor', r.reserved_minor), p_at
        from gift_rooms r where r.id = any (p_rooms) order by r.id;
  end if;
end $$;

-- What ending these rooms takes: what nobody won goes back to who gave it.
create or replace function gift_closing(p_rooms uuid[]) returns gift_step[]
language sql stable as $$
  select array_agg(row('close', r.id, r.tenant_id, r.creator_id, null, null, null, null, r.rest_minor,
      case when r.rest_minor > 0 then 'gift_back' end, r.creator_id, null, null, false, null, '',
      false, true, r.escrow_id, r.currency)::gift_step order by r.id)
    from (select x.*, x.total_minor - x.paid_minor - x.returned_minor - x.reserved_minor
        as rest_minor
      from gift_rooms x where x.id = any (p_rooms)) r
$$;

-- The step that pays a reserved share to its winner.
create or replace function gift_fetching(k gift_claims, r gift_rooms) returns gift_step
language sql immutable as $$
  select row('fetch', k.room_id, k.tenant_id, k.customer_id, 'paid', k.number, k.share, null,
    k.amount_minor, 'gift_won', k.customer_id, null, k.at, k.new_here, k.channel_id, k.identity,
    r.pay_out = 'airtime', r.state = 'open', r.escrow_id, r.currency)::gift_step
$$;
