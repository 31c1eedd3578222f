-- What a person does about an order: judged as the order stands under its locks, then ruled, noted
-- and kept by the caller's key in one commit.

-- The verdict that an action comes to, 'already' where nothing is left to do, or why it is refused.
-- An attempt that was never sent proves that nobody delivered it; one that was sent proves nothing.
create or replace function order_judge_action(
  p_order orders, p_attempt attempts, p_action text, p_outcome text, p_quiet_since timestamptz
) returns text language plpgsql as $$
declare
  v_open boolean := p_order.state in ('held', 'in_doubt');
  v_sent boolean := p_attempt.sent_at is not null;
  v_loss boolean := exists (select from transfers where id in (
    order_leg_id(p_order.id, 'book_loss'), order_leg_id(p_attempt.id, 'late_delivery')));
begin
  if p_action = 'retry' then
    return 'ask';
  end if;
  if p_action = 'refund' then
    return case
      when p_order.state = 'delivered' then 'refused:delivered'
      when not v_open then 'already'
      when v_sent then 'pay_back'
      else 'refund' end;
  end if;
  if p_outcome = 'delivered' then
    return case
      when p_order.state = 'delivered' then 'already'
      when not v_sent then 'refused:never_sent'
      when v_open then 'capture'
      when v_loss then 'already'
      when p_order.state = 'paid_back' then 'book_loss'
      else 'capture' end; -- of a refunded order: a late delivery
  end if;
  if p_order.state = 'delivered' then
    return case p_outcome when 'reversed' then 'take_back' else 'refused:delivered' end;
  end if;
  return case
    when v_open and not v_sent and p_outcome = 'reversed' then 'refused:never_sent'
    when v_open and v_sent and p_attempt.result is null and p_attempt.sent_at > p_quiet_since
      then 'refused:in_flight'
    when v_open then 'refund'
    when v_loss then 'refused:loss_booked'
    when p_order.state = 'paid_back' and p_attempt.closed_at is null then 'clear'
    else 'already' end;
end $$;

-- No row: there is no such order. `answer` is done, already, key_used, or refused:<why>; a repeated
-- key answers as it did at first, with `repeated`.
create or replace function order_act(
  p_tenant uuid, p_reference text, p_action text, p_outcome text, p_key text, p_content text,
  p_actor text, p_facts jsonb, p_answer_id uuid, p_in_flight interval, p_check_in interval,
  p_at timestamptz
) returns table (answer text, step text, state text, repeated boolean)
language plpgsql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_order orders;
  v_attempt attempts;
  v_kept order_actions;
  v_run_at timestamptz;
  v_verdict text;
  v_step text;
  v_state text;
begin
  select * into v_order from orders o where o.tenant_id = p_tenant and o.reference = p_reference;
  if v_order.id is null then
    return;
  end if;
  -- Everywhere in this order: orders, jobs.
  select * into v_order from orders o where o.id = v_order.id for no key update;
  select j.run_at into v_run_at from jobs j where j.ref = v_order.id for update;

  select * into v_kept from order_actions k where k.tenant_id = p_tenant and k.key = p_key;
  if v_kept.key is not null then
    return query select case when v_kept.content = p_content and v_kept.order_id = v_order.id
        then case v_kept.step when 'already' then 'already' else 'done' end else 'key_used' end,
      v_kept.step, v_kept.state, true;
    return;
  end if;

  select * into v_attempt from attempts a
    where a.order_id = v_order.id and a.number = v_order.attempt_number;
  v_verdict := order_judge_action(v_order, v_attempt, p_action, p_outcome, p_at - p_in_flight);
  if v_verdict like 'refused:%' then
    return query select v_verdict, 'none', v_order.state, false;
    return;
  end if;

  -- The key is taken before anything moves: another order may be taking it at this moment.
  insert into order_actions (tenant_id, key, order_id, action, content, step, state, actor, at)
    values (p_tenant, p_key, v_order.id, p_action, p_content, v_verdict, v_order.state, p_actor, p_at)
    on conflict do nothing;
  if not found then
    return query select 'key_used', 'none', v_order.state, false;
    return;
  end if;

  v_step := v_verdict;
  v_state := v_order.state;
  if v_verdict = 'ask' then
    perform order_hurry(v_attempt.provider, array[v_attempt.provider_reference], p_at);
  elsif v_verdict <> 'already' then
    select r[1] into v_state from order_rule(array[row(
        p_answer_id, v_order.id, p_tenant, v_attempt.id, v_verdict,
        case
          when v_verdict in ('capture', 'book_loss') then 'delivered'
          when v_verdict = 'pay_back' then 'unknown'
          when p_outcome = 'reversed' then 'reversed'
          when p_action = 'refund' then 'refused'
          else 'failed' end,
        'by_hand', null, null, null, null, null,
        -- Asking goes on as it was to, if that was soon.
        case v_verdict when 'pay_back' then greatest(least(v_run_at, p_at + p_check_in), p_at) end,
        null, null, null, '', '', p_actor, 'none')::ruling_item], p_at) r;
    select x.step into v_step from answers x
      where x.order_id = v_order.id and x.id = p_answer_id;
    if v_step is null or v_step in ('none', 'keep', 'recheck') then
      raise exception 'order % was not ruled % by hand but %', v_order.id, v_verdict, v_step;
    end if;
  end if;
  update order_actions k set step = v_step, state = v_state
    where k.tenant_id = p_tenant and k.key = p_key;

  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (v_order.id::text, p_tenant, 'order.' || p_action || '_by_hand', p_actor,
      p_facts || jsonb_build_object('key', p_key, 'was', v_order.state, 'step', v_step,
        'provider', v_attempt.provider, 'attempt', v_attempt.number), p_at);
  if p_action = 'resolve' then
    perform case_close(p_tenant, v_order.reference,
      array['order_in_doubt', 'order_evidence_missing', 'order_paid_back', 'order_contradiction',
        'order_late_delivery'],
      'Settled by hand: ' || p_outcome || '.', p_actor, p_at);
  elsif v_step = 'refund' then
    perform case_close(p_tenant, v_order.reference,
      array['order_in_doubt', 'order_evidence_missing'], 'Refunded by hand.', p_actor, p_at);
  end if;
  return query select case v_step when 'already' then 'already' else 'done' end, v_step, v_state,
    false;
end $$;
