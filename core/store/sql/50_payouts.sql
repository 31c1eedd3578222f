-- Payouts: begun, leased, and ruled upon. One at a time: a bank transfer takes seconds, and a
-- customer makes few. Everywhere in this order: payouts, then accounts by id.

drop type if exists payout_item cascade;
create type payout_item as (
  id uuid, tenant_id uuid, customer_id uuid, reference text, gateway text, gateway_reference text,
  amount_minor bigint, fee_minor bigint, currency text, bank_code text, bank_name text,
  account_sealed text, account_tail text, account_name text, account_digest text, channel_id uuid,
  identity text, created_at timestamptz, deadline_at timestamptz, day_starts_at timestamptz,
  day_limit_minor bigint
);

-- The transfers of one payout have ids derived from it, so that none can be written twice.
create or replace function payout_leg_id(p_payout uuid, p_code text) returns uuid
language sql immutable as $$
  select left(encode(sha256(convert_to('payout:' || p_payout::text || ':' || p_code, 'UTF8')),
    'hex'), 32)::uuid
$$;

create or replace function payout_after(p_state text, p_step text) returns text
language sql immutable as $$
  select case p_step
    when 'capture' then 'paid'
    when 'refund' then 'refunded'
    when 'take_back' then 'refunded'
    when 'ask_person' then 'needs_person'
    when 'wait' then case p_state when 'held' then 'in_doubt' else p_state end
    else p_state
  end
$$;

-- Holds the money and writes the payout, due at once, or says why not.
-- Answers begun | duplicate | conflict | insufficient | over_limit | closed.
create or replace function payout_begin(p payout_item)
returns table (result text, reference text, state text)
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_wallet accounts;
  v_earlier payouts;
  v_total bigint := p.amount_minor + p.fee_minor;
  v_taken bigint;
begin
  select * into v_wallet from accounts a
    where a.tenant_id = p.tenant_id and a.type = 'wallet' and a.owner = p.customer_id::text
      and a.currency = p.currency
    for no key update;
  select * into v_earlier from payouts x where x.id = p.id;
  if v_earlier.id is not null then
    return query select
      case when (v_earlier.tenant_id, v_earlier.customer_id, v_earlier.amount_minor,
          v_earlier.fee_minor, v_earlier.currency, v_earlier.bank_code, v_earlier.account_digest)
        = (p.tenant_id, p.customer_id, p.amount_minor, p.fee_minor, p.currency, p.bank_code,
          p.account_digest)
      then 'duplicate' else 'conflict' end, v_earlier.reference, v_earlier.state;
    return;
  end if;
  if v_wallet.closed_at is not null then
    return query select 'closed', p.reference, null::text;
    return;
  end if;
  if v_wallet.id is null or v_wallet.posted_minor - v_wallet.held_minor < v_total then
    return query select 'insufficient', p.reference, null::text;
    return;
  end if;
  select coalesce(sum(x.amount_minor), 0) into v_taken from payouts x
    where x.tenant_id = p.tenant_id and x.customer_id = p.customer_id
      and x.created_at >= p.day_starts_at and x.currency = p.currency and x.state <> 'refunded';
  if v_taken + p.amount_minor > p.day_limit_minor then
    return query select 'over_limit', p.reference, null::text;
    return;
  end if;

  insert into payouts (id, tenant_id, customer_id, reference, gateway, gateway_reference,
      amount_minor, fee_minor, currency, bank_code, bank_name, account_sealed, account_tail,
      account_name, account_digest, state, channel_id, identity, run_at, created_at, deadline_at)
    values (p.id, p.tenant_id, p.customer_id, p.reference, p.gateway, p.gateway_reference,
      p.amount_minor, p.fee_minor, p.currency, p.bank_code, p.bank_name, p.account_sealed,
      p.account_tail, p.account_name, p.account_digest, 'held', p.channel_id, p.identity,
      p.created_at, p.created_at, p.deadline_at);
  insert into holds (id, tenant_id, account_id, amount_minor, state, created_at)
    values (p.id, p.tenant_id, v_wallet.id, v_total, 'open', p.created_at);
  update accounts a set held_minor = a.held_minor + v_total where a.id = v_wallet.id;
  insert into events (subject, tenant_id, kind, actor, at)
    values (p.id::text, p.tenant_id, 'payout.held', 'customer', p.created_at);
  return query select 'begun', p.reference, 'held';
