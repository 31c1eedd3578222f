-- What routers are owed, and who does it. A worker has a router by a lease; every lease has a higher
-- fence than the one before, and what comes under an older one is refused.

drop type if exists router_report_item, router_snapshot_item cascade;
create type router_report_item as (
  voucher_id uuid, rev integer, desired text, fared text, error text, again_at timestamptz
);
create type router_snapshot_item as (
  voucher_id uuid, online_s bigint, data_bytes bigint, logged_in boolean, over boolean
);

create or replace function router_stock_target(
  p_router uuid, p_plan uuid, p_at timestamptz
) returns integer language sql stable set enable_seqscan = off as $$
  select least(200, greatest(10, (select count(*) from voucher_sales s
    where s.router_id = p_router and s.plan_id = p_plan and s.created_at >= p_at - interval '2 hours'
  )))::integer
$$;

create or replace function router_stock(p_router uuid, p_plan uuid, p_version integer)
returns integer language sql stable set enable_seqscan = off as $$
  select count(*)::integer from vouchers v
    where v.router_id = p_router and v.plan_id = p_plan and v.sale_state = 'stock'
      and v.batch_id is null and v.plan_version = p_version and v.desired = 'present'
$$;

-- A plan of which stock is kept: what has ended already would end at once.
create or replace function voucher_plan_pools(p_plan hotspot_plans, p_at timestamptz)
returns boolean language sql stable as $$
  select p_plan.active and p_plan.pooled and p_plan.price_minor > 0
    and coalesce((p_plan.terms ->> 'ends_at')::timestamptz > p_at, true)
$$;

-- A router is owed some of each plan that it has too few of in stock.
create or replace function router_owe_refills(p_router uuid, p_at timestamptz)
returns void language sql set enable_seqscan = off as $$
  select router_owe(r.id, r.tenant_id, 'refill', p.id, 'refill', p_at)
    from routers r
    join hotspot_plans p on p.tenant_id = r.tenant_id
    where r.id = p_router and r.removed_at is null and r.selling and voucher_plan_pools(p, p_at)
      and coalesce(p.router_id, r.id) = r.id
      and p.group_name in ('', r.group_name)
      and router_stock(r.id, p.id, p.version) < router_stock_target(r.id, p.id, p_at)
$$;

-- A router as workers see it, from now on; due at once.
create or replace function router_enlist(p_tenant uuid, p_router uuid, p_at timestamptz)
returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  if not exists (select from routers r where r.id = p_router and r.tenant_id = p_tenant) then
    return;
  end if;
  insert into router_workers (router_id, tenant_id, rest_until, compare_at)
    values (p_router, p_tenant, p_at, p_at) on conflict (router_id) do nothing;
  perform router_wake(p_tenant, p_router, p_at);
  perform router_owe_refills(p_router, p_at);
end $$;

-- Have it worked on now, what was blocked included, and compared.
create or replace function router_wake(p_tenant uuid, p_router uuid, p_at timestamptz)
returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  update router_workers w set rest_until = least(w.rest_until, p_at), failures = 0,
      compare_at = p_at
    where w.router_id = p_router and w.tenant_id = p_tenant;
  update router_ops o set blocked = false, run_at = least(o.run_at, p_at)
    where o.router_id = p_router and o.tenant_id = p_tenant and (o.blocked or o.run_at > p_at);
end $$;

-- Every tenant's routers, for monitoring.
create or replace function router_all() returns setof routers language sql stable security definer
set search_path = public, pg_temp
as $$
  select r.* from routers r where r.removed_at is null order by r.id
$$;

-- Leases routers that something is owed to and that nobody works on, the longest waiting first.
create or replace function router_claim(
  p_holder text, p_count integer, p_lease interval, p_at timestamptz
) returns table (
  router_id uuid, tenant_id uuid, name text, host text, port integer, username text, tls boolean,
  sealed text, server text, serial text, fence bigint, failures integer
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select w.router_id from router_workers w
      where w.rest_until <= p_at and (w.leased_until is null or w.leased_until <= p_at)
        and (w.compare_at <= p_at or exists (select from router_ops o
          where o.router_id = w.router_id and not o.blocked and o.run_at <= p_at))
        and exists (select from routers r where r.id = w.router_id and r.removed_at is null)
      order by w.router_id limit p_count for update of w skip locked
  ), leased as (
    update router_workers w set holder = p_holder, fence = w.fence + 1, leased_until = p_at + p_lease
      from due where w.router_id = due.router_id returning w.*
  )
  select l.router_id, l.tenant_id, r.name, r.host, r.port, r.username, r.tls, r.sealed, r.server,
      r.serial, l.fence, l.failures
    from leased l
    cross join lateral (select * from routers x where x.id = l.router_id offset 0) r
$$;

-- Prolongs a lease. Answers whether the router is due to be compared; nothing when it is lost.
create or replace function router_keep(
  p_router uuid, p_fence bigint, p_lease interval, p_at timestamptz
) returns boolean language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  update router_workers w set leased_until = p_at + p_lease
    where w.router_id = p_router and w.fence = p_fence and w.holder is not null
    returning w.compare_at <= p_at
