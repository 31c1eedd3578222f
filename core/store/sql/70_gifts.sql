-- Gift rooms: opened, and claimed in batches. Everywhere in this order: rooms by id, then customers
-- by id, then accounts by id. Whatever changes a room goes through `gift_settle` in the next file.

drop type if exists gift_item, gift_claim_item, gift_answer, gift_step, gift_shown cascade;

create type gift_item as (
  id uuid, tenant_id uuid, creator_id uuid, code text, token text, kind text, split text,
  pay_out text, door text, amounts_minor bigint[], fee_minor bigint, currency text, message text,
  commitment text, seed_sealed text, created_at timestamptz, expires_at timestamptz,
  channel_id uuid, identity text, from_name text, listed text[], question text, answers text[],
  answer_sealed text, draw_at timestamptz, seats integer, floor_minor bigint, unit_minor bigint
);

-- `right_answer`: whether the quiz was answered rightly; null where nothing was answered.
create type gift_claim_item as (
  room_id uuid, tenant_id uuid, customer_id uuid, registered boolean, right_answer boolean,
  new_here boolean, channel_id uuid, identity text, at timestamptz
);

create type gift_answer as (
  result text, amount_minor bigint, ticket integer, reserved_until timestamptz, again boolean
);

-- What happens to one person in a room, or to the room. `state` is the claim's from now on, `freed`
-- the share that comes back, `code` the transfer out of escrow if there is one, to `payee_id`.
-- `live`: the room was open until now.
create type gift_step as (
  step text, room_id uuid, tenant_id uuid, customer_id uuid, state text, number integer,
  share integer, freed integer, amount_minor bigint, code text, payee_id uuid,
  reserved_until timestamptz, at timestamptz, new_here boolean, channel_id uuid, identity text,
  airtime boolean, live boolean, escrow_id bigint, currency text
);

-- A room as it is shown; `seed_sealed` when it is final, null before.
create type gift_shown as (
  id uuid, tenant_id uuid, creator_id uuid, creator_msisdn text, code text, token text, kind text,
  split text, pay_out text, door text, state text, currency text, total_minor bigint,
  shares integer, taken integer, joined integer, paid_minor bigint, returned_minor bigint,
  reserved_minor bigint, fee_minor bigint, message text, from_name text, question text,
  answers text[], commitment text, seed_sealed text, created_at timestamptz, expires_at timestamptz, ended_at timestamptz,
  draw_at timestamptz, seats integer, drawn_at timestamptz, floor_minor bigint, unit_minor bigint
);

-- Transfers of a room have ids derived from it and from whom they are about (the winner, or who lost
-- a reservation; nobody where they are about the room), so that none can be written twice.
create or replace function gift_leg_id(p_room uuid, p_code text, p_about text) returns uuid
language sql immutable as $$
  select left(encode(sha256(convert_to(
    'gift:' || p_room::text || ':' || p_code || ':' || p_about, 'UTF8')), 'hex'), 32)::uuid
$$;

-- Writes the room and moves gift and fee from the creator's wallet, or says why not.
-- Answers opened | duplicate | conflict | code_taken | insufficient | over_limit.
create or replace function gift_open(
  p gift_item, p_open_max integer, p_day_max_minor bigint, p_day_starts_at timestamptz
) returns text
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_earlier gift_rooms;
  v_wallet accounts;
  v_total bigint := (select sum(a) from unnest(p.amounts_minor) a);
  v_wallet_id bigint;
  v_revenue_id bigint;
  v_escrow_id bigint;
  v_legs ledger_leg[];
