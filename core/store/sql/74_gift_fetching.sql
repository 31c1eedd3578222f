-- Whose shares still wait though they have a PIN, of all tenants: nearly always nobody. What a frozen
-- room holds is paid when it is opened again, and what a released winner won goes back in time.
create or replace function gift_unfetched(p_count integer)
returns table (tenant_id uuid, customer_id uuid)
language sql stable security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select distinct k.tenant_id, k.customer_id
    from (select * from gift_claims x where x.reserved_until is not null offset 0) k
    cross join lateral (
      select x.pin_hash, x.status from customers x where x.id = k.customer_id offset 0
    ) c
    cross join lateral (select x.state from gift_rooms x where x.id = k.room_id offset 0) r
    where c.pin_hash is not null and c.status <> 'released' and r.state <> 'frozen'
    limit p_count
$$;

-- Leases shares whose winners are to be reminded to choose a PIN, of all tenants. Whoever has one by
-- now is paid without that, and in a frozen room no time runs.
create or replace function gift_remind_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  room_id uuid, tenant_id uuid, customer_id uuid, code text, amount_minor bigint, currency text,
  reserved_until timestamptz
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select k.room_id, k.customer_id, r.code, r.currency from gift_claims k
      cross join lateral (
        select x.state, x.code, x.currency from gift_rooms x where x.id = k.room_id offset 0
      ) r
      cross join lateral (
        select x.pin_hash, x.status from customers x where x.id = k.customer_id offset 0
      ) c
      where k.remind_at <= p_at and r.state <> 'frozen' and c.pin_hash is null
        and c.status <> 'released'
      order by k.remind_at limit p_count for no key update of k skip locked
  )
  update gift_claims k set remind_at = p_at + p_lease from due
    where k.room_id = due.room_id and k.customer_id = due.customer_id
    returning k.room_id, k.tenant_id, k.customer_id, due.code, k.amount_minor, due.currency,
      k.reserved_until
$$;

-- They were reminded: once is enough.
create or replace function gift_reminded(p_tenant uuid, p_room uuid, p_customer uuid)
returns void language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  update gift_claims set remind_at = null
    where room_id = p_room and customer_id = p_customer and tenant_id = p_tenant
$$;
