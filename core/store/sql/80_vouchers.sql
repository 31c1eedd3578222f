-- Vouchers: sold, paid back, and told. Everywhere in this order: a voucher, its sale, then accounts
-- by id. (A purchase has its accounts first, but takes vouchers only that nobody has locked.)

drop type if exists voucher_code, voucher_sale_item cascade;
create type voucher_code as (id uuid, digest text, sealed bytea, head text, chars integer);
create type voucher_sale_item as (
  id uuid, tenant_id uuid, customer_id uuid, owner_id uuid, reference text, plan_id uuid,
  plan_version integer, router_id uuid, price_minor bigint, currency text, code_id uuid,
  code_digest text, code_sealed bytea, code_head text, code_chars integer, stock_only boolean,
  channel_id uuid, identity text, created_at timestamptz, refund_at timestamptz
);

-- Priorities, as in `core.domain.vouchers.Priority`.
create or replace function voucher_priority(p_urgency text) returns smallint
language sql immutable as $$
  select (case p_urgency when 'void' then 0 when 'paid' then 1 when 'revoke' then 2
    when 'refill' then 3 else 4 end)::smallint
$$;

create or replace function voucher_is_paid(p_sale_state text) returns boolean
language sql immutable as $$
  select p_sale_state in ('sold', 'delivered', 'in_use')
$$;

create or replace function voucher_is_over(p_sale_state text) returns boolean
language sql immutable as $$
  select p_sale_state in ('exhausted', 'expired', 'cancelled', 'refund_due', 'refunded')
$$;

-- The transfers of one sale have ids derived from it, so that none can be written twice.
create or replace function voucher_leg_id(p_sale uuid, p_code text) returns uuid
language sql immutable as $$
  select left(encode(sha256(convert_to('voucher:' || p_sale::text || ':' || p_code, 'UTF8')),
    'hex'), 32)::uuid
$$;

-- A router is owed this. What was blocked is tried again, and what was waiting is due at once.
create or replace function router_owe(
  p_router uuid, p_tenant uuid, p_kind text, p_subject uuid, p_urgency text, p_at timestamptz
) returns void language sql as $$
  insert into router_ops as o (router_id, kind, subject, tenant_id, priority, run_at)
    values (p_router, p_kind, p_subject, p_tenant, voucher_priority(p_urgency), p_at)
    on conflict (router_id, kind, subject) do update
      set priority = least(o.priority, excluded.priority), run_at = least(o.run_at, excluded.run_at),
        blocked = false
$$;

create or replace function voucher_note(
  p_voucher uuid, p_tenant uuid, p_kind text, p_actor text, p_facts jsonb, p_at timestamptz
) returns void language sql as $$
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values (p_voucher::text, p_tenant, p_kind, p_actor, p_facts, p_at)
$$;

-- Tells a customer of a voucher, once per key. The code is not written here: whoever sends the
-- notice looks it up (`notice_claim`), where `p_with_code` lets it.
create or replace function voucher_tell_one(
  p_voucher vouchers, p_customer uuid, p_text text, p_key text, p_with_code boolean,
  p_sale voucher_sales, p_at timestamptz
) returns void language sql set enable_seqscan = off as $$
  insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at, channel_id,
      identity)
    select notice_id(p_voucher.tenant_id, p_key), p_voucher.tenant_id, p_key, p_customer, p_text,
      jsonb_strip_nulls(jsonb_build_object('voucher', case when p_with_code then p_voucher.id end,
        'hint', case when p_with_code and r.login_url <> '' then 'link' end,
        'plan', p_voucher.plan_name, 'place', r.name, 'amount', p_sale.amount_minor, 'currency',
        p_sale.currency, 'reference', p_sale.reference, 'recipient', o.msisdn)),
      p_at, p_at,
      case when p_sale.customer_id = p_customer then p_sale.channel_id end,
      case when p_sale.customer_id = p_customer then p_sale.identity else '' end
    from routers r
    left join customers o on o.id = p_voucher.owner_id and o.id <> p_customer
    where r.id = p_voucher.router_id
    on conflict (id) do nothing
$$;