begin
  select a.id into v_wallet_id from accounts a
    where a.tenant_id = p.tenant_id and a.type = 'wallet' and a.owner = p.creator_id::text
      and a.currency = p.currency;
  if p.fee_minor > 0 then
    v_revenue_id := ledger_account(p.tenant_id, 'revenue', '', p.currency);
  end if;
  perform 1 from accounts where id = any (array[v_wallet_id, v_revenue_id])
    order by id for no key update;

  -- With the wallet locked, whoever confirmed the same a moment ago is done.
  select * into v_earlier from gift_rooms where id = p.id;
  if v_earlier.id is not null then
    return case when (v_earlier.tenant_id, v_earlier.creator_id, v_earlier.kind, v_earlier.split,
        v_earlier.pay_out, v_earlier.door, v_earlier.total_minor, v_earlier.shares,
        v_earlier.fee_minor, v_earlier.currency, v_earlier.message, v_earlier.question,
        v_earlier.answers)
      = (p.tenant_id, p.creator_id, p.kind, p.split, p.pay_out, p.door, v_total,
        cardinality(p.amounts_minor), p.fee_minor, p.currency, p.message, p.question, p.answers)
    then 'duplicate' else 'conflict' end;
  end if;
  select * into v_wallet from accounts where id = v_wallet_id;
  if v_wallet.id is null or v_wallet.closed_at is not null
      or v_wallet.posted_minor - v_wallet.held_minor < v_total + p.fee_minor then
    return 'insufficient';
  end if;
  if not gift_within(p.creator_id, p.currency, v_total, p_open_max, p_day_max_minor,
      p_day_starts_at) then
    return 'over_limit';
  end if;

  v_escrow_id := ledger_account(p.tenant_id, 'escrow', p.id::text, p.currency);
  insert into gift_rooms (id, tenant_id, creator_id, code, token, kind, split, pay_out, door,
      currency, escrow_id, amounts_minor, shares, total_minor, fee_minor, message, from_name,
      question, answers, answer_sealed, commitment, seed_sealed, channel_id, identity, created_at,
      expires_at, draw_at, seats, floor_minor, unit_minor, draw_due_at)
    values (p.id, p.tenant_id, p.creator_id, p.code, p.token, p.kind, p.split, p.pay_out, p.door,
      p.currency, v_escrow_id, p.amounts_minor, cardinality(p.amounts_minor), v_total, p.fee_minor,
      p.message, p.from_name, p.question, p.answers, p.answer_sealed, p.commitment, p.seed_sealed,
      p.channel_id, p.identity, p.created_at, p.expires_at, p.draw_at, p.seats, p.floor_minor,
      p.unit_minor,
      case p.kind when 'draw' then coalesce(p.draw_at, p.expires_at) end)
    on conflict do nothing;
  if not found then
    return 'code_taken'; -- the account that was made for it waits for the next try
  end if;
  insert into gift_guests (room_id, msisdn, tenant_id)
    select distinct p.id, l, p.tenant_id from unnest(p.listed) l;

  v_legs := array[row(gift_leg_id(p.id, 'gift', ''), p.tenant_id, v_wallet_id, v_escrow_id, v_total,
    'gift', p.id, null, null)::ledger_leg];
  if p.fee_minor > 0 then
    v_legs := v_legs || row(gift_leg_id(p.id, 'gift_fee', ''), p.tenant_id, v_wallet_id,
      v_revenue_id, p.fee_minor, 'gift_fee', p.id, null, null)::ledger_leg;
  end if;
  perform ledger_book(v_legs, '{}', p.created_at);
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p.id::text, p.tenant_id, 'gift.opened', 'customer', jsonb_build_object('code', p.code,
      'total_minor', v_total, 'fee_minor', p.fee_minor, 'shares', cardinality(p.amounts_minor),
      'commitment', p.commitment), p.created_at);
  return 'opened';
end $$;

-- Whether a customer may give so much more: so many rooms at a time, and so much in a day, without
-- what came back.
create or replace function gift_within(
  p_creator uuid, p_currency text, p_total_minor bigint, p_open_max integer,
  p_day_max_minor bigint, p_day_starts_at timestamptz
) returns boolean language sql stable as $$
  select count(*) filter (where r.state in ('open', 'frozen')) < p_open_max
      and coalesce(sum(r.total_minor - r.returned_minor) filter (
        where r.created_at >= p_day_starts_at and r.currency = p_currency), 0)
        + p_total_minor <= p_day_max_minor
    from (select * from gift_rooms x where x.creator_id between p_creator and p_creator
      order by x.creator_id, x.created_at desc offset 0) r
$$;

-- Whether somebody bought something, or won something, before; or holds a ticket for new people, until
-- its lots are drawn.
create or replace function gift_known(p_tenant uuid, p_customer uuid) returns boolean
language sql stable as $$
  select exists (select from (select x.state from orders x where x.tenant_id = p_tenant
        and x.customer_id between p_customer and p_customer
        order by x.customer_id, x.created_at desc offset 0) o
      where o.state not in ('refunded', 'paid_back'))
    or exists (select from gift_claims w where w.customer_id = p_customer and w.share is not null)
    or exists (select from (select x.room_id from gift_claims x
        where x.customer_id = p_customer and x.state = 'joined' offset 0) t
      cross join lateral (
        select x.door, x.state from gift_rooms x where x.id = t.room_id offset 0
      ) r
      where r.door = 'new' and r.state in ('open', 'frozen'))
$$;

-- Settles what becomes of these people, in order; answers per item. For who was released there is
-- no room. One customer at most once per
-- call: the caller sees to it, so that who may join is exact.
create or replace function gift_claim(p_items gift_claim_item[], p_reserved_for interval)
returns setof gift_answer
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_for_new boolean;
  v_answers gift_answer[];
  v_steps gift_step[];
