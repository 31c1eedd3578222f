-- What becomes of gift rooms beside claims: reservations and the end; and the public page.

-- Pays what waited for this customer to have a PIN; answers how many shares that were. `p_tell`: they
-- do not see it themselves, and get a notice.
create or replace function gift_registered(
  p_tenant uuid, p_customer uuid, p_tell boolean, p_at timestamptz
) returns integer
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_rooms uuid[];
begin
  select array_agg(w.room_id) into v_rooms
    from (select * from gift_claims x where x.customer_id = p_customer and x.share is not null
      offset 0) w
    where w.tenant_id = p_tenant and w.state = 'reserved';
  if v_rooms is null then
    return 0;
  end if;
  perform 1 from gift_rooms where id = any (v_rooms) order by id for no key update;
  return gift_fetch(v_rooms, array_fill(p_customer, array[cardinality(v_rooms)]), p_tell, p_at);
end $$;

-- Pays these reserved shares, unless their rooms are frozen or their winners released, and tells the
-- winners where that is asked for. The caller has locked the rooms.
create or replace function gift_fetch(
  p_rooms uuid[], p_customers uuid[], p_tell boolean, p_at timestamptz
) returns integer language plpgsql as $$
declare
  v_steps gift_step[];
begin
  select array_agg(gift_fetching(k, r) order by d.ordinality) into v_steps
    from unnest(p_rooms, p_customers) with ordinality d (room_id, customer_id, ordinality)
    cross join lateral (select * from gift_rooms x where x.id = d.room_id offset 0) r
    cross join lateral (
      select * from gift_claims x where x.room_id = d.room_id and x.customer_id = d.customer_id
        offset 0
    ) k
    cross join lateral (select x.status from customers x where x.id = d.customer_id offset 0) c
    where k.state = 'reserved' and r.state <> 'frozen' and c.status <> 'released';
  if v_steps is not null then
    perform gift_settle(v_steps, 'completed', 'customer', true, p_at);
    if p_tell then
      perform gift_tell(v_steps, 'fetch', 'paid', p_at);
    end if;
  end if;
  return coalesce(cardinality(v_steps), 0);
end $$;

-- Ends a room, once; false where it had ended, or is frozen and who gave it asks; nothing where this tenant has no such room.
create or replace function gift_end(
  p_tenant uuid, p_room uuid, p_state text, p_subject text, p_kind text, p_actor text,
  p_facts jsonb, p_at timestamptz
) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_room gift_rooms;
begin
  select * into v_room from gift_rooms where id = p_room for no key update;
  if v_room.tenant_id is distinct from p_tenant then
    return null;
  end if;
  if v_room.ended_at is not null or v_room.state = 'frozen' and p_actor = 'customer' then
    return false;
  end if;
  -- Reservations have the time still that they were frozen.
  update gift_claims set reserved_until = reserved_until + (p_at - v_room.frozen_at),
      remind_at = remind_at + (p_at - v_room.frozen_at)
    where room_id = p_room and number > 0 and state = 'reserved' and v_room.state = 'frozen';
  -- Whoever gave it sees the end on the screen where they asked for it.
  perform gift_settle(gift_closing(array[p_room]), p_state, null, p_actor <> 'customer', p_at);
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p_subject, p_tenant, p_kind, p_actor, p_facts, p_at);
  return true;
end $$;

-- Freezes an open room or opens a frozen one; false where nothing changed, nothing where this tenant
-- has no such room. Reservations get the time back that they were frozen, and winners who got a PIN
-- meanwhile are paid and told.
create or replace function gift_freeze(
  p_tenant uuid, p_room uuid, p_frozen boolean, p_subject text, p_kind text, p_actor text,
  p_facts jsonb, p_at timestamptz
) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_room gift_rooms;
  v_customers uuid[];
