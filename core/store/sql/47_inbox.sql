-- Keeps what people wrote, each once, and has their talks taken up. Answers how many were new of each
-- item: 1 or 0, in order.
create or replace function inbox_put(p_items inbox_item[])
returns table (place bigint, fresh boolean)
language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_fresh text[];
begin
  with kept as (
    insert into inbox (channel_id, external_id, tenant_id, identity, content, received_at, due_at)
      select i.channel_id, i.external_id, i.tenant_id, i.identity, i.content, i.at,
        case when i.run_at > i.at then i.run_at end
      from unnest(p_items) with ordinality i
      order by i.ordinality
      on conflict do nothing
      returning channel_id, external_id
  )
  select array_agg(k.channel_id || ':' || k.external_id) into v_fresh from kept k;

  insert into talks as t (channel_id, identity, tenant_id, waiting, run_at, heard_at)
    select i.channel_id, i.identity, (array_agg(i.tenant_id))[1], true, min(i.run_at), max(i.at)
    from unnest(p_items) i
    where i.channel_id || ':' || i.external_id = any (v_fresh)
    group by i.channel_id, i.identity
    order by i.channel_id, i.identity
    on conflict (channel_id, identity) do update
      set waiting = true,
        run_at = case when t.waiting then least(t.run_at, excluded.run_at) else excluded.run_at end,
        heard_at = greatest(t.heard_at, excluded.heard_at);

  -- Whoever writes can be written to.
  update identities p set unreachable_since = null, unreachable_why = null
    from (select distinct i.channel_id, i.identity, i.tenant_id from unnest(p_items) i
      where i.channel_id || ':' || i.external_id = any (v_fresh)) w
    join lateral (select x.kind from channels x where x.id = w.channel_id offset 0) c on true
    where p.tenant_id = w.tenant_id and p.kind = c.kind and p.identity = w.identity
      and p.unreachable_since is not null;

  return query
    select i.ordinality, coalesce(i.channel_id || ':' || i.external_id = any (v_fresh), false)
      from unnest(p_items) with ordinality i order by i.ordinality;
end $$;

-- Leases talks in which something waits, of all tenants, with what waits in them in order, and is due.
create or replace function inbox_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  channel_id uuid, identity text, tenant_id uuid, last_shown text, heard_at timestamptz,
  tries integer, external_id text, content text, kind text, gateway text,
  key text, service_code text, settings jsonb, credentials text, with_person boolean
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select t.channel_id, t.identity from talks t
      where t.waiting and t.run_at <= p_at
        and (t.leased_until is null or t.leased_until <= p_at)
        and (t.held_until is null or t.held_until <= p_at)
      order by t.run_at limit p_count for update skip locked
  ), leased as (
    update talks t set leased_until = p_at + p_lease, held_until = null, tries = t.tries + 1
      from due
      where t.channel_id = due.channel_id and t.identity = due.identity
        and t.identity = any (array(select identity from due))
      returning t.*
  )
  select l.channel_id, l.identity, l.tenant_id, l.last_shown, l.heard_at, l.tries,
      i.external_id, i.content, c.kind, c.gateway, c.key, c.service_code, c.settings, c.credentials, l.with_person
    from leased l
    cross join lateral (select * from channels x where x.id = l.channel_id offset 0) c
    left join lateral (
      select * from inbox x where x.channel_id = l.channel_id and x.identity = l.identity
        and x.state = 'waiting' and (x.due_at is null or x.due_at <= p_at)
        order by x.place limit 8 offset 0
    ) i on true
    order by l.run_at, l.channel_id, l.identity, i.place
$$;

-- Messages that are dealt with, and talks that are given back. `shown` is null where the screen
-- stayed as it was, `external_id` null where a talk is only given back: with `counted` false it is as
-- if it had not been taken up. Answers whether more waits.
create or replace function inbox_answer(p_items inbox_answer_item[])
returns table (place bigint, more boolean)
language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
begin
  perform 1 from talks t
    join (select distinct channel_id, identity from unnest(p_items)) i
      on t.channel_id = i.channel_id and t.identity = i.identity
    order by t.channel_id, t.identity for update of t;

  update inbox b
    set state = i.state, why = i.why,
      content = case when i.state = 'answered' then null else b.content end
    from unnest(p_items) i
    where b.channel_id = i.channel_id and b.external_id = i.external_id and b.state = 'waiting'
      and i.state <> 'waiting'
      and b.external_id = any (array(select external_id from unnest(p_items)));

  update talks t
    set last_shown = coalesce(i.shown, t.last_shown),
      tries = case when i.external_id is not null then 0
        when i.counted then t.tries else greatest(t.tries - 1, 0) end,
      held_until = i.held_until,
      leased_until = case when i.released then null else t.leased_until end,
      waiting = case when i.released then exists (
        select from inbox x where x.channel_id = t.channel_id and x.identity = t.identity
          and x.state = 'waiting') else t.waiting end,
      run_at = case when i.released then coalesce(i.run_at, (
        select min(coalesce(x.due_at, x.received_at)) from inbox x
          where x.channel_id = t.channel_id and x.identity = t.identity and x.state = 'waiting'
        ), t.run_at) else t.run_at end
    from unnest(p_items) i
    where t.channel_id = i.channel_id and t.identity = i.identity
      and t.identity = any (array(select identity from unnest(p_items)));

  return query
    select i.ordinality, coalesce(t.waiting, false)
      from unnest(p_items) with ordinality i
      left join lateral (
        select x.waiting from talks x
          where x.channel_id = i.channel_id and x.identity = i.identity offset 0
      ) t on true
      order by i.ordinality;
end $$;

-- How long the oldest message that could be taken up waits, in seconds.
create or replace function inbox_lag(p_at timestamptz) returns double precision
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select coalesce(extract(epoch from p_at - min(t.run_at)), 0)
    from talks t where t.waiting and t.run_at <= p_at
      and (t.held_until is null or t.held_until <= p_at)
$$;

-- Rows that were answered so long ago that no channel will deliver them again. What is parked stays.
create or replace function inbox_prune(p_before timestamptz, p_count integer) returns bigint
language sql security definer
set search_path = public, pg_temp
as $$
  with old as (
    select channel_id, external_id from inbox
      where received_at < p_before and state = 'answered' limit p_count for update skip locked
  ), gone as (
    delete from inbox b using old
      where b.channel_id = old.channel_id and b.external_id = old.external_id returning 1
  )
  select count(*) from gone
$$;

-- What waits in a talk is taken up now; if somebody holds it, when they give it back.
create or replace function inbox_hurry(p_channel uuid, p_identity text, p_at timestamptz)
returns void
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with hurried as (
    update talks set run_at = least(run_at, p_at)
      where channel_id = p_channel and identity = p_identity and waiting
      returning channel_id, identity
  )
  update inbox i set due_at = p_at from hurried h
    where i.channel_id = h.channel_id and i.identity = h.identity and i.state = 'waiting'
      and i.due_at > p_at
$$;