-- What waits to be told of it is not true any more, or not theirs to know: it is told to nobody, or
-- not to this customer. What a messenger was asked for already is on its way.
create or replace function voucher_untell(
  p_voucher vouchers, p_at timestamptz, p_customer uuid default null
) returns void language sql set enable_seqscan = off as $$
  update notices n set state = 'void', why = 'overtaken', ended_at = p_at
    where n.id in (select notice_id(p_voucher.tenant_id, 'voucher:' || p_voucher.id || ':' || told)
        from unnest(array['sold', 'delivered', 'given']) told)
      and n.state = 'waiting' and n.asked_at is null
      and n.customer_id = coalesce(p_customer, n.customer_id);
  -- They may be given it again, and are told then.
  delete from notices n
    where n.id = notice_id(p_voucher.tenant_id,
        'voucher:' || p_voucher.id || ':owner:' || p_voucher.owner_id)
      and n.state = 'waiting' and n.asked_at is null
$$;

-- It works: who has it is told with the code, and who paid for it where that is another.
create or replace function voucher_tell_ready(
  p_voucher vouchers, p_sale voucher_sales, p_at timestamptz
) returns void language plpgsql as $$
begin
  perform voucher_untell(p_voucher, p_at);
  perform voucher_tell_one(p_voucher, p_voucher.owner_id, 'notice.voucher_ready',
    'voucher:' || p_voucher.id || ':delivered', true, p_sale, p_at);
  if p_sale.customer_id <> p_voucher.owner_id then
    perform voucher_tell_one(p_voucher, p_sale.customer_id, 'notice.voucher_given',
      'voucher:' || p_voucher.id || ':given', false, p_sale, p_at);
  end if;
end $$;

-- Takes one from stock that the router is known to have, or makes it of the fresh code; sets the
-- money aside, or takes it at once; and writes what the router is owed and what is told.
-- Answers sold | duplicate | conflict | insufficient | closed | changed | no_stock | collision.
create or replace function voucher_buy(p voucher_sale_item)
returns table (result text, voucher_id uuid, reference text)
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_wallet accounts;
  v_revenue bigint := ledger_account(p.tenant_id, 'revenue', '', p.currency);
  v_earlier voucher_sales;
  v_plan hotspot_plans;
  v_router routers;
  v_voucher vouchers;
  v_sale voucher_sales;