$$;

-- An operator lets so many of our users go at once, the next time it is compared.
create or replace function router_let_go(
  p_tenant uuid, p_router uuid, p_users integer, p_at timestamptz
) returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  update router_workers w set let_go = p_users, let_go_at = p_at
    where w.router_id = p_router and w.tenant_id = p_tenant;
  perform router_wake(p_tenant, p_router, p_at);
end $$;

-- How many of our users may go at once by an operator's word, which is good for an hour. Nothing
-- when the lease is lost.
create or replace function router_may_let_go(p_router uuid, p_fence bigint, p_at timestamptz)
returns integer language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select case when w.let_go_at > p_at - interval '1 hour' then w.let_go else 0 end
    from router_workers w
    where w.router_id = p_router and w.fence = p_fence and w.holder is not null
$$;

-- Gives a lease back. A router that failed rests until then.
create or replace function router_leave(
  p_router uuid, p_fence bigint, p_until timestamptz, p_failed boolean
) returns void language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  update router_workers w set holder = null, leased_until = null,
      rest_until = coalesce(p_until, w.rest_until),
      failures = case when p_failed then w.failures + 1 else 0 end
    where w.router_id = p_router and w.fence = p_fence
$$;

create or replace function router_has(p_router uuid, p_fence bigint) returns boolean
language plpgsql set enable_seqscan = off as $$
begin
  perform 1 from router_workers w
    where w.router_id = p_router and w.fence = p_fence and w.holder is not null for share;
  return found;
end $$;

-- The next tasks, written down as under way before they are. Nothing (not no rows) when fenced off:
-- one row without a voucher.
create or replace function router_take(
  p_router uuid, p_fence bigint, p_count integer, p_priorities smallint[], p_busy uuid[],
  p_at timestamptz
) returns table (
  voucher_id uuid, rev integer, desired text, priority smallint, sale_state text, terms jsonb,
  base_online_s bigint, base_bytes bigint, used_online_s bigint, used_bytes bigint, sealed bytea,
  tries integer
)
language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_ids uuid[];
begin
  if not router_has(p_router, p_fence) then
    return query select null::uuid, 0, '', 0::smallint, '', null::jsonb, 0::bigint, 0::bigint,
      0::bigint, 0::bigint, null::bytea, 0;
    return;
  end if;
  v_ids := array(select o.subject from router_ops o
    where o.router_id = p_router and o.kind = 'voucher' and not o.blocked
      and o.priority = any (p_priorities) and o.run_at <= p_at and o.subject <> all (p_busy)
    order by o.priority, o.run_at limit p_count);
  perform 1 from vouchers v where v.id = any (v_ids) order by v.id for no key update;
  update router_ops o set tries = o.tries + 1, was_there = v.maybe_there
    from vouchers v
    where o.router_id = p_router and o.kind = 'voucher' and o.subject = any (v_ids)
      and v.id = o.subject;
  update vouchers v
    set sync_state = case v.desired when 'absent' then 'removing' else 'pushing' end,
      maybe_there = v.maybe_there or v.desired <> 'absent'
    where v.id = any (v_ids) and (v.desired <> 'absent' or v.maybe_there);
  return query select v.id, v.desired_rev, v.desired, o.priority, v.sale_state, v.terms,
      v.base_online_s, v.base_bytes, v.used_online_s, v.used_bytes, v.code_sealed, o.tries
    from unnest(v_ids) with ordinality i (id, place)
    cross join lateral (select * from vouchers x where x.id = i.id offset 0) v
    cross join lateral (select * from router_ops x
      where x.router_id = p_router and x.kind = 'voucher' and x.subject = i.id offset 0) o
    order by i.place;
end $$;

