-- Applies rulings: one answer of a provider and what it leads to. Money, states, job and the
-- customer's notice change together, or, where a ruling does not fit how the order stands (it came
-- second, or late), nothing but the history of answers does.
-- Answers the state that each order is in then, null for one that this tenant does not have.
-- One order at most once per call: the caller sees to it.
-- All of it is one statement, for the sake of speed: what each ruling comes to is written down once
-- (`steps`) and read by each table's part.
create or replace function order_rule(p_rulings ruling_item[], p_at timestamptz) returns text[]
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = on
set enable_nestloop = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_orders uuid[];
  v_twice boolean;
  v_states text[];
  v_legs ledger_leg[];
  v_releases ledger_release[];
  v_refunded bigint[];
begin
  select array_agg(r.order_id), count(*) > count(distinct r.order_id) into v_orders, v_twice
    from unnest(p_rulings) r;
  if v_twice then
    raise exception 'an order stands twice in one batch of rulings';
  end if;
  -- Everywhere in this order: orders, jobs, accounts.
  perform 1 from orders where id = any (v_orders) order by id for no key update;

  with judged as (
    -- As the order stands now that it is locked. Of one that this tenant does not have nothing comes.
    select r.*, o.customer_id, o.state, o.attempt_number, o.currency, o.wallet_id,
        o.amount_minor, o.fee_minor, o.amount_minor + o.fee_minor as total_minor,
        coalesce(r.hint, o.hint) as told_hint,
        o.channel_id, o.identity, o.gift_room_id, a.provider,
        case when r.cost_currency = o.currency then r.cost_minor end as told_cost_minor,
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
  ), steps as materialized (
    -- What is asked for most stands first: to reach a column, those before it are read.
    select step, order_id, state,
        case step
          when 'capture' then 'delivered'
          when 'refund' then 'refunded'
          when 'take_back' then 'refunded'
          when 'pay_back' then 'paid_back'
          when 'wait' then case when state = 'paid_back' then state else 'in_doubt' end
          else state
        end as to_state,
        tenant_id, currency, total_minor,
        -- Without a cost that can be believed, the face value is what the provider took.
        case when told_cost_minor >= 0 then told_cost_minor else amount_minor end as paid_minor,
        wallet_id, attempt_id, attempt_number, provider, ordinality, told_hint, actor, result, reason,
        answer_id, verdict, blame, their_reference, told_cost_minor, evidence, customer_id,
        channel_id, identity, gift_room_id, check_at, next_id, next_provider, next_reference,
        next_via, next_plan
      from judged
  ), revenues as materialized (
    select r.*, order_account(r.tenant_id, 'revenue', '', r.currency) as id
      from (
        select distinct tenant_id, currency from steps
          where step = 'capture' and total_minor > paid_minor
      ) r
  ), floats as materialized (
    select f.*, order_account(f.tenant_id, 'float', f.provider, f.currency) as id
      from (
        select distinct tenant_id, provider, currency from steps
          where step in ('capture', 'pay_back', 'clear', 'late')
      ) f
  ), moved_orders as (
    update orders o
      set state = s.to_state,
        hint = s.told_hint,
        attempt_number = o.attempt_number + case s.step when 'next' then 1 else 0 end,
        settled_at = case when s.step in ('capture', 'refund', 'pay_back', 'take_back')
          then p_at else o.settled_at end
      from steps s
      where o.id = s.order_id and o.id = any (v_orders) and (s.to_state <> s.state or s.step = 'next')
  ), moved_attempts as (
    update attempts a
      set state = case when s.step in ('wait', 'pay_back') then a.state else 'closed' end,
        closed_at = case when s.step in ('wait', 'pay_back') then a.closed_at
          else coalesce(a.closed_at, p_at) end,
        result = s.result,
        reason = s.reason,
        their_reference = coalesce(s.their_reference, a.their_reference),
        cost_minor = coalesce(s.told_cost_minor, a.cost_minor),
        evidence = coalesce(s.evidence, a.evidence),
        checks = a.checks + 1,
        not_found_since = case s.result
          when 'not_found' then coalesce(a.not_found_since, p_at) end
      from steps s
      where s.step not in ('none', 'keep', 'recheck') and a.order_id = s.order_id
        and a.number = s.attempt_number and a.order_id = any (v_orders)
  ), next_attempts as (
    insert into attempts (order_id, number, id, tenant_id, provider, provider_reference, via, plan,
        state, created_at)
      select s.order_id, s.attempt_number + 1, s.next_id, s.tenant_id, s.next_provider,
        s.next_reference, s.next_via, s.next_plan, 'created', p_at
      from steps s where s.step = 'next'
  ), later_jobs as (
    -- A signal that came while this answer was under way has the order looked at again at once.
    update jobs j
      set run_at = case when s.step = 'next' or j.hurried then p_at
        else coalesce(s.check_at, p_at) end
      from steps s
      where s.step in ('wait', 'recheck', 'pay_back', 'next') and j.ref = s.order_id
        and j.ref = any (v_orders)
  ), ended_jobs as (
    -- But for a signal: what that tells (a reversal, a delivery) may be younger than the answer.
    delete from jobs
      where not hurried and ref = any (array(select order_id from steps
        where step in ('capture', 'refund', 'book_loss', 'clear', 'take_back', 'late', 'keep')))
  ), told as (
    -- What never changes of an order is looked up in it when it is told (`notice_claim`).
    insert into notices (id, tenant_id, order_id, key, customer_id, text, facts, run_at, created_at,
        channel_id, identity)
      select order_notice_id(s.tenant_id, s.order_id, s.to_state), s.tenant_id, s.order_id,
        'order:' || s.order_id || ':' || s.to_state, s.customer_id,
        'notice.' || case
          when s.step = 'take_back' and s.gift_room_id is not null then 'gift_airtime_taken_back'
          when s.step = 'take_back' then 'taken_back'
          -- What was won was never paid by its winner: it does not come back, it stays.
          when s.step = 'refund' and s.gift_room_id is not null then 'gift_airtime_stays'
          when s.step = 'pay_back' and s.gift_room_id is not null then 'gift_airtime_unsure'
          else s.to_state end,
        case when s.told_hint is null then '{}' else jsonb_build_object('hint', s.told_hint) end,
        p_at, p_at, s.channel_id, s.identity
      from steps s
      where s.step in ('capture', 'refund', 'pay_back', 'take_back')
  ), heard as (
    insert into answers (order_id, id, tenant_id, attempt_id, result, reason, verdict, step, at,
        blame)
      select s.order_id, s.answer_id, s.tenant_id, s.attempt_id, s.result, s.reason, s.verdict,
        s.step, p_at, coalesce(s.blame, 'none')
      from steps s
      -- One that is brought again was heard: it ends no attempt a second time.
      where s.step in ('capture', 'refund', 'next') or s.state is not null and not exists (
        select from answers x where x.order_id = s.order_id and x.id = s.answer_id offset 0)
  ), noted as (
    -- A worker's capture is told by its answer alone.
    insert into events (subject, tenant_id, kind, actor, facts, at)
      select s.order_id::text, s.tenant_id,
        'order.' || case s.step when 'wait' then 'in_doubt' when 'late' then 'late_delivery'
          when 'next' then 'next_attempt' when 'capture' then 'delivered'
          when 'refund' then 'refunded' when 'pay_back' then 'paid_back'
          when 'take_back' then 'taken_back' when 'book_loss' then 'loss_booked'
          else 'cleared' end,
        s.actor, jsonb_build_object('reason', s.reason, 'provider', s.provider), p_at
      from steps s
      where s.step not in ('none', 'keep', 'recheck')
        and (s.step <> 'wait' or s.to_state <> s.state)
        and (s.step <> 'capture' or s.actor <> 'worker')
  )
  select array_agg(s.to_state order by s.ordinality),
      (select array_agg(row(
          order_leg_id(case l.code when 'late_delivery' then s.attempt_id else s.order_id end,
            l.code),
          s.tenant_id, l.debit_id, l.credit_id, l.amount_minor, l.code, s.order_id,
          case when l.held then s.order_id end, l.reverses)::ledger_leg)
        from steps s
        left join revenues r on (r.tenant_id, r.currency) = (s.tenant_id, s.currency)
        left join floats f on (f.tenant_id, f.provider, f.currency)
          = (s.tenant_id, s.provider, s.currency)
        cross join lateral (
          -- The price pays for what the provider took; what is left is ours, what is missing too.
          select 'sale', s.wallet_id, f.id, least(s.paid_minor, s.total_minor), true, null::uuid
            where s.step = 'capture'
          union all
          select 'margin', s.wallet_id, r.id, s.total_minor - s.paid_minor, true, null
            where s.step = 'capture' and s.total_minor > s.paid_minor
          union all
          select 'overcost', order_account(s.tenant_id, 'cost', '', s.currency), f.id,
              s.paid_minor - s.total_minor, false, null
            where s.step = 'capture' and s.paid_minor > s.total_minor
          union all
          select 'sale', s.wallet_id, f.id, s.total_minor, true, null
            where s.step = 'pay_back'
          union all
          select 'pay_back', order_account(s.tenant_id, 'suspense', '', s.currency), s.wallet_id,
              s.total_minor, false, null
            where s.step = 'pay_back'
          union all
          select 'book_loss', order_account(s.tenant_id, 'loss', '', s.currency),
              order_account(s.tenant_id, 'suspense', '', s.currency), s.total_minor, false, null
            where s.step = 'book_loss'
          union all
          select 'clear', f.id, order_account(s.tenant_id, 'suspense', '', s.currency),
              s.total_minor, false, null
            where s.step = 'clear'
          union all
          select 'late_delivery', order_account(s.tenant_id, 'loss', '', s.currency), f.id,
              s.paid_minor, false, null
            where s.step = 'late'
          union all
          select 'undo_' || t.code, t.credit_id, t.debit_id, t.amount_minor, false, t.id
            from transfers t
            where s.step = 'take_back' and t.event_id = s.order_id
              and t.code in ('sale', 'margin', 'overcost')
        ) l (code, debit_id, credit_id, amount_minor, held, reverses)
        where l.amount_minor > 0),
      array_agg(row(s.wallet_id, s.total_minor)::ledger_release)
        filter (where s.step in ('capture', 'refund', 'pay_back')),
      array_agg(s.wallet_id) filter (where s.step in ('refund', 'pay_back', 'take_back'))
    into v_states, v_legs, v_releases, v_refunded
    from steps s;

  -- Last, for all rulings meet on the float of their provider: two batches at once then only take
  -- turns from here on.
  if v_legs is not null or v_releases is not null then
    perform ledger_book(coalesce(v_legs, '{}'), coalesce(v_releases, '{}'), p_at);
  end if;
  -- What these wallets paid today is another sum now. They are locked by their money already.
  if v_refunded is not null then
    update accounts set spent_since = null where id = any (v_refunded);
  end if;
  return v_states;
end $$;

-- The transfers of one order have ids derived from it, so that none can be written twice. They sort
-- by the time that the order's id carries, where it carries one (`core.kit.ids.moment`).
create or replace function order_leg_id(p_subject uuid, p_code text) returns uuid
language sql immutable as $$
  select (case when substr(p_subject::text, 15, 1) in ('7', '8')
    then left(p_subject::text, 13) || substr(md5('leg:' || p_subject::text || ':' || p_code), 13)
    else md5('leg:' || p_subject::text || ':' || p_code) end)::uuid
$$;

-- Looked up where it stands, made where there is none.
create or replace function order_account(
  p_tenant uuid, p_type text, p_owner text, p_currency text
) returns bigint language sql as $$
  select coalesce((select x.id from accounts x where x.tenant_id = p_tenant and x.type = p_type
      and x.owner = p_owner and x.currency = p_currency),
    ledger_account(p_tenant, p_type, p_owner, p_currency))
$$;