begin
  if (select count(i.customer_id) <> count(distinct i.customer_id) from unnest(p_items) i) then
    raise exception 'a customer stands twice in one batch of claims';
  end if;
  select bool_or(locked.door = 'new') into v_for_new from (
    select x.door from gift_rooms x where x.id = any (array(select i.room_id from unnest(p_items) i))
      order by x.id for no key update
  ) locked;
  if v_for_new then -- nobody is new in two rooms at once
    perform 1 from customers where id = any (array(select i.customer_id from unnest(p_items) i))
      order by id for no key update;
  end if;

  with seen as (
    select i.ordinality as place, i.room_id, i.tenant_id, i.customer_id, i.at, i.new_here,
        i.channel_id, i.identity, r.kind, r.state as room_state, r.freed, r.handed, r.joined,
        r.seats, r.escrow_id, r.currency, r.pay_out = 'airtime' as airtime,
        r.shares - r.handed + cardinality(r.freed) as free,
        i.registered or c.pin_set or r.pay_out = 'airtime' as payable,
        k.state as stood, k.amount_minor as stood_minor, k.number as stood_number,
        k.reserved_until as stood_until, k.share as stood_share,
        case
          when r.id is null or r.tenant_id <> i.tenant_id or c.id is null
            or c.tenant_id <> i.tenant_id or c.released then 'no_room'
          when k.state = 'reserved' and (i.registered or c.pin_set) and r.state <> 'frozen'
            then 'fetch'
          when k.state is not null then 'again'
          when r.creator_id = i.customer_id then 'own'
          when r.state = 'frozen' then 'frozen'
          when r.state <> 'open' or i.at >= r.expires_at or i.at >= r.draw_at then 'over'
          when r.door = 'listed' and not exists (select from gift_guests g
            where g.room_id = i.room_id and g.msisdn = c.msisdn) then 'not_listed'
          when r.door = 'new' and gift_known(i.tenant_id, i.customer_id) then 'not_new'
          when r.kind = 'draw' then 'join'
          when r.kind = 'race' or i.right_answer then 'win'
          when i.right_answer is null then 'unanswered'
          else 'lose'
        end as wish
      from unnest(p_items) with ordinality i
      left join lateral (select * from gift_rooms x where x.id = i.room_id offset 0) r on true
      left join lateral (
        select x.id, x.tenant_id, x.msisdn, x.pin_hash is not null as pin_set,
            x.status = 'released' as released
          from customers x where x.id = i.customer_id offset 0
      ) c on true
      left join lateral (
        select * from gift_claims x where x.room_id = i.room_id and x.customer_id = i.customer_id
          offset 0
      ) k on true
  ), queued as (
    select *, (count(*) filter (where wish = 'win') over before)::integer as won_before,
        (count(*) filter (where wish = 'join') over before)::integer as joined_before
      from seen
      window before as (partition by room_id order by place
        rows between unbounded preceding and 1 preceding)
  ), judged as (
    select *,
        case
          when wish in ('win', 'lose', 'unanswered') and won_before >= free then 'full'
          when wish = 'join' and seats > 0 and joined + joined_before >= seats then 'full'
          else wish
        end as step
      from queued
  ), cuts as materialized (
    -- The shares that are handed out now, taken out of the room's row once.
    select w.room_id, r.amounts_minor[w.handed + 1 : w.handed + w.wins] as amounts_minor
      from (select room_id, handed, count(*)::integer as wins from judged where step = 'win'
        group by room_id, handed) w
      cross join lateral (
        select x.amounts_minor from gift_rooms x where x.id = w.room_id offset 0
      ) r
  ), placed as (
    select j.*, j.won_before + 1 - cardinality(j.freed) as nth,
        (j.joined + count(*) filter (where j.step in ('win', 'lose', 'join'))
          over (partition by j.room_id order by j.place))::integer as number
      from judged j
  ), settled as (
    select p.*,
        case p.step when 'win' then case when p.nth <= 0 then p.freed[p.won_before + 1]
          else p.handed + p.nth end when 'fetch' then p.stood_share end as share,
        case p.step
          when 'win' then case
            when p.nth <= 0 then (select x.amounts_minor[p.freed[p.won_before + 1]]
              from gift_rooms x where x.id = p.room_id)
            else (select c.amounts_minor[p.nth] from cuts c where c.room_id = p.room_id) end
          when 'fetch' then p.stood_minor
          else 0
        end as amount_minor,
        case
          when p.step = 'win' and p.payable or p.step = 'fetch' then 'paid'
          when p.step = 'win' then 'reserved'
          when p.step = 'join' then 'joined'
          when p.step = 'lose' then 'lost'
        end as state
      from placed p
  )
  select array_agg(row(
        case
          when step = 'again' and stood = 'joined' and room_state not in ('open', 'frozen')
            then 'over'
          when step = 'again' then stood
          else coalesce(state, step)
        end,
        case step when 'again' then stood_minor else amount_minor end,
        case when kind = 'draw' and step in ('join', 'again') then coalesce(stood_number, number)
          else 0 end,
        case when step = 'again' then stood_until
          when state = 'reserved' then at + p_reserved_for end,
        step in ('again', 'fetch')
      )::gift_answer order by place),
      array_agg(row(step, room_id, tenant_id, customer_id, state, number, share, null, amount_minor,
        case state when 'paid' then 'gift_won' end, customer_id,
        case state when 'reserved' then at + p_reserved_for end, at, new_here, channel_id,
        identity, airtime, room_state = 'open', escrow_id, currency
      )::gift_step order by place) filter (where state is not null)
    into v_answers, v_steps from settled;

  if v_steps is not null then
    perform gift_settle(v_steps, 'completed', 'customer', true,
      (select max(s.at) from unnest(v_steps) s));
  end if;
  return query select * from unnest(v_answers);
end $$;