begin
  select * into v_wallet from accounts a
    where a.tenant_id = p.tenant_id and a.type = 'wallet' and a.owner = p.customer_id::text
      and a.currency = p.currency;
  perform 1 from accounts a where a.id in (v_wallet.id, v_revenue) order by a.id for no key update;
  select * into v_earlier from voucher_sales s where s.id = p.id;
  if v_earlier.id is not null then
    return query select
      case when (v_earlier.tenant_id, v_earlier.customer_id, v_earlier.plan_id, v_earlier.router_id,
          v_earlier.amount_minor, v_earlier.currency)
        = (p.tenant_id, p.customer_id, p.plan_id, p.router_id, p.price_minor, p.currency)
      then 'duplicate' else 'conflict' end, v_earlier.voucher_id, v_earlier.reference;
    return;
  end if;
  select * into v_wallet from accounts a where a.id = v_wallet.id;
  if v_wallet.closed_at is not null then
    return query select 'closed', null::uuid, p.reference;
    return;
  end if;
  select * into v_plan from hotspot_plans x where x.id = p.plan_id;
  select * into v_router from routers x where x.id = p.router_id;
  if v_plan.tenant_id is distinct from p.tenant_id or v_router.tenant_id is distinct from p.tenant_id
      or not v_plan.active or v_plan.version <> p.plan_version or v_plan.price_minor <> p.price_minor
      or v_plan.currency <> p.currency or p.price_minor <= 0 or not v_router.selling
      or (v_plan.terms ->> 'ends_at')::timestamptz <= p.created_at
      or v_router.removed_at is not null
      or coalesce(v_plan.router_id, v_router.id) <> v_router.id
      or v_plan.group_name not in ('', v_router.group_name)
      or not exists (select from customers c where c.id = p.owner_id and c.tenant_id = p.tenant_id)
  then
    return query select 'changed', null::uuid, p.reference;
    return;
  end if;
  if v_wallet.id is null or v_wallet.posted_minor - v_wallet.held_minor < p.price_minor then
    return query select 'insufficient', null::uuid, p.reference;
    return;
  end if;

  -- Who agreed to wait for a router has the money back if it does not come: that is no stock, which
  -- counts as working from the start.
  select * into v_voucher from vouchers v
    where (p.stock_only or v_router.status in ('online', 'degraded', 'recovering'))
      and v.router_id = p.router_id and v.plan_id = p.plan_id and v.sale_state = 'stock'
      and v.batch_id is null and v.plan_version = p.plan_version and v.desired = 'present'
      and v.sync_state = 'confirmed' and v.first_login_at is null
    order by v.id limit 1 for update skip locked;
  if v_voucher.id is not null then
    update vouchers v set sale_state = 'delivered', owner_id = p.owner_id, sold_at = p.created_at
      where v.id = v_voucher.id returning * into v_voucher;
  elsif p.stock_only then
    return query select 'no_stock', null::uuid, p.reference;
    return;
  else
    insert into vouchers (id, tenant_id, router_id, plan_id, plan_version, plan_code, plan_name,
        terms, price_minor, currency, code_digest, code_sealed, code_head, code_chars, owner_id,
        sale_state, sync_state, desired, expires_at, sold_at, created_at)
      values (p.code_id, p.tenant_id, p.router_id, p.plan_id, v_plan.version, v_plan.code,
        v_plan.name, v_plan.terms, v_plan.price_minor, v_plan.currency, p.code_digest,
        p.code_sealed, p.code_head, p.code_chars, p.owner_id, 'sold', 'pending', 'present',
        (v_plan.terms ->> 'ends_at')::timestamptz, p.created_at, p.created_at)
      on conflict (code_digest) do nothing returning * into v_voucher;
    if v_voucher.id is null then
      return query select 'collision', null::uuid, p.reference;
      return;
    end if;
    perform router_owe(p.router_id, p.tenant_id, 'voucher', v_voucher.id, 'paid', p.created_at);
  end if;
  if v_plan.pooled then
    perform router_owe(p.router_id, p.tenant_id, 'refill', p.plan_id, 'refill', p.created_at);
  end if;

  insert into holds (id, tenant_id, account_id, amount_minor, state, created_at)
    values (p.id, p.tenant_id, v_wallet.id, p.price_minor, 'open', p.created_at);
  update accounts a set held_minor = a.held_minor + p.price_minor where a.id = v_wallet.id;
  insert into voucher_sales (id, tenant_id, customer_id, voucher_id, plan_id, router_id, reference,
      amount_minor, currency, state, channel_id, identity, created_at, refund_at, look_at)
    values (p.id, p.tenant_id, p.customer_id, v_voucher.id, p.plan_id, p.router_id, p.reference,
      p.price_minor, p.currency, 'held', p.channel_id, p.identity, p.created_at, p.refund_at,
      p.refund_at)
    returning * into v_sale;
  perform voucher_note(v_voucher.id, p.tenant_id, 'voucher.sold', 'customer',
    jsonb_build_object('reference', p.reference, 'from_stock', v_voucher.sale_state = 'delivered'),
    p.created_at);
  if v_voucher.sale_state = 'delivered' then
    perform voucher_capture(v_sale, p.created_at);
    perform voucher_tell_ready(v_voucher, v_sale, p.created_at);
  else
    perform voucher_tell_one(v_voucher, p.owner_id, 'notice.voucher_activating',
      'voucher:' || v_voucher.id || ':sold', true, v_sale, p.created_at);
    -- Most routers confirm it within that: then there is one message and not two.
    update notices n set run_at = p.created_at + interval '10 seconds'
      where n.id = notice_id(p.tenant_id, 'voucher:' || v_voucher.id || ':sold');
  end if;
  return query select 'sold', v_voucher.id, p.reference;
end $$;

-- It works: the money is ours.
create or replace function voucher_capture(p_sale voucher_sales, p_at timestamptz)
returns void language plpgsql as $$
declare
  v_wallet bigint;
  v_revenue bigint := ledger_account(p_sale.tenant_id, 'revenue', '', p_sale.currency);
begin
  select h.account_id into strict v_wallet from holds h where h.id = p_sale.id;
  perform 1 from accounts a where a.id in (v_wallet, v_revenue) order by a.id for no key update;
  perform ledger_book(
    array[row(voucher_leg_id(p_sale.id, 'voucher'), p_sale.tenant_id, v_wallet, v_revenue,
      p_sale.amount_minor, 'voucher', p_sale.id, p_sale.id, null)::ledger_leg],
    array[row(v_wallet, p_sale.amount_minor)::ledger_release], p_at);
  update holds h set state = 'captured', captured_minor = h.amount_minor, ended_at = p_at
    where h.id = p_sale.id;
  update voucher_sales s set state = 'captured', settled_at = p_at, look_at = null
    where s.id = p_sale.id;
end $$;

-- The customer has the money again, and is told; so is who had the code, where that is another.
create or replace function voucher_pay_back(
  p_voucher vouchers, p_sale voucher_sales, p_at timestamptz
) returns void language plpgsql set enable_seqscan = off as $$
declare
  v_leg transfers;
  v_wallet bigint;