end $$;

-- Leases payouts that are due, of all tenants, and commits "about to send" for those never sent.
create or replace function payout_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  id uuid, tenant_id uuid, customer_id uuid, reference text, gateway text, gateway_reference text,
  their_reference text, amount_minor bigint, fee_minor bigint, currency text, bank_code text,
  bank_name text, account_sealed text, account_tail text, account_name text, state text,
  first_send boolean, sent_at timestamptz, not_found_since timestamptz, checks integer,
  created_at timestamptz, deadline_at timestamptz
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select x.id, x.sent_at is null as unsent from payouts x where x.run_at <= p_at
      order by x.run_at limit p_count for update skip locked
  )
  update payouts x
    set run_at = p_at + p_lease, hurried = false, sent_at = coalesce(x.sent_at, p_at)
    from due where x.id = due.id
    returning x.id, x.tenant_id, x.customer_id, x.reference, x.gateway, x.gateway_reference,
      x.their_reference, x.amount_minor, x.fee_minor, x.currency, x.bank_code, x.bank_name,
      x.account_sealed, x.account_tail, x.account_name, x.state, due.unsent, x.sent_at,
      x.not_found_since, x.checks, x.created_at, x.deadline_at
$$;

-- Makes these be asked about now, finished ones too; answers how many are known.
create or replace function payout_hurry(p_gateway text, p_references text[], p_at timestamptz)
returns integer language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with known as (
    select x.id from payouts x
      where x.gateway = p_gateway and x.gateway_reference = any (p_references)
      order by x.id for update
  ), hurried as (
    update payouts x set run_at = least(x.run_at, p_at), hurried = true
      from known where x.id = known.id returning 1
  )
  select count(*)::integer from hurried
$$;

-- Applies one answer, if the payout still stands where it was ruled upon; answers its state now,
-- or nothing where the tenant has none of that id. The same answer again changes nothing.
create or replace function payout_rule(
  p_id uuid, p_tenant uuid, p_answer uuid, p_verdict text, p_result text, p_reason text,
  p_hint text, p_theirs text, p_cost_minor bigint, p_check_at timestamptz, p_at timestamptz
) returns text
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_payout payouts;
  v_step text;
begin
  select * into v_payout from payouts where id = p_id for no key update;
  if v_payout.tenant_id is distinct from p_tenant then
    return null;
  end if;
  if exists (select from payout_answers a where a.payout_id = p_id and a.id = p_answer) then
    return v_payout.state;
  end if;
  v_step := payout_step(v_payout, p_verdict);
  insert into payout_answers (payout_id, id, tenant_id, result, reason, verdict, step, at)
    values (p_id, p_answer, p_tenant, p_result, p_reason, p_verdict, v_step, p_at);
  if v_step = 'none' then
    return v_payout.state;
  end if;

  perform payout_move_money(v_payout, v_step, greatest(p_cost_minor, 0), p_at);
  update payouts x
    set state = payout_after(x.state, v_step),
      hint = coalesce(p_hint, x.hint),
      their_reference = coalesce(p_theirs, x.their_reference),
      result = p_result,
      reason = p_reason,
      checks = x.checks + 1,
      not_found_since = case p_result when 'not_found' then coalesce(x.not_found_since, p_at) end,
      run_at = case when x.hurried then p_at
        when v_step in ('wait', 'ask_person', 'recheck') then coalesce(p_check_at, p_at) end,
      hurried = false,
      settled_at = case when v_step in ('capture', 'refund', 'take_back') then p_at
        else x.settled_at end
    where x.id = p_id returning * into v_payout;
  perform payout_tell(v_payout, v_step, 'worker', p_reason, p_at);
  return v_payout.state;