-- Books what became of tasks. False when fenced off: then nothing was booked.
create or replace function router_report(
  p_router uuid, p_fence bigint, p_items router_report_item[], p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_item router_report_item;
  v_voucher vouchers;
  v_op router_ops;
begin
  if not router_has(p_router, p_fence) then
    return false;
  end if;
  for v_item in select * from unnest(p_items) i order by i.voucher_id loop
    select * into v_voucher from vouchers v
      where v.id = v_item.voucher_id and v.router_id = p_router for no key update;
    select * into v_op from router_ops o where o.router_id = p_router and o.kind = 'voucher'
      and o.subject = v_item.voucher_id for no key update;
    continue when v_voucher.id is null;
    if v_item.fared = 'applied' then
      perform router_applied(v_voucher, v_item, p_at);
    else
      perform router_not_applied(v_voucher, v_op, v_item, p_at);
    end if;
  end loop;
  return true;
end $$;

-- The router is as was desired then, which may not be what is desired now.
create or replace function router_applied(
  p_voucher vouchers, p_item router_report_item, p_at timestamptz
) returns void language plpgsql as $$
declare
  v_current boolean := p_item.rev = p_voucher.desired_rev;
  v_sale voucher_sales;
begin
  update vouchers v
    set applied_rev = p_item.rev, maybe_there = p_item.desired <> 'absent', synced_at = p_at,
      error = '',
      sync_state = case when not v_current
          then case when p_item.desired = 'absent' and v.desired = 'absent' then 'gone'
            else 'pending' end
        when p_item.desired = 'absent' then 'gone' else 'confirmed' end
    where v.id = p_voucher.id returning * into p_voucher;
  if not v_current and p_voucher.sync_state <> 'gone' then
    return; -- it is still owed what was desired since
  end if;
  delete from router_ops o where o.router_id = p_voucher.router_id and o.kind = 'voucher'
    and o.subject = p_voucher.id;
  if p_voucher.sale_state not in ('sold', 'refund_due') then
    return;
  end if;
  select * into v_sale from voucher_sales s where s.voucher_id = p_voucher.id for no key update;
  if p_voucher.sale_state = 'sold' and p_voucher.desired = 'present' then
    update vouchers v set sale_state = 'delivered' where v.id = p_voucher.id
      returning * into p_voucher;
    if v_sale.state = 'held' then
      perform voucher_capture(v_sale, p_at);
    end if;
    if v_sale.id is not null then
      perform voucher_tell_ready(p_voucher, v_sale, p_at);
    end if;
  elsif p_voucher.sale_state = 'refund_due' and p_voucher.sync_state = 'gone' then
    perform voucher_pay_back(p_voucher, v_sale, p_at);
  end if;
end $$;

create or replace function router_not_applied(
  p_voucher vouchers, p_op router_ops, p_item router_report_item, p_at timestamptz
) returns void language plpgsql as $$
declare
  -- A refusal proves that this try did nothing; what an earlier one did is another matter.
  v_there boolean := case when p_item.fared = 'unknown' then p_voucher.maybe_there
    else coalesce(p_op.was_there, p_voucher.maybe_there) end;
begin
  if p_item.fared = 'collision' and p_voucher.owner_id is null and p_voucher.batch_id is null then
    -- Nobody has seen this code, as somebody may have that of a card: another takes its place.
    update vouchers v set sale_state = 'cancelled', desired = 'absent',
        desired_rev = v.desired_rev + 1, maybe_there = false, sync_state = 'gone',
        error = p_item.error
      where v.id = p_voucher.id;
    delete from router_ops o where o.router_id = p_voucher.router_id and o.kind = 'voucher'
      and o.subject = p_voucher.id;
    return;
  end if;
  update vouchers v
    set maybe_there = v_there, error = p_item.error,
      sync_state = case
        when p_item.fared in ('blocked', 'collision') then 'blocked'
        when v.desired = 'absent' then case when v_there then 'unknown' else 'gone' end
        when v_there then 'unknown' else 'pending' end
    where v.id = p_voucher.id returning * into p_voucher;
  update router_ops o
    set blocked = p_item.fared in ('blocked', 'collision') and p_item.rev = p_voucher.desired_rev,
      run_at = coalesce(p_item.again_at, p_at)
    where o.router_id = p_voucher.router_id and o.kind = 'voucher' and o.subject = p_voucher.id;
end $$;

-- The plans that a router is due to have more of, and how many.
create or replace function router_refills(p_router uuid, p_at timestamptz)
returns table (plan_id uuid, missing integer)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
  select p.id, case when voucher_plan_pools(p, p_at)
      then greatest(0, router_stock_target(p_router, p.id, p_at)
        - router_stock(p_router, p.id, p.version)) else 0 end
    from router_ops o
    cross join lateral (select * from hotspot_plans x where x.id = o.subject offset 0) p
    where o.router_id = p_router and o.kind = 'refill' and not o.blocked and o.run_at <= p_at
$$;

-- Makes stock of these codes; what is taken already is left out. False when fenced off.
create or replace function router_refill(
  p_router uuid, p_fence bigint, p_plan uuid, p_version integer, p_codes voucher_code[],
  p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_plan hotspot_plans;
begin
  if not router_has(p_router, p_fence) then
    return false;
  end if;
  delete from router_ops o where o.router_id = p_router and o.kind = 'refill' and o.subject = p_plan;
  select * into v_plan from hotspot_plans x where x.id = p_plan and x.version = p_version
    and x.tenant_id = (select r.tenant_id from routers r where r.id = p_router);
  if v_plan.id is null then
    return true; -- it changed meanwhile, which owes a refill of its own
  end if;
  with made as (
    insert into vouchers (id, tenant_id, router_id, plan_id, plan_version, plan_code, plan_name,
        terms, price_minor, currency, code_digest, code_sealed, code_head, code_chars, sale_state,
        sync_state, desired, expires_at, created_at)
      select c.id, v_plan.tenant_id, p_router, p_plan, p_version, v_plan.code, v_plan.name,
        v_plan.terms, v_plan.price_minor, v_plan.currency, c.digest, c.sealed, c.head, c.chars,
        'stock', 'pending', 'present', (v_plan.terms ->> 'ends_at')::timestamptz, p_at
      from unnest(p_codes) c
      on conflict (code_digest) do nothing returning id
  )
  insert into router_ops (router_id, kind, subject, tenant_id, priority, run_at)
    select p_router, 'voucher', id, v_plan.tenant_id, voucher_priority('refill'), p_at from made;
  return true;
end $$;
