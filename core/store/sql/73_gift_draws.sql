-- Lots of gift rooms, and airtime that was won.

-- Leases rooms whose lots are due, of all tenants.
create or replace function gift_draw_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (room_id uuid, tenant_id uuid, seed_sealed text, tickets integer)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select x.id from gift_rooms x
      where x.state = 'open' and x.kind = 'draw' and x.draw_due_at <= p_at
      order by x.draw_due_at limit p_count for no key update skip locked
  )
  update gift_rooms r set draw_due_at = p_at + p_lease from due where r.id = due.id
    returning r.id, r.tenant_id, r.seed_sealed, r.joined
$$;

-- Its lots cannot be drawn now: they are not due again before that.
create or replace function gift_draw_later(p_tenant uuid, p_room uuid, p_at timestamptz)
returns void language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  update gift_rooms set draw_due_at = p_at
    where id = p_room and tenant_id = p_tenant and state = 'open' and kind = 'draw'
$$;

-- Gives share after share to these tickets, in order, and ends the room; false where it is not to be
-- drawn any more, or somebody has joined since. A share whose ticket is of who was released meanwhile
-- goes back to who gave it, as if it had lapsed.
create or replace function gift_draw(
  p_tenant uuid, p_room uuid, p_tickets integer, p_winners integer[], p_reserved_for interval,
  p_at timestamptz
) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_room gift_rooms;
  v_steps gift_step[];
  v_rest bigint;
begin
  select * into v_room from gift_rooms where id = p_room for no key update;
  if v_room.tenant_id is distinct from p_tenant or v_room.state <> 'open'
      or v_room.kind <> 'draw' or v_room.joined <> p_tickets then
    return false;
  end if;
  if (select count(distinct w) <> least(v_room.shares, p_tickets) or count(w) <> count(distinct w)
      or min(w) < 1 or max(w) > p_tickets from unnest(p_winners) w) then
    raise exception 'lots that are not of this room';
  end if;

  select array_agg(row(
        case when l.state in ('lost', 'lapsed') then 'missed' else 'drawn' end, p_room, p_tenant,
        k.customer_id, l.state, k.number, case when l.state in ('paid', 'reserved') then w.place end,
        null, coalesce(v_room.amounts_minor[w.place], 0),
        case l.state when 'paid' then 'gift_won' end, k.customer_id,
        case l.state when 'reserved' then p_at + p_reserved_for end, k.at,
        k.new_here, k.channel_id, k.identity, v_room.pay_out = 'airtime', true, v_room.escrow_id,
        v_room.currency)::gift_step order by w.place, k.number),
      v_room.total_minor - coalesce(sum(v_room.amounts_minor[w.place])
        filter (where l.state in ('paid', 'reserved')), 0)
    into v_steps, v_rest
    from gift_claims k
    left join unnest(p_winners) with ordinality w (ticket, place) on w.ticket = k.number
    join customers c on c.id = k.customer_id
    cross join lateral (
      select case when w.place is null then 'lost' when c.status = 'released' then 'lapsed'
        when v_room.pay_out = 'airtime' or c.pin_hash is not null then 'paid'
        else 'reserved' end as state
    ) l
    where k.room_id = p_room and k.number > 0;
  v_steps := coalesce(v_steps, '{}') || row('close', p_room, p_tenant, v_room.creator_id, null, null,
    null, null, v_rest, case when v_rest > 0 then 'gift_back' end, v_room.creator_id, null, p_at,
    false, null, '', false, true, v_room.escrow_id, v_room.currency)::gift_step;

  update gift_rooms set drawn_at = p_at where id = p_room;
  perform gift_settle(v_steps, 'expired', 'worker', true, p_at);
  perform gift_tell(array(select s from unnest(v_steps) s where s.state = 'paid'), 'drawn',
    case v_room.pay_out when 'airtime' then 'drawn_won_airtime' else 'drawn_won' end, p_at);
  perform gift_tell(array(select s from unnest(v_steps) s where s.state = 'reserved'), 'drawn',
    'drawn_reserved', p_at);
  perform gift_tell(v_steps, 'missed', 'drawn_lost', p_at);
  return true;
end $$;

-- Leases shares that are to go to their winners' numbers, of all tenants.
create or replace function gift_airtime_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  room_id uuid, tenant_id uuid, customer_id uuid, amount_minor bigint, currency text,
  channel_id uuid, identity text
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select k.room_id, k.customer_id, r.currency from gift_claims k
      cross join lateral (
        select x.state, x.currency from gift_rooms x where x.id = k.room_id offset 0
      ) r
      where k.airtime_at <= p_at and r.state <> 'frozen'
      order by k.airtime_at limit p_count for no key update of k skip locked
  )
  update gift_claims k set airtime_at = p_at + p_lease from due
    where k.room_id = due.room_id and k.customer_id = due.customer_id
    returning k.room_id, k.tenant_id, k.customer_id, k.amount_minor, due.currency, k.channel_id,
      k.identity
$$;

-- The share is an order of this reference now, or, without one, stays wallet money.
create or replace function gift_airtime_ordered(
  p_tenant uuid, p_room uuid, p_customer uuid, p_reference text
) returns void language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  update gift_claims set airtime_at = null, order_reference = p_reference
    where room_id = p_room and customer_id = p_customer and tenant_id = p_tenant
      and airtime_at is not null
$$;