end $$;

-- What a verdict comes to as the payout stands now that it is locked.
create or replace function payout_step(p payouts, p_verdict text) returns text
language sql stable as $$
  select case
    when p.state in ('held', 'in_doubt', 'needs_person')
      and p_verdict in ('capture', 'refund', 'wait', 'ask_person') then p_verdict
    when p.state in ('paid', 'refunded') and p_verdict = 'keep' then 'keep'
    when p.state in ('paid', 'refunded') and p_verdict = 'wait' then 'recheck'
    when p.state = 'paid' and p_verdict = 'take_back' then 'take_back'
    when p.state = 'refunded' and p_verdict = 'capture' then
      case when exists (select from transfers t where t.id = payout_leg_id(p.id, 'late_payout'))
        then 'keep' else 'late' end
    else 'none'
  end
$$;

-- Money leaves the wallet for what the gateway holds of ours, the fee is ours, and what the
-- gateway takes for the transfer is our cost.
create or replace function payout_move_money(
  p payouts, p_step text, p_cost_minor bigint, p_at timestamptz
) returns void language plpgsql as $$
declare
  v_wallet bigint;
  v_clearing bigint;
  v_fees bigint;
  v_loss bigint;
  v_revenue bigint;
  v_legs ledger_leg[];
  v_releases ledger_release[];
begin
  if p_step not in ('capture', 'refund', 'take_back', 'late') then
    return;
  end if;
  select h.account_id into strict v_wallet from holds h where h.id = p.id;
  if p_step in ('capture', 'late') then
    v_clearing := ledger_account(p.tenant_id, 'clearing', p.gateway, p.currency);
    v_fees := ledger_account(p.tenant_id, 'fees', p.gateway, p.currency);
  end if;
  if p_step = 'late' then
    v_loss := ledger_account(p.tenant_id, 'loss', '', p.currency);
  end if;
  if p_step = 'capture' and p.fee_minor > 0 then
    v_revenue := ledger_account(p.tenant_id, 'revenue', '', p.currency);
  end if;

  select array_agg(row(payout_leg_id(p.id, l.code), p.tenant_id, l.debit_id, l.credit_id,
      l.amount_minor, l.code, p.id, case when l.held then p.id end, l.reverses)::ledger_leg)
    into v_legs
    from (
      select 'payout', v_wallet, v_clearing, p.amount_minor, true, null::uuid
        where p_step = 'capture'
      union all
      select 'payout_fee', v_wallet, v_revenue, p.fee_minor, true, null where p_step = 'capture'
      union all
      select 'late_payout', v_loss, v_clearing, p.amount_minor, false, null where p_step = 'late'
      union all
      select 'payout_cost', v_fees, v_clearing, p_cost_minor, false, null
        where p_step in ('capture', 'late')
          and not exists (select from transfers t where t.id = payout_leg_id(p.id, 'payout_cost'))
      union all
      select 'undo_' || t.code, t.credit_id, t.debit_id, t.amount_minor, false, t.id
        from transfers t
        where p_step = 'take_back' and t.event_id = p.id and t.code in ('payout', 'payout_fee')
    ) l (code, debit_id, credit_id, amount_minor, held, reverses)
    where l.amount_minor > 0;
  if p_step in ('capture', 'refund') then
    v_releases := array[row(v_wallet, p.amount_minor + p.fee_minor)::ledger_release];
  end if;

  perform ledger_book(coalesce(v_legs, '{}'), coalesce(v_releases, '{}'), p_at);
  update holds h
    set state = case p_step when 'refund' then 'voided' else 'captured' end,
      captured_minor = case p_step when 'refund' then 0 else h.amount_minor end,
      ended_at = p_at
    where p_step in ('capture', 'refund') and h.id = p.id;
