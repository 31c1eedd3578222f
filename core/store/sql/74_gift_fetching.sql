-- Whose shares still wait though they have a PIN, of all tenants: nearly always nobody. What a frozen
-- room holds is paid when it is opened again.
create or replace function gift_unfetched(p_count integer)
returns table (tenant_id uuid, customer_id uuid)
language sql stable security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select distinct k.tenant_id, k.customer_id
    from (select * from gift_claims x where x.reserved_until is not null offset 0) k
    cross join lateral (
      select x.pin_hash from customers x where x.id = k.customer_id offset 0
    ) c
    cross join lateral (select x.state from gift_rooms x where x.id = k.room_id offset 0) r
    where c.pin_hash is not null and r.state <> 'frozen'
    limit p_count
$$;