begin
  if p_sale.state = 'held' then
    select h.account_id into strict v_wallet from holds h where h.id = p_sale.id;
    perform 1 from accounts a where a.id = v_wallet for no key update;
    perform ledger_book('{}', array[row(v_wallet, p_sale.amount_minor)::ledger_release], p_at);
    update holds h set state = 'voided', ended_at = p_at where h.id = p_sale.id;
  elsif p_sale.state = 'captured' then
    select * into strict v_leg from transfers t where t.id = voucher_leg_id(p_sale.id, 'voucher');
    perform 1 from accounts a where a.id in (v_leg.debit_id, v_leg.credit_id)
      order by a.id for no key update;
    perform ledger_book(
      array[row(voucher_leg_id(p_sale.id, 'undo_voucher'), p_sale.tenant_id, v_leg.credit_id,
        v_leg.debit_id, v_leg.amount_minor, 'undo_voucher', p_sale.id, null, v_leg.id)::ledger_leg],
      '{}', p_at);
  else
    return;
  end if;
  update voucher_sales s set state = 'refunded', settled_at = p_at, look_at = null
    where s.id = p_sale.id;
  update vouchers v set sale_state = 'refunded' where v.id = p_voucher.id;
  perform voucher_untell(p_voucher, p_at);
  perform voucher_tell_one(p_voucher, p_sale.customer_id, 'notice.voucher_refunded',
    'voucher:' || p_voucher.id || ':refunded', false, p_sale, p_at);
  if p_voucher.owner_id <> p_sale.customer_id then
    perform voucher_tell_one(p_voucher, p_voucher.owner_id, 'notice.voucher_withdrawn',
      'voucher:' || p_voucher.id || ':withdrawn', false, null, p_at);
  end if;
  perform voucher_note(p_voucher.id, p_voucher.tenant_id, 'voucher.refunded',
    coalesce(p_sale.refund_actor, 'worker'),
    jsonb_build_object('reason', p_sale.refund_reason, 'reference', p_sale.reference), p_at);
end $$;

-- Void first: what may be on the router is taken off it before the money goes back. What was never
-- sent there, or provably refused, is paid back at once. The caller has locked voucher and sale.
create or replace function voucher_begin_refund(
  p_voucher vouchers, p_sale voucher_sales, p_reason text, p_actor text, p_void_after interval,
  p_at timestamptz
) returns text language plpgsql as $$
declare
  v_voucher vouchers;
  v_sale voucher_sales;
begin
  update voucher_sales s set refund_asked_at = p_at, refund_reason = p_reason, refund_actor = p_actor,
      look_at = p_at + p_void_after
    where s.id = p_sale.id returning * into v_sale;
  update vouchers v set sale_state = 'refund_due', desired = 'absent',
      desired_rev = v.desired_rev + 1,
      sync_state = case when v.maybe_there then v.sync_state else 'gone' end
    where v.id = p_voucher.id returning * into v_voucher;
  perform voucher_untell(v_voucher, p_at);
  if v_voucher.maybe_there then
    perform router_owe(v_voucher.router_id, v_voucher.tenant_id, 'voucher', v_voucher.id, 'revoke',
      p_at);
    return 'begun';
  end if;
  delete from router_ops o where o.router_id = v_voucher.router_id and o.kind = 'voucher'
    and o.subject = v_voucher.id;
  perform voucher_pay_back(v_voucher, v_sale, p_at);
  return 'refunded';
end $$;

-- Asks for a refund. Answers begun | refunded | again | not_sold | works | unknown. `p_waiting`: only
-- of one that does not work yet.
create or replace function voucher_give_back(
  p_tenant uuid, p_voucher uuid, p_reason text, p_actor text, p_waiting boolean,
  p_void_after interval, p_at timestamptz
) returns text language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_voucher vouchers;
  v_sale voucher_sales;
begin
  select * into v_voucher from vouchers v where v.id = p_voucher for no key update;
  if v_voucher.tenant_id is distinct from p_tenant then
    return 'unknown';
  end if;
  select * into v_sale from voucher_sales s where s.voucher_id = p_voucher for no key update;
  if v_sale.id is null then
    return 'not_sold';
  end if;
  if v_sale.state = 'refunded' or v_sale.refund_asked_at is not null then
    return 'again';
  end if;
  if p_waiting and v_sale.state <> 'held' then
    return 'works';
  end if;
  return voucher_begin_refund(v_voucher, v_sale, p_reason, p_actor, p_void_after, p_at);
end $$;
