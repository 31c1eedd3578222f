-- What becomes of vouchers: by time alone, and as operators handle them, one or a batch.

-- What time alone brings: answers how many vouchers it touched.
create or replace function voucher_turn_over(
  p_count integer, p_void_after interval, p_at timestamptz
) returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_id uuid;
  v_voucher vouchers;
  v_sale voucher_sales;
  v_touched integer := 0;
begin
  for v_id in
    select s.voucher_id from voucher_sales s where s.look_at <= p_at order by s.look_at limit p_count
  loop
    select * into v_voucher from vouchers v where v.id = v_id for no key update skip locked;
    continue when v_voucher.id is null;
    select * into v_sale from voucher_sales s where s.voucher_id = v_id for no key update;
    continue when v_sale.look_at is null or v_sale.look_at > p_at; -- somebody was first
    v_touched := v_touched + 1;
    if v_sale.refund_asked_at is null then
      perform voucher_begin_refund(v_voucher, v_sale, 'not_activated', 'worker', p_void_after, p_at);
    else
      -- The router does not come. The code is taken off it before anything else once it does.
      perform voucher_pay_back(v_voucher, v_sale, p_at);
      perform router_owe(v_voucher.router_id, v_voucher.tenant_id, 'voucher', v_id, 'void', p_at);
    end if;
  end loop;

  for v_id in
    select v.id from vouchers v
      where v.expires_at <= p_at and v.sale_state in ('stock', 'sold', 'delivered', 'in_use')
      order by v.expires_at limit p_count
  loop
    select * into v_voucher from vouchers v where v.id = v_id for no key update skip locked;
    continue when v_voucher.id is null or voucher_is_over(v_voucher.sale_state);
    v_touched := v_touched + 1;
    select * into v_sale from voucher_sales s where s.voucher_id = v_id for no key update;
    if v_sale.state = 'held' then -- it never worked
      perform voucher_begin_refund(v_voucher, v_sale, 'ended', 'worker', p_void_after, p_at);
    else
      perform voucher_end(v_voucher, 'expired', p_at);
    end if;
  end loop;
  return v_touched;
end $$;

-- It is over: off the router, and whoever is online with it is put out.
create or replace function voucher_end(p_voucher vouchers, p_state text, p_at timestamptz)
returns void language plpgsql as $$
begin
  update vouchers v set sale_state = p_state, desired = 'absent', desired_rev = v.desired_rev + 1
    where v.id = p_voucher.id;
  if p_voucher.sync_state <> 'gone' then
    perform router_owe(p_voucher.router_id, p_voucher.tenant_id, 'voucher', p_voucher.id, 'revoke',
      p_at);
  end if;
  perform voucher_note(p_voucher.id, p_voucher.tenant_id, 'voucher.' || p_state, 'worker', '{}',
    p_at);
end $$;

