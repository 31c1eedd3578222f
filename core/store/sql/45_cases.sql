-- Cases that answers about orders open and close, in the commit of the ruling.

-- How a case of an order is keyed: one of each kind, and late deliveries one per attempt.
create or replace function case_key(p_order uuid, p_matter text) returns text
language sql immutable as $$
  select 'order/' || p_order || '/' || p_matter
$$;

create or replace function case_close(
  p_tenant uuid, p_subject text, p_kinds text[], p_resolution text, p_actor text, p_at timestamptz
) returns void language sql
as $$
  update cases
    set state = 'closed', resolution = p_resolution, closed_at = p_at, closed_by = p_actor
    where tenant_id = p_tenant and subject = p_subject and state = 'open' and kind = any (p_kinds)
$$;

-- Runs only for the few answers that the trigger below lets through.
create or replace function case_of_answer() returns trigger
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_order orders;
  v_attempt attempts;
  v_kind text;
  v_matter text;
begin
  select * into v_order from orders where id = new.order_id;
  select * into v_attempt from attempts where order_id = new.order_id and id = new.attempt_id;
  if new.step in ('book_loss', 'clear') then
    perform case_close(new.tenant_id, v_order.reference, array['order_paid_back'],
      case new.step when 'clear' then 'It was not delivered: suspense is cleared.'
        else 'It was delivered: the loss is booked.' end, 'ruling', new.at);
    return null;
  end if;
  if new.step = 'take_back' then
    perform case_close(new.tenant_id, v_order.reference, array['order_contradiction'],
      'The delivery was reversed: the customer has the money back.', 'ruling', new.at);
    return null;
  end if;
  if new.step = 'pay_back' then
    perform case_close(new.tenant_id, v_order.reference,
      array['order_in_doubt', 'order_evidence_missing'],
      'It was paid back from suspense.', 'ruling', new.at);
    v_kind := 'order_paid_back';
    v_matter := 'paid_back';
  elsif new.step = 'late' then
    v_kind := 'order_late_delivery';
    v_matter := 'late/' || v_attempt.number;
  elsif v_order.state = 'delivered' and v_attempt.number = v_order.attempt_number then
    v_kind := 'order_contradiction';
    v_matter := 'contradiction';
  else
    return null;
  end if;
  insert into cases (tenant_id, kind, key, subject, facts, opened_at, opened_by)
    values (new.tenant_id, v_kind, case_key(v_order.id, v_matter), v_order.reference,
      jsonb_build_object('order_id', v_order.id, 'provider', v_attempt.provider,
        'provider_reference', v_attempt.provider_reference, 'attempt', v_attempt.number,
        'result', new.result, 'reason', new.reason), new.at, 'ruling')
    on conflict (tenant_id, key) do nothing;
  return null;
end $$;

create or replace trigger answers_open_cases after insert on answers
  for each row when (
    new.step in ('pay_back', 'late', 'book_loss', 'clear', 'take_back')
    or new.result = 'failed' and new.step in ('none', 'keep', 'recheck'))
  execute function case_of_answer();

-- Orders of all tenants that were sent before `p_before`, still nobody can say what became of, and
-- have no case of either doubt yet: a page of them, by order, after `p_after`.
create or replace function case_doubts(p_after uuid, p_before timestamptz, p_count integer)
returns table (
  order_id uuid, tenant_id uuid, reference text, product text, provider text, via text,
  provider_reference text, attempt integer, reason text, sent_at timestamptz, checks integer
)
language sql stable security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  select o.id, o.tenant_id, o.reference, o.product, a.provider, a.via, a.provider_reference,
      a.number, coalesce(a.reason, ''), a.sent_at, a.checks
    from jobs j
    cross join lateral (select * from orders x where x.id = j.ref offset 0) o
    cross join lateral (
      select * from attempts x where x.order_id = o.id and x.number = o.attempt_number offset 0
    ) a
    where j.tries >= 2 and j.ref > p_after and o.state in ('held', 'in_doubt')
      and a.sent_at <= p_before
      and not exists (select from cases c where c.tenant_id = o.tenant_id
        and c.key in (case_key(o.id, 'doubt'), case_key(o.id, 'evidence')))
    order by j.ref limit p_count
$$;

-- Closes the doubts that were settled since; answers how many.
create or replace function case_settle(p_at timestamptz) returns integer
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with settled as (
    update cases c
      set state = 'closed', closed_at = p_at, closed_by = 'sweep',
        resolution = case o.state when 'delivered' then 'It was delivered.'
          when 'refunded' then 'It was not delivered: the customer has the money back.'
          else 'It was paid back from suspense.' end
      from orders o
      where c.state = 'open' and c.kind in ('order_in_doubt', 'order_evidence_missing')
        and o.id = (c.facts ->> 'order_id')::uuid and o.state not in ('held', 'in_doubt')
      returning 1
  )
  select count(*)::integer from settled
$$;

-- How many cases of each kind are open, of all tenants; kinds that had one closed since `p_since`
-- come with zero, so that their alarm can end.
create or replace function case_counts(p_since timestamptz)
returns table (tenant_id uuid, kind text, open integer)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select tenant_id, kind, sum(n)::integer from (
    select tenant_id, kind, 1 as n from cases where state = 'open'
    union all
    select tenant_id, kind, 0 from cases where state = 'closed' and closed_at >= p_since
  ) c group by tenant_id, kind
$$;
