-- Whose these references are, of all tenants: those who share an account at a party find each
-- other's transactions in its statement. References that nobody knows are left out.
create or replace function reconciliation_owners(p_side text, p_party text, p_references text[])
returns table (reference text, tenant_id uuid)
language plpgsql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  if p_side = 'vends' then
    return query select a.provider_reference, a.tenant_id from attempts a
      where a.provider = p_party and a.provider_reference = any (p_references);
  else
    return query
      select i.reference, i.tenant_id from payment_intents i
        where i.gateway = p_party and i.reference = any (p_references)
      union
      select v.reference, v.tenant_id from virtual_accounts v
        where v.gateway = p_party and v.reference = any (p_references)
      union
      select p.transaction_id, p.tenant_id from payments_in p
        where p.gateway = p_party and p.transaction_id = any (p_references);
  end if;
end $$;