-- Enables or disables one, or takes an unsold one back. False for what is over, or not there.
create or replace function voucher_want(
  p_tenant uuid, p_voucher uuid, p_desired text, p_actor text, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_voucher vouchers;
begin
  select * into v_voucher from vouchers v where v.id = p_voucher for no key update;
  if v_voucher.tenant_id is distinct from p_tenant or voucher_is_over(v_voucher.sale_state)
      or (p_desired = 'absent' and v_voucher.sale_state <> 'stock') then
    return false;
  end if;
  if p_desired = 'absent' then
    perform voucher_end(v_voucher, 'cancelled', p_at);
  elsif v_voucher.desired <> p_desired then
    update vouchers v set desired = p_desired, desired_rev = v.desired_rev + 1,
        sync_state = case v.sync_state when 'gone' then 'pending' else v.sync_state end
      where v.id = p_voucher;
    perform router_owe(v_voucher.router_id, p_tenant, 'voucher', p_voucher,
      case when p_desired = 'disabled' then 'revoke'
        when voucher_is_paid(v_voucher.sale_state) then 'paid' else 'bulk' end, p_at);
  end if;
  perform voucher_note(p_voucher, p_tenant, 'voucher.' || p_desired, p_actor, '{}', p_at);
  return true;
end $$;

-- Gives it to another customer, who is told. False for what is over, or not there. `p_unused_of`:
-- only where it is this customer's and nobody used it yet; the same again is true again.
create or replace function voucher_hand_over(
  p_tenant uuid, p_voucher uuid, p_owner uuid, p_actor text, p_unused_of uuid, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_voucher vouchers;
begin
  select * into v_voucher from vouchers v where v.id = p_voucher for no key update;
  if v_voucher.tenant_id is distinct from p_tenant or voucher_is_over(v_voucher.sale_state)
      or not exists (select from customers c where c.id = p_owner and c.tenant_id = p_tenant) then
    return false;
  end if;
  if p_unused_of is not null then
    if v_voucher.owner_id = p_owner then
      return true;
    end if;
    if v_voucher.owner_id is distinct from p_unused_of or v_voucher.first_login_at is not null then
      return false;
    end if;
  end if;
  if v_voucher.owner_id <> p_owner then
    perform voucher_untell(v_voucher, p_at, v_voucher.owner_id);
  end if;
  update vouchers v set owner_id = p_owner, sold_at = coalesce(v.sold_at, p_at),
      sale_state = case when v.sale_state <> 'stock' then v.sale_state
        when v.sync_state = 'confirmed' then 'delivered' else 'sold' end
    where v.id = p_voucher returning * into v_voucher;
  if v_voucher.desired = 'absent' then -- of a batch that was not activated
    perform voucher_want(p_tenant, p_voucher, 'present', p_actor, p_at);
  elsif v_voucher.sync_state <> 'confirmed' then -- somebody waits for it now
    perform router_owe(v_voucher.router_id, p_tenant, 'voucher', p_voucher, 'paid', p_at);
  end if;
  perform voucher_tell_one(v_voucher, p_owner, 'notice.voucher_yours',
    'voucher:' || p_voucher || ':owner:' || p_owner, true, null, p_at);
  perform voucher_note(p_voucher, p_tenant, 'voucher.handed_over', p_actor,
    jsonb_build_object('owner', p_owner), p_at);
  return true;
end $$;

-- Tells its owner the code, once per key. False where nobody owns it, or it is over.
create or replace function voucher_tell(
  p_tenant uuid, p_voucher uuid, p_key text, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_voucher vouchers;
  v_sale voucher_sales;
begin
  select * into v_voucher from vouchers v where v.id = p_voucher;
  if v_voucher.tenant_id is distinct from p_tenant or voucher_is_over(v_voucher.sale_state)
      or v_voucher.owner_id is null then
    return false;
  end if;
  select * into v_sale from voucher_sales s where s.voucher_id = p_voucher;
  perform voucher_tell_one(v_voucher, v_voucher.owner_id,
    'notice.voucher_' || case v_voucher.sync_state when 'confirmed' then 'yours' else 'waits' end,
    'voucher:' || p_voucher || ':told:' || p_key, true, v_sale, p_at);
  return true;
end $$;

-- Makes a batch's vouchers of these codes, if it still has `p_made`; answers how many it has. Where
-- a code is taken already, none of them is made.
create or replace function voucher_fill_batch(
  p_batch uuid, p_tenant uuid, p_made integer, p_codes voucher_code[], p_at timestamptz
) returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_batch voucher_batches;
  v_made integer;
begin
  select * into v_batch from voucher_batches b where b.id = p_batch for no key update;
  if v_batch.tenant_id is distinct from p_tenant then
    return null;
  end if;
  if v_batch.made <> p_made or v_batch.state <> 'created' then
    return v_batch.made;
  end if;
  begin
    insert into vouchers (id, tenant_id, router_id, plan_id, plan_version, plan_code, plan_name,
        terms, price_minor, currency, code_digest, code_sealed, code_head, code_chars, batch_id,
        serial, owner_id, sale_state, sync_state, desired, expires_at, sold_at, created_at)
      select c.id, p_tenant, v_batch.router_id, v_batch.plan_id, 0, v_batch.plan_code,
        v_batch.plan_name, v_batch.terms, v_batch.price_minor, v_batch.currency, c.digest, c.sealed,
        c.head, c.chars, p_batch, p_made + c.ordinality, v_batch.owner_id,
        case when v_batch.owner_id is null then 'stock' else 'sold' end,
        case when v_batch.activate then 'pending' else 'gone' end,
        case when v_batch.activate then 'present' else 'absent' end,
        (v_batch.terms ->> 'ends_at')::timestamptz,
        case when v_batch.owner_id is not null then p_at end, p_at
      from unnest(p_codes) with ordinality c
      where p_made + c.ordinality <= v_batch.quantity;
    get diagnostics v_made = row_count;
  exception when unique_violation then
    return p_made;
  end;
  if v_batch.activate then
    insert into router_ops (router_id, kind, subject, tenant_id, priority, run_at)
      select v_batch.router_id, 'voucher', c.id, p_tenant,
        voucher_priority(case when v_batch.owner_id is null then 'bulk' else 'paid' end), p_at
      from unnest(p_codes) with ordinality c where p_made + c.ordinality <= v_batch.quantity;
  end if;
  if v_batch.send and v_batch.owner_id is not null then
    perform voucher_tell_one(v, v_batch.owner_id, 'notice.voucher_waits',
        'voucher:' || v.id || ':sold', true, null, p_at)
      from unnest(p_codes) c
      cross join lateral (select * from vouchers x where x.id = c.id offset 0) v;
  end if;
  v_made := p_made + v_made;
  update voucher_batches b set made = v_made,
      state = case when v_made >= b.quantity then 'ready' else b.state end,
      run_at = case when v_made < b.quantity then b.run_at end
    where b.id = p_batch;
  return v_made;
end $$;

-- Leases batches whose codes are still to be made.
create or replace function voucher_claim_batches(
  p_count integer, p_lease interval, p_at timestamptz
) returns setof voucher_batches language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select b.id from voucher_batches b where b.run_at <= p_at
      order by b.run_at limit p_count for update skip locked
  )
  update voucher_batches b set run_at = p_at + p_lease from due where b.id = due.id returning b.*
$$;

-- Has the router take so many of a batch that wait; answers how many.
create or replace function voucher_activate_batch(
  p_tenant uuid, p_batch uuid, p_actor text, p_count integer, p_at timestamptz
) returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_ids uuid[];
begin
  update voucher_batches b set activate = true
    where b.id = p_batch and b.tenant_id = p_tenant and b.state <> 'void';
  if not found then
    return 0;
  end if;
  with waiting as (
    select v.id from vouchers v where v.batch_id = p_batch and v.desired = 'absent'
      and v.sale_state in ('stock', 'sold') order by v.id limit p_count for no key update
  ), wanted as (
    update vouchers v set desired = 'present', desired_rev = v.desired_rev + 1,
        sync_state = case v.sync_state when 'gone' then 'pending' else v.sync_state end
      from waiting where v.id = waiting.id returning v.*
  ), owed as (
    select w.id, router_owe(w.router_id, w.tenant_id, 'voucher', w.id,
      case w.sale_state when 'sold' then 'paid' else 'bulk' end, p_at) from wanted w
  )
  select array_agg(id) into v_ids from owed;
  if v_ids is not null then
    perform voucher_note(p_batch, p_tenant, 'voucher_batch.activated', p_actor,
      jsonb_build_object('vouchers', cardinality(v_ids)), p_at);
  end if;
  return coalesce(cardinality(v_ids), 0);
end $$;

-- Takes so many of a batch back that nobody has and nobody used; answers how many.
create or replace function voucher_void_batch(
  p_tenant uuid, p_batch uuid, p_actor text, p_count integer, p_at timestamptz
) returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_voucher vouchers;
  v_taken integer := 0;
begin
  update voucher_batches b set state = 'void', run_at = null
    where b.id = p_batch and b.tenant_id = p_tenant;
  if not found then
    return 0;
  end if;
  for v_voucher in
    select * from vouchers v where v.batch_id = p_batch and v.sale_state = 'stock'
      order by v.id limit p_count for no key update
  loop
    perform voucher_end(v_voucher, 'cancelled', p_at);
    v_taken := v_taken + 1;
  end loop;
  if v_taken > 0 then
    perform voucher_note(p_batch, p_tenant, 'voucher_batch.void', p_actor,
      jsonb_build_object('vouchers', v_taken), p_at);
  end if;
  return v_taken;
end $$;

-- A plan is sold on other terms, or not at all: what waits unsold of its former version is taken
-- back, and routers are owed some of the new one.
create or replace function voucher_plan_changed(p_tenant uuid, p_plan uuid, p_at timestamptz)
returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_plan hotspot_plans;
  v_router routers;
  v_voucher vouchers;
begin
  select * into v_plan from hotspot_plans x where x.id = p_plan;
  if v_plan.tenant_id is distinct from p_tenant then
    return;
  end if;
  for v_router in
    select * from routers r where r.tenant_id = p_tenant and r.removed_at is null order by r.id
  loop
    for v_voucher in
      select * from vouchers v
        where v.router_id = v_router.id and v.plan_id = p_plan and v.sale_state = 'stock'
          and v.batch_id is null
          and (v.plan_version <> v_plan.version or not v_plan.active or not v_plan.pooled)
        order by v.id for no key update
    loop
      perform voucher_end(v_voucher, 'cancelled', p_at);
    end loop;
    perform router_owe_refills(v_router.id, p_at);
  end loop;
end $$;

-- All tenants' paid vouchers that do not work yet, and those that wait to be paid back: for whoever
-- runs the program.
create or replace function voucher_waiting() returns table (waits text, vouchers bigint)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select case when s.refund_asked_at is null then 'activation' else 'refund' end, count(*)
    from voucher_sales s where s.look_at is not null group by 1
$$;
