-- Credits a payment into a customer's account: any amount, once per transaction of the gateway.
create or replace function virtual_account_credit(p_payment payment_item) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_account virtual_accounts;
begin
  select * into v_account from virtual_accounts where id = p_payment.for_id for no key update;
  if v_account.id is null or v_account.tenant_id <> p_payment.tenant_id
      or v_account.gateway <> p_payment.gateway or v_account.currency <> p_payment.currency
      or v_account.state <> 'open' or p_payment.amount_minor <= 0 then
    raise exception 'a payment that is not this account''s';
  end if;
  return payment_book(p_payment, v_account.customer_id, null, v_account.id, 'account.credited');
end $$;

-- Leases accounts whose next look is due, of all tenants.
create or replace function virtual_account_claim(p_count integer, p_lease interval, p_at timestamptz)
returns setof virtual_accounts language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select a.id from virtual_accounts a where a.check_at <= p_at
      order by a.check_at limit p_count for update skip locked
  )
  update virtual_accounts a set check_at = p_at + p_lease
    from due where a.id = due.id returning a.*
$$;

-- Makes these be looked at now: somebody may have paid into them.
create or replace function virtual_account_hurry(
  p_gateway text, p_references text[], p_at timestamptz
)
returns integer language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with known as (
    select a.id from virtual_accounts a
      where a.gateway = p_gateway and a.reference = any (p_references) and a.state = 'open'
      order by a.id for update
  ), hurried as (
    update virtual_accounts a set check_at = p_at, used_at = p_at
      from known where a.id = known.id returning 1
  )
  select count(*)::integer from hurried
$$;
