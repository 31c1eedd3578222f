-- Books payments that came in, once per transaction of a gateway.
create or replace function intent_leg_id(p_gateway text, p_transaction text, p_code text)
returns uuid language sql immutable as $$
  select left(encode(sha256(convert_to(
    concat_ws(E'\x1f', 'payment', p_gateway, p_transaction, p_code), 'UTF8')), 'hex'), 32)::uuid
$$;

-- Moves one payment into its customer's wallet, writes it down and tells the customer, unless that
-- was done before. The caller has locked what was paid, and answers for it being this customer's.
create or replace function payment_book(
  p_payment payment_item, p_customer uuid, p_intent uuid, p_account uuid, p_kind text
) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_wallet bigint;
  v_clearing bigint;
  v_fees bigint;
  v_legs ledger_leg[];
begin
  insert into payments_in (gateway, transaction_id, tenant_id, customer_id, intent_id, account_id,
      reference, amount_minor, fee_minor, currency, state, paid_at, received_at)
    values (p_payment.gateway, p_payment.transaction_id, p_payment.tenant_id, p_customer, p_intent,
      p_account, p_payment.reference, p_payment.amount_minor, p_payment.fee_minor,
      p_payment.currency, 'credited', p_payment.paid_at, p_payment.at)
    on conflict do nothing;
  if not found then
    return false;
  end if;

  v_clearing := ledger_account(p_payment.tenant_id, 'clearing', p_payment.gateway,
    p_payment.currency);
  v_wallet := ledger_account(p_payment.tenant_id, 'wallet', p_customer::text, p_payment.currency);
  v_legs := array[row(
    intent_leg_id(p_payment.gateway, p_payment.transaction_id, 'fund'), p_payment.tenant_id,
    v_clearing, v_wallet, p_payment.amount_minor, 'fund', p_payment.for_id, null,
    null)::ledger_leg];
  if p_payment.fee_minor > 0 then
    v_fees := ledger_account(p_payment.tenant_id, 'fees', p_payment.gateway, p_payment.currency);
    v_legs := v_legs || row(
      intent_leg_id(p_payment.gateway, p_payment.transaction_id, 'fee'), p_payment.tenant_id,
      v_fees, v_clearing, p_payment.fee_minor, 'fee', p_payment.for_id, null, null)::ledger_leg;
  end if;
  perform ledger_book(v_legs, '{}', p_payment.at);

  -- Told where the customer asked to pay; money that came unasked began nowhere.
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at, channel_id,
      identity)
    select notice_id(p_payment.tenant_id, p_payment.notice_key), p_payment.tenant_id,
        p_payment.notice_key, p_customer, p_payment.notice_text, p_payment.notice_facts,
        p_payment.at, p_payment.at, i.channel_id, coalesce(i.identity, '')
      from (select 1) one left join payment_intents i on i.id = p_intent
    on conflict do nothing;
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p_payment.for_id::text, p_payment.tenant_id, p_kind, 'gateway',
      jsonb_build_object('transaction', p_payment.transaction_id,
        'amount_minor', p_payment.amount_minor), p_payment.at);
  return true;
end $$;

-- The intent is paid once as much has come as was asked for; when it is looked at next is for who
-- asked the gateway to say, after all that it told of is booked.
create or replace function intent_credit(p_payment payment_item) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_intent payment_intents;
  v_paid_minor bigint;
begin
  select * into v_intent from payment_intents where id = p_payment.for_id for no key update;
  if v_intent.id is null or v_intent.tenant_id <> p_payment.tenant_id
      or v_intent.gateway <> p_payment.gateway or v_intent.currency <> p_payment.currency
      or v_intent.reference <> p_payment.reference or p_payment.amount_minor <= 0 then
    raise exception 'a payment that is not this intent''s';
  end if;
  if not payment_book(p_payment, v_intent.customer_id, v_intent.id, null, 'intent.paid') then
    return false;
  end if;
  select sum(p.amount_minor) into v_paid_minor from payments_in p
    where p.intent_id = v_intent.id and p.state = 'credited';
  update payment_intents
    set state = case when state = 'paid' or v_paid_minor >= amount_minor
        then 'paid' else 'part_paid' end,
      ended_at = coalesce(ended_at, p_payment.at)
    where id = v_intent.id;
  return true;
end $$;

-- Leases intents whose next check is due, of all tenants: open, expired and paid ones.
create or replace function intent_claim(p_count integer, p_lease interval, p_at timestamptz)
returns setof payment_intents language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select i.id from payment_intents i where i.check_at <= p_at
      order by i.check_at limit p_count for update skip locked
  )
  update payment_intents i set check_at = p_at + p_lease, checks = i.checks + 1
    from due where i.id = due.id returning i.*
$$;

-- An intent of any tenant by the reference that a gateway speaks of.
create or replace function intent_by_reference(p_gateway text, p_reference text)
returns setof payment_intents language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select * from payment_intents where gateway = p_gateway and reference = p_reference
$$;

-- Makes these be verified now, expired ones too: late money is still the customer's. A paid intent
-- is looked at again as well, for a second payment under one reference.
create or replace function intent_hurry(p_gateway text, p_references text[], p_at timestamptz)
returns integer language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with known as (
    select i.id from payment_intents i
      where i.gateway = p_gateway and i.reference = any (p_references) order by i.id for update
  ), hurried as (
    update payment_intents i set check_at = p_at from known where i.id = known.id returning 1
  )
  select count(*)::integer from hurried
$$;
