-- What comparing a router with the books came to.

-- Books it, and writes what the router is owed then. False when fenced off: nothing was booked.
-- What was settled with the router after `p_started` is left alone: what was read is older.
create or replace function router_compared(
  p_router uuid, p_fence bigint, p_started timestamptz, p_missing uuid[], p_differing uuid[],
  p_extra uuid[], p_used router_snapshot_item[], p_serial text, p_reset boolean,
  p_next timestamptz, p_at timestamptz
) returns boolean language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_voucher vouchers;
begin
  -- What an operator let go is let go once. Whoever asked for a comparison while this one was made
  -- gets another: what was read may be older than why they asked.
  update router_workers w
    set compare_at = case when w.compare_at > p_started then w.compare_at else p_next end,
      let_go_at = case when cardinality(p_extra) > 0 and w.let_go_at <= p_started then null
        else w.let_go_at end
    where w.router_id = p_router and w.fence = p_fence and w.holder is not null;
  if not found then
    return false;
  end if;
  perform 1 from vouchers v where v.id = any (p_missing || p_differing || p_extra
    || array(select u.voucher_id from unnest(p_used) u)) order by v.id for no key update;
  perform router_used(u, p_started, p_at) from unnest(p_used) u;

  for v_voucher in
    update vouchers v
      set sync_state = 'pending', error = '',
        base_online_s = case when v.id = any (p_missing) then v.used_online_s
          else v.base_online_s end,
        base_bytes = case when v.id = any (p_missing) then v.used_bytes else v.base_bytes end
      where v.id = any (p_missing || p_differing) and v.router_id = p_router
        and v.desired <> 'absent' and v.sync_state not in ('pushing', 'removing')
        and (v.synced_at is null or v.synced_at <= p_started)
      returning *
  loop
    perform router_owe(p_router, v_voucher.tenant_id, 'voucher', v_voucher.id,
      case when voucher_is_paid(v_voucher.sale_state) then 'paid'
        when v_voucher.batch_id is null then 'refill' else 'bulk' end, p_at);
  end loop;
  for v_voucher in
    update vouchers v set sync_state = 'pending', maybe_there = true
      where v.id = any (p_extra) and v.router_id = p_router and v.desired = 'absent'
        and v.sync_state not in ('pushing', 'removing')
        and (v.synced_at is null or v.synced_at <= p_started)
      returning *
  loop
    perform router_owe(p_router, v_voucher.tenant_id, 'voucher', v_voucher.id, 'revoke', p_at);
  end loop;

  update routers r set serial = p_serial where r.id = p_router and p_serial <> ''
    and r.serial <> p_serial;
  if p_reset then
    update routers r set status = 'needs_attention', status_since = p_at, attention = 'reset'
      where r.id = p_router and r.status <> 'needs_attention';
  end if;
  perform router_owe_refills(p_router, p_at);
  return true;
end $$;

-- What was seen of a voucher's use. The first login begins its validity; who used all of it is put
-- out.
create or replace function router_used(
  p_seen router_snapshot_item, p_started timestamptz, p_at timestamptz
) returns void language plpgsql as $$
declare
  v_voucher vouchers;
  v_validity_s bigint;
begin
  update vouchers v
    set used_online_s = p_seen.online_s, used_bytes = p_seen.data_bytes, observed_at = p_started,
      first_login_at = case when p_seen.logged_in then coalesce(v.first_login_at, p_started)
        else v.first_login_at end
    where v.id = p_seen.voucher_id returning * into v_voucher;
  if v_voucher.id is null or voucher_is_over(v_voucher.sale_state) then
    return;
  end if;
  if v_voucher.first_login_at is not null and v_voucher.sale_state = 'sold' then
    v_voucher := router_proven(v_voucher, p_at);
  end if;
  if v_voucher.first_login_at is not null and v_voucher.sale_state in ('stock', 'delivered') then
    v_validity_s := coalesce((v_voucher.terms ->> 'validity_s')::bigint, 0);
    update vouchers v set sale_state = 'in_use',
        expires_at = case when v_validity_s > 0 then least(v.expires_at,
          v.first_login_at + make_interval(secs => v_validity_s)) else v.expires_at end
      where v.id = v_voucher.id returning * into v_voucher;
  end if;
  if p_seen.over then
    perform voucher_end(v_voucher, 'exhausted', p_at);
  end if;
end $$;

-- Somebody is online with it, so it works, whatever the router has told of it.
create or replace function router_proven(p_voucher vouchers, p_at timestamptz) returns vouchers
language plpgsql as $$
declare
  v_sale voucher_sales;
begin
  select * into v_sale from voucher_sales s where s.voucher_id = p_voucher.id for no key update;
  update vouchers v set sale_state = 'delivered' where v.id = p_voucher.id returning * into p_voucher;
  if v_sale.state = 'held' then
    perform voucher_capture(v_sale, p_at);
    perform voucher_tell_ready(p_voucher, v_sale, p_at);
  end if;
  return p_voucher;
end $$;

-- Somebody is online with the codes of these digests, as was seen between two comparisons.
create or replace function router_online(
  p_router uuid, p_tenant uuid, p_digests text[], p_at timestamptz
) returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_voucher vouchers;
begin
  for v_voucher in
    select * from vouchers v where v.code_digest = any (p_digests) and v.router_id = p_router
      and v.tenant_id = p_tenant and v.first_login_at is null order by v.id for no key update
  loop
    perform router_used(row(v_voucher.id, v_voucher.used_online_s, v_voucher.used_bytes, true,
      false)::router_snapshot_item, p_at, p_at);
  end loop;
end $$;