begin
  select * into v_room from gift_rooms where id = p_room for no key update;
  if v_room.tenant_id is distinct from p_tenant then
    return null;
  end if;
  if v_room.state <> (case when p_frozen then 'open' else 'frozen' end) then
    return false;
  end if;
  update gift_rooms
    set state = case when p_frozen then 'frozen' else 'open' end,
      frozen_at = case when p_frozen then p_at end
    where id = p_room;
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p_subject, p_tenant, p_kind, p_actor, p_facts, p_at);
  if not p_frozen then
    update gift_claims set reserved_until = reserved_until + (p_at - v_room.frozen_at),
        remind_at = remind_at + (p_at - v_room.frozen_at)
      where room_id = p_room and number > 0 and state = 'reserved';
    select array_agg(k.customer_id order by k.number) into v_customers
      from (select * from gift_claims x where x.room_id = p_room and x.number > 0 offset 0) k
      cross join lateral (
        select x.pin_hash from customers x where x.id = k.customer_id offset 0
      ) c
      where k.state = 'reserved' and c.pin_hash is not null;
    perform gift_fetch(array(select p_room from unnest(v_customers)), v_customers, true, p_at);
  end if;
  return true;
end $$;

-- Ends rooms whose time is over, of all tenants; answers how many. Draws end by their lots.
create or replace function gift_expire(p_count integer, p_at timestamptz) returns integer
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_rooms uuid[];
begin
  select array_agg(due.id) into v_rooms from (
    select x.id from gift_rooms x
      where x.state = 'open' and x.kind <> 'draw' and x.expires_at <= p_at
      order by x.expires_at limit p_count for no key update skip locked
  ) due;
  if v_rooms is not null then
    perform gift_settle(gift_closing(v_rooms), 'expired', 'worker', true, p_at);
  end if;
  return coalesce(cardinality(v_rooms), 0);
end $$;

-- Takes back shares that nobody fetched in time, of all tenants; answers how many were settled. They
-- may be won again while the room is open, and go back to who gave them after that. A winner who got
-- a PIN and was overlooked is paid, and told, unless they were released.
create or replace function gift_lapse(p_count integer, p_at timestamptz) returns integer
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_rooms uuid[];
  v_customers uuid[];
  v_locked uuid[];
  v_steps gift_step[];
begin
  select array_agg(due.room_id), array_agg(due.customer_id) into v_rooms, v_customers from (
    select k.room_id, k.customer_id from gift_claims k
      cross join lateral (select x.state from gift_rooms x where x.id = k.room_id offset 0) r
      where k.reserved_until <= p_at and r.state <> 'frozen'
      order by k.reserved_until limit p_count
  ) due;
  if v_rooms is null then
    return 0;
  end if;
  select array_agg(locked.id) into v_locked from (
    select x.id from gift_rooms x where x.id = any (v_rooms)
      order by x.id for no key update skip locked
  ) locked;

  select array_agg(case when c.payable then gift_fetching(k, r) else
        row('lapse', k.room_id, k.tenant_id, k.customer_id, 'lapsed', k.number, null, k.share,
          k.amount_minor, case when r.ended_at is not null then 'gift_back' end, r.creator_id, null,
          k.at, k.new_here, k.channel_id, k.identity, false, r.state = 'open', r.escrow_id,
          r.currency)::gift_step
      end order by d.ordinality)
    into v_steps
    from unnest(v_rooms, v_customers) with ordinality d (room_id, customer_id, ordinality)
    cross join lateral (select * from gift_rooms x where x.id = d.room_id offset 0) r
    cross join lateral (
      select * from gift_claims x where x.room_id = d.room_id and x.customer_id = d.customer_id
        offset 0
    ) k
    cross join lateral (
      select x.pin_hash is not null and x.status <> 'released' as payable
        from customers x where x.id = d.customer_id offset 0
    ) c
    where d.room_id = any (v_locked) and k.reserved_until <= p_at and r.state <> 'frozen';
  if v_steps is null then
    return 0;
  end if;
  perform gift_settle(v_steps, 'completed', 'worker', true, p_at);
  perform gift_tell(v_steps, 'lapse', 'lapsed', p_at);
  perform gift_tell(v_steps, 'fetch', 'paid', p_at);
  perform gift_tell_returned(v_steps, p_at);
  return cardinality(v_steps);
