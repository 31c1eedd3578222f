-- Books payments that came in, once per transaction of a gateway.
create or replace function intent_leg_id(p_gateway text, p_transaction text, p_code text)
returns uuid language sql immutable as $$
  select left(encode(sha256(convert_to(
    concat_ws(E'\x1f', 'payment', p_gateway, p_transaction, p_code), 'UTF8')), 'hex'), 32)::uuid
$$;

-- What remains of a check once the money is in: a lease or a plan, which lie ahead, end; one that is
-- due was asked for by a webhook meanwhile, and stays.
create or replace function intent_check_left(p_check_at timestamptz, p_at timestamptz)
returns timestamptz language sql immutable as $$
  select case when p_check_at <= p_at then p_check_at end
$$;

create or replace function intent_credit(p_payment payment_item) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_intent payment_intents;
  v_wallet bigint;
  v_clearing bigint;
  v_fees bigint;
  v_legs ledger_leg[];
begin
  select * into v_intent from payment_intents where id = p_payment.intent_id for no key update;
  if v_intent.id is null or v_intent.tenant_id <> p_payment.tenant_id
      or v_intent.gateway <> p_payment.gateway or v_intent.currency <> p_payment.currency
      or v_intent.reference <> p_payment.reference or p_payment.amount_minor <= 0 then
    raise exception 'a payment that is not this intent''s';
  end if;
  insert into payments_in (gateway, transaction_id, tenant_id, customer_id, intent_id, reference,
      amount_minor, fee_minor, currency, state, paid_at, received_at)
    values (p_payment.gateway, p_payment.transaction_id, v_intent.tenant_id,
      v_intent.customer_id, v_intent.id, p_payment.reference, p_payment.amount_minor,
      p_payment.fee_minor, p_payment.currency, 'credited', p_payment.paid_at, p_payment.at)
    on conflict do nothing;
  if not found then
    update payment_intents set check_at = intent_check_left(check_at, p_payment.at)
      where id = v_intent.id;
    return false;
  end if;

  v_clearing := ledger_account(v_intent.tenant_id, 'clearing', v_intent.gateway, v_intent.currency);
  v_wallet := ledger_account(v_intent.tenant_id, 'wallet', v_intent.customer_id::text,
    v_intent.currency);
  v_legs := array[row(
    intent_leg_id(p_payment.gateway, p_payment.transaction_id, 'fund'), v_intent.tenant_id,
    v_clearing, v_wallet, p_payment.amount_minor, 'fund', v_intent.id, null, null)::ledger_leg];
  if p_payment.fee_minor > 0 then
    v_fees := ledger_account(v_intent.tenant_id, 'fees', v_intent.gateway, v_intent.currency);
    v_legs := v_legs || row(
      intent_leg_id(p_payment.gateway, p_payment.transaction_id, 'fee'), v_intent.tenant_id,
      v_clearing, v_fees, p_payment.fee_minor, 'fee', v_intent.id, null, null)::ledger_leg;
  end if;
  perform 1 from accounts where id = any (array[v_wallet, v_clearing, v_fees])
    order by id for no key update;
  perform ledger_book(v_legs, '{}', p_payment.at);

  update payment_intents set state = 'paid', check_at = intent_check_left(check_at, p_payment.at),
      ended_at = coalesce(ended_at, p_payment.at)
    where id = v_intent.id;
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at)
    values (notice_id(v_intent.tenant_id, p_payment.notice_key), v_intent.tenant_id,
      p_payment.notice_key, v_intent.customer_id, p_payment.notice_text, p_payment.notice_facts,
      p_payment.at, p_payment.at)
    on conflict do nothing;
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (v_intent.id::text, v_intent.tenant_id, 'intent.paid', 'gateway',
      jsonb_build_object('transaction', p_payment.transaction_id,
        'amount_minor', p_payment.amount_minor), p_payment.at);
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
