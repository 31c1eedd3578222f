-- Applies rulings: one answer of a provider and what it leads to. Money, states, job and the
-- customer's notice change together, or, where a ruling does not fit how the order stands (it came
-- second, or late), nothing but the history of answers does.
-- One order at most once per call: the caller sees to it.
create or replace function order_rule(p_rulings ruling_item[])
returns table (place bigint, state text)
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_orders uuid[];
  v_steps order_step[];
begin
  select array_agg(r.order_id) into v_orders from unnest(p_rulings) r;
  if (select count(*) <> count(distinct o) from unnest(v_orders) o) then
    raise exception 'an order stands twice in one batch of rulings';
  end if;
  -- Everywhere in this order: orders, jobs, accounts.
  perform 1 from orders where id = any (v_orders) order by id for no key update;

  v_steps := order_judge(p_rulings);
  perform order_advance(v_steps);
  perform order_tell(v_steps);
  -- Last, for all rulings meet on the float of their provider: two batches at once then only take
  -- turns from here on.
  perform order_move_money(v_steps);

  return query select s.place, s.to_state from unnest(v_steps) s;
end $$;

-- What each ruling comes to, as the order stands now that it is locked. Of an order that this tenant
-- does not have, nothing is known and nothing comes.
create or replace function order_judge(p_rulings ruling_item[]) returns order_step[]
language plpgsql as $$
declare
  v_steps order_step[];
begin
  with judged as (
    select r.*, o.customer_id, o.state, o.attempt_number, o.currency,
        o.amount_minor + o.fee_minor as total_minor, a.provider, o.wallet_id,
        case when r.cost_currency = o.currency then r.cost_minor end as told_cost_minor,
        o.amount_minor as face_minor,
        case
          when a.id is null then 'none'
          when o.state in ('delivered', 'refunded') and r.verdict = 'keep' then 'keep'
          when o.state in ('delivered', 'refunded') and r.verdict = 'wait' then 'recheck'
          when o.state = 'delivered' and r.verdict = 'take_back' and a.number = o.attempt_number
            then 'take_back'
          when o.state = 'refunded' and r.verdict = 'capture' then
            case when exists (select from transfers t
              where t.id = order_leg_id(a.id, 'late_delivery')) then 'keep' else 'late' end
          when o.state = 'paid_back' and a.number = o.attempt_number and a.closed_at is not null then
            case when r.verdict = 'book_loss'
                and exists (select from transfers t where t.id = order_leg_id(o.id, 'clear'))
                and not exists (select from transfers t
                  where t.id = order_leg_id(a.id, 'late_delivery')) then 'late' else 'keep' end
          when a.number <> o.attempt_number or a.closed_at is not null then 'none'
          when o.state in ('held', 'in_doubt')
            and r.verdict in ('capture', 'refund', 'wait', 'pay_back') then r.verdict
          -- Whoever rules, nobody else is asked but after an answer that can prove nothing came.
          when o.state in ('held', 'in_doubt') and r.verdict = 'next' and r.next_id is not null
            and r.result in ('refused', 'failed', 'reversed', 'not_found') then 'next'
          when o.state = 'paid_back' and r.verdict in ('wait', 'book_loss', 'clear')
            then r.verdict
          -- Paid back by hand while this answer was under way.
          when o.state = 'paid_back' and r.verdict = 'capture' then 'book_loss'
          when o.state = 'paid_back' and r.verdict = 'refund' then 'clear'
          else 'none'
        end as step
      from unnest(p_rulings) with ordinality r
      left join lateral (select * from orders x where x.id = r.order_id offset 0) o
        on o.tenant_id = r.tenant_id
      left join lateral (
        select * from attempts x where x.order_id = o.id and x.id = r.attempt_id offset 0
      ) a on true
  )
  select array_agg(row(
      ordinality, step, answer_id, order_id, tenant_id, attempt_id, verdict, result, reason, hint,
      their_reference, evidence, check_at, next_id, next_provider, next_reference, next_via,
      next_plan, actor, at, blame, customer_id, state,
      case step
        when 'capture' then 'delivered'
        when 'refund' then 'refunded'
        when 'take_back' then 'refunded'
        when 'pay_back' then 'paid_back'
        when 'wait' then case when state = 'paid_back' then state else 'in_doubt' end
        else state
      end,
      attempt_number, provider, wallet_id,
      case when step in ('capture', 'pay_back', 'clear', 'late') then
        coalesce((select x.id from accounts x where x.tenant_id = judged.tenant_id
            and x.type = 'float' and x.owner = judged.provider and x.currency = judged.currency),
          ledger_account(judged.tenant_id, 'float', judged.provider, judged.currency))
      end,
      case when step = 'capture' and total_minor > paid_minor then
        coalesce((select x.id from accounts x where x.tenant_id = judged.tenant_id
            and x.type = 'revenue' and x.owner = '' and x.currency = judged.currency),
          ledger_account(judged.tenant_id, 'revenue', '', judged.currency))
      end,
      currency, total_minor, paid_minor, told_cost_minor)::order_step order by ordinality)
    into v_steps
    from judged
    cross join lateral (
      -- Without a cost that can be believed, the face value is what the provider took.
      select case when told_cost_minor >= 0 then told_cost_minor else face_minor end as paid_minor
    ) paid;
  return coalesce(v_steps, '{}');