end $$;

-- Notices to the people of these steps that took this step, about their share.
create or replace function gift_tell(
  p_steps gift_step[], p_step text, p_how text, p_at timestamptz
) returns void language sql as $$
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at, channel_id,
      identity)
    select notice_id(s.tenant_id, t.key), s.tenant_id, t.key, s.customer_id, 'notice.gift_' || p_how,
        jsonb_build_object('code', r.code, 'amount', s.amount_minor, 'currency', s.currency),
        p_at, p_at, s.channel_id, s.identity
      from unnest(p_steps) s
      cross join lateral (select x.code from gift_rooms x where x.id = s.room_id offset 0) r
      cross join lateral (
        select 'gift:' || s.room_id || ':' || s.customer_id || ':' || p_how as key
      ) t
      where s.step = p_step
    on conflict (id) do nothing
$$;

-- Notices to creators whose rooms had ended, of each share that came back to them after all.
create or replace function gift_tell_returned(p_steps gift_step[], p_at timestamptz) returns void
language sql as $$
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at, channel_id,
      identity)
    select notice_id(s.tenant_id, t.key), s.tenant_id, t.key, r.creator_id, 'notice.gift_returned',
        jsonb_build_object('code', r.code, 'amount', s.amount_minor, 'currency', s.currency),
        p_at, p_at, r.channel_id, r.identity
      from unnest(p_steps) s
      cross join lateral (
        select x.code, x.creator_id, x.channel_id, x.identity from gift_rooms x
          where x.id = s.room_id offset 0
      ) r
      cross join lateral (
        select 'gift:' || s.room_id || ':' || s.customer_id || ':returned' as key
      ) t
      where s.step = 'lapse' and s.code = 'gift_back'
    on conflict (id) do nothing
$$;

-- The room of a public page, of any tenant.
create or replace function gift_by_token(p_token text) returns setof gift_shown
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select r.id, r.tenant_id, r.creator_id, c.msisdn, r.code, r.token, r.kind, r.split, r.pay_out,
      r.door, r.state, r.currency, r.total_minor, r.shares, r.handed - cardinality(r.freed),
      r.joined, r.paid_minor, r.returned_minor, r.reserved_minor, r.fee_minor, r.message, r.from_name, r.question,
      r.answers, r.commitment, case when r.ended_at is not null then r.seed_sealed end,
      r.created_at, r.expires_at, r.ended_at, r.draw_at, r.seats, r.drawn_at,
      r.floor_minor, r.unit_minor
    from gift_rooms r
    cross join lateral (select x.msisdn from customers x where x.id = r.creator_id offset 0) c
    where r.token = p_token
$$;

-- How a room refuses for now: whom it has an answer for of their own (unless nobody has joined since
-- there were `p_known` of them), and when a share may come back at the soonest.
create or replace function gift_shut(p_room uuid, p_known integer, p_people_max integer)
returns table (tenant_id uuid, result text, joined integer, people uuid[], until timestamptz)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select r.tenant_id,
      case when r.ended_at is not null then 'over'
        when r.state = 'open' and r.handed - cardinality(r.freed) = r.shares then 'full' end,
      r.joined,
      case when r.joined <> p_known and r.joined <= p_people_max then array(select k.customer_id from gift_claims k
        where k.room_id = r.id and k.number > 0) || r.creator_id end,
      case when r.ended_at is null then (select min(k.reserved_until) from gift_claims k
        where k.room_id = r.id and k.number > 0) end
    from gift_rooms r where r.id = p_room
$$;
