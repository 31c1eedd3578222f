-- Pauses of the sale of a product, whom they turned away, and alerts.

-- Nobody can deliver this now. Pauses its sale once that has lasted for `p_after`; answers whether
-- it is paused.
create or replace function sale_trouble(
  p_tenant uuid, p_product text, p_after interval, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  insert into sale_pauses (tenant_id, product, since) values (p_tenant, p_product, p_at)
    on conflict (tenant_id, product) where ended_at is null do nothing;
  update sale_pauses set paused_at = p_at
    where tenant_id = p_tenant and product = p_product and ended_at is null and paused_at is null
      and since <= p_at - p_after;
  return exists (select from sale_pauses where tenant_id = p_tenant and product = p_product
    and ended_at is null and paused_at is not null);
end $$;

-- Somebody can deliver this again: ends the pause, and leaves a notice for each customer whom it
-- turned away. Answers how many those are.
create or replace function sale_well(p_tenant uuid, p_product text, p_at timestamptz)
returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_pause sale_pauses;
  v_told integer;
begin
  update sale_pauses set ended_at = p_at
    where tenant_id = p_tenant and product = p_product and ended_at is null
    returning * into v_pause;
  if v_pause.paused_at is null then
    return 0;
  end if;
  with back as (
    delete from turned_away where tenant_id = p_tenant and product = p_product
      returning customer_id
  ), told as (
    insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at)
      select notice_id(p_tenant, k.key), p_tenant, k.key, b.customer_id,
        'notice.on_sale.' || p_product, '{}', p_at, p_at
      from back b
      cross join lateral (select 'on_sale:' || v_pause.id || ':' || b.customer_id) k (key)
      on conflict (id) do nothing
      returning 1
  )
  select count(*) into v_told from told;
  return v_told;
end $$;

-- Remembers a customer who wanted to buy; false where the sale is not paused (any more).
create or replace function sale_turn_away(
  p_tenant uuid, p_product text, p_customer uuid, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  -- Whoever ends the pause waits for this, or this for them: nobody is left behind.
  perform 1 from sale_pauses where tenant_id = p_tenant and product = p_product
    and ended_at is null and paused_at is not null for share;
  if not found then
    return false;
  end if;
  insert into turned_away (tenant_id, product, customer_id, at)
    values (p_tenant, p_product, p_customer, p_at) on conflict do nothing;
  return true;
end $$;

create or replace function sale_paused() returns table (tenant_id uuid, product text)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select p.tenant_id, p.product from sale_pauses p
    where p.ended_at is null and p.paused_at is not null
$$;

-- Open alerts of all tenants, by kind.
create or replace function alert_counts() returns table (kind text, alerts bigint)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select a.kind, count(*) from alerts a where a.closed_at is null group by a.kind
$$;