end $$;

-- The transfers of one order have ids derived from it, so that none can be written twice.
create or replace function order_leg_id(p_subject uuid, p_code text) returns uuid
language sql immutable as $$
  select md5('leg:' || p_subject::text || ':' || p_code)::uuid
$$;

create or replace function order_move_money(p_steps order_step[]) returns void
language plpgsql as $$
declare
  v_legs ledger_leg[];
  v_releases ledger_release[];
begin
  select array_agg(row(
      order_leg_id(case l.code when 'late_delivery' then s.attempt_id
        else s.order_id end, l.code),
      s.tenant_id, l.debit_id, l.credit_id, l.amount_minor, l.code, s.order_id,
      case when l.held then s.order_id end, l.reverses)::ledger_leg)
    into v_legs
    from unnest(p_steps) s
    cross join lateral (
      -- The price pays for what the provider took; what is left is ours, what is missing too.
      select 'sale', s.wallet_id, s.float_id, least(s.cost_minor, s.total_minor), true, null::uuid
        where s.step = 'capture'
      union all
      select 'margin', s.wallet_id, s.revenue_id, s.total_minor - s.cost_minor, true, null
        where s.step = 'capture' and s.total_minor > s.cost_minor
      union all
      select 'overcost', order_system(s, 'cost'), s.float_id, s.cost_minor - s.total_minor, false,
          null
        where s.step = 'capture' and s.cost_minor > s.total_minor
      union all
      select 'sale', s.wallet_id, s.float_id, s.total_minor, true, null where s.step = 'pay_back'
      union all
      select 'pay_back', order_system(s, 'suspense'), s.wallet_id, s.total_minor, false, null
        where s.step = 'pay_back'
      union all
      select 'book_loss', order_system(s, 'loss'), order_system(s, 'suspense'), s.total_minor,
          false, null
        where s.step = 'book_loss'
      union all
      select 'clear', s.float_id, order_system(s, 'suspense'), s.total_minor, false, null
        where s.step = 'clear'
      union all
      select 'late_delivery', order_system(s, 'loss'), s.float_id, s.cost_minor, false, null
        where s.step = 'late'
      union all
      select 'undo_' || t.code, t.credit_id, t.debit_id, t.amount_minor, false, t.id
        from transfers t
        where s.step = 'take_back' and t.event_id = s.order_id
          and t.code in ('sale', 'margin', 'overcost')
    ) l (code, debit_id, credit_id, amount_minor, held, reverses)
    where l.amount_minor > 0;

  select array_agg(row(s.wallet_id, s.total_minor)::ledger_release)
    into v_releases
    from unnest(p_steps) s where s.step in ('capture', 'refund', 'pay_back');

  if v_legs is null and v_releases is null then
    return;
  end if;
  perform ledger_book(coalesce(v_legs, '{}'), coalesce(v_releases, '{}'), (p_steps[1]).at);
end $$;

create or replace function order_system(p_step order_step, p_type text) returns bigint
language sql as $$
  select ledger_account((p_step).tenant_id, p_type, '', (p_step).currency)
$$;

-- Order, attempt and job take their next place.
create or replace function order_advance(p_steps order_step[]) returns void
language plpgsql as $$
declare
  v_kinds text[] := array(select distinct step from unnest(p_steps));
  v_ended uuid[] := array(select order_id from unnest(p_steps)
    where step in ('capture', 'refund', 'book_loss', 'clear', 'take_back', 'late', 'keep'));
  v_gone bigint;