end $$;

-- The customer's notice, the history, and the end of the case where a person was asked.
create or replace function payout_tell(
  p payouts, p_step text, p_actor text, p_reason text, p_at timestamptz
) returns void language plpgsql as $$
declare
  v_key text := 'payout:' || p.id || ':' || p.state;
begin
  if p_step in ('capture', 'refund', 'take_back', 'ask_person') then
    insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at,
        channel_id, identity)
      values (notice_id(p.tenant_id, v_key), p.tenant_id, v_key, p.customer_id,
        'notice.payout_' || case p_step when 'take_back' then 'returned' else p.state end,
        jsonb_strip_nulls(jsonb_build_object('reference', p.reference, 'amount', p.amount_minor,
          'currency', p.currency, 'bank', p.bank_name, 'tail', p.account_tail, 'hint',
          case p_step when 'refund' then p.hint end)),
        p_at, p_at, p.channel_id, p.identity)
      on conflict (id) do nothing;
  end if;
  if p_step in ('capture', 'refund') then
    perform case_close(p.tenant_id, p.reference, array['payout_in_doubt'],
      case p_step when 'capture' then 'The bank has the money.'
        else 'It was not paid: the customer has the money back.' end, p_actor, p_at);
  end if;
  -- One line of history for a doubt, however often it is looked at.
  if p_step in ('capture', 'refund', 'take_back', 'late')
      or p_step in ('wait', 'ask_person') and not exists (
        select from events e where e.subject = p.id::text
          and e.kind = case p_step when 'wait' then 'payout.in_doubt' else 'payout.asks_person' end)
  then
    insert into events (subject, tenant_id, kind, actor, facts, at)
      values (p.id::text, p.tenant_id,
        'payout.' || case p_step when 'capture' then 'paid' when 'refund' then 'refunded'
          when 'take_back' then 'returned' when 'late' then 'late_arrival'
          when 'ask_person' then 'asks_person' else 'in_doubt' end,
        p_actor, jsonb_build_object('reason', p_reason, 'gateway', p.gateway), p_at);
  end if;
end $$;

-- A person's word on a payout that waits for one; the evidence comes encrypted. The key makes it
-- once.
-- Answers settled | again | conflict | not_waiting | unknown.
create or replace function payout_settle(
  p_id uuid, p_tenant uuid, p_paid boolean, p_evidence text, p_actor text, p_key text,
  p_at timestamptz
) returns text
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_payout payouts;
  v_step text := case when p_paid then 'capture' else 'refund' end;
begin
  select * into v_payout from payouts where id = p_id for no key update;
  if v_payout.tenant_id is distinct from p_tenant then
    return 'unknown';
  end if;
  if v_payout.settled_key = p_key then
    return case when v_payout.settled_paid = p_paid then 'again' else 'conflict' end;
  end if;
  if v_payout.state <> 'needs_person' then
    return 'not_waiting';
  end if;
  perform payout_move_money(v_payout, v_step, 0, p_at);
  update payouts x
    set state = payout_after(x.state, v_step), run_at = null, hurried = false, hint = null,
      settled_at = p_at, settled_paid = p_paid, settled_key = p_key, settled_by = p_actor,
      settled_evidence = p_evidence
    where x.id = p_id returning * into v_payout;
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p_id::text, p_tenant, 'payout.settled', p_actor,
      jsonb_build_object('paid', p_paid, 'key', p_key), p_at);
  perform payout_tell(v_payout, v_step, p_actor, 'settled', p_at);
  return 'settled';
end $$;

-- States of payouts of any tenant, for whoever holds their ids.
create or replace function payout_states(p_ids uuid[]) returns table (id uuid, state text)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select x.id, x.state from payouts x where x.id = any (p_ids)
$$;