begin
  update orders o
    set state = s.to_state,
      hint = coalesce(s.hint, o.hint),
      attempt_number = o.attempt_number + case s.step when 'next' then 1 else 0 end,
      settled_at = case when s.step in ('capture', 'refund', 'pay_back', 'take_back')
        then s.at else o.settled_at end
    from unnest(p_steps) s
    where o.id = s.order_id and (s.to_state <> s.from_state or s.step = 'next');

  update attempts a
    set state = case when s.step in ('wait', 'pay_back') then a.state else 'closed' end,
      closed_at = case when s.step in ('wait', 'pay_back') then a.closed_at
        else coalesce(a.closed_at, s.at) end,
      result = s.result,
      reason = s.reason,
      their_reference = coalesce(s.their_reference, a.their_reference),
      cost_minor = coalesce(s.told_cost_minor, a.cost_minor),
      evidence = coalesce(s.evidence, a.evidence),
      checks = a.checks + 1,
      not_found_since = case s.result
        when 'not_found' then coalesce(a.not_found_since, s.at) end
    from unnest(p_steps) s
    where s.step not in ('none', 'keep', 'recheck') and a.order_id = s.order_id
      and a.number = s.attempt_number;

  if 'next' = any (v_kinds) then
    insert into attempts (order_id, number, id, tenant_id, provider, provider_reference, via, plan,
        state, created_at)
      select s.order_id, s.attempt_number + 1, s.next_id, s.tenant_id,
        s.next_provider, s.next_reference, s.next_via,
        s.next_plan, 'created', s.at
      from unnest(p_steps) s where s.step = 'next';
  end if;

  if v_kinds && array['wait', 'recheck', 'pay_back', 'next'] then
    -- A signal that came while this answer was under way has the order looked at again at once.
    update jobs j
      set run_at = case when s.step = 'next' or j.hurried then s.at
        else coalesce(s.check_at, s.at) end
      from unnest(p_steps) s
      where s.step in ('wait', 'recheck', 'pay_back', 'next') and j.ref = s.order_id
        and j.ref = any (array(select order_id from unnest(p_steps)));
  end if;

  -- A final answer ends the job too, but for a signal: what that tells (a reversal, a delivery) may
  -- be younger than the answer.
  delete from jobs where ref = any (v_ended) and not hurried;
  get diagnostics v_gone = row_count;
  if v_gone < cardinality(v_ended) then
    update jobs set run_at = (p_steps[1]).at where ref = any (v_ended);
  end if;
end $$;

-- The customer's notice, the history, and the audit. A worker's capture is told by its answer alone.
create or replace function order_tell(p_steps order_step[]) returns void
language plpgsql as $$
begin
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at, channel_id,
      identity)
    select notice_id(o.tenant_id, 'order:' || o.id || ':' || o.state), o.tenant_id,
      'order:' || o.id || ':' || o.state, o.customer_id,
      'notice.' || case
        when s.step = 'take_back' and o.gift_room_id is not null then 'gift_airtime_taken_back'
        when s.step = 'take_back' then 'taken_back'
        -- What was won was never paid by its winner: it does not come back, it stays.
        when s.step = 'refund' and o.gift_room_id is not null then 'gift_airtime_stays'
        when s.step = 'pay_back' and o.gift_room_id is not null then 'gift_airtime_unsure'
        else o.state end,
      jsonb_build_object('reference', o.reference, 'amount', o.amount_minor, 'fee', o.fee_minor,
          'currency', o.currency, 'recipient', o.recipient, 'network', o.network,
          'product', o.product)
        || case when o.hint is null then '{}' else jsonb_build_object('hint', o.hint) end,
      s.at, s.at, o.channel_id, o.identity
    from unnest(p_steps) s
    cross join lateral (select * from orders x where x.id = s.order_id offset 0) o
    where s.step in ('capture', 'refund', 'pay_back', 'take_back');

  insert into answers (order_id, id, tenant_id, attempt_id, result, reason, verdict, step, at,
      blame)
    select s.order_id, s.answer_id, s.tenant_id, s.attempt_id,
      s.result, s.reason, s.verdict, s.step, s.at,
      coalesce(s.blame, 'none')
    from unnest(p_steps) s
    where s.from_state is not null and not exists (
      select from answers x where x.order_id = s.order_id and x.id = s.answer_id offset 0);

  insert into events (subject, tenant_id, kind, actor, facts, at)
    select s.order_id::text, s.tenant_id,
      'order.' || case s.step when 'wait' then 'in_doubt' when 'late' then 'late_delivery'
        when 'next' then 'next_attempt' when 'capture' then 'delivered'
        when 'refund' then 'refunded' when 'pay_back' then 'paid_back'
        when 'take_back' then 'taken_back' when 'book_loss' then 'loss_booked'
        else 'cleared' end,
      s.actor, jsonb_build_object('reason', s.reason, 'provider', s.provider),
      s.at
    from unnest(p_steps) s
    where s.step not in ('none', 'keep', 'recheck')
      and (s.step <> 'wait' or s.to_state <> s.from_state)
      and (s.step <> 'capture' or s.actor <> 'worker');
end $$;
