-- A notice's id is a digest of its tenant and key: the same notice twice is one row. Keys that begin
-- with "order:" are those of `order_notice_id` alone.
create or replace function notice_id(p_tenant uuid, p_key text) returns uuid
language sql immutable as $$
  select left(encode(sha256(convert_to('notice:' || p_tenant::text || ':' || p_key, 'UTF8')), 'hex'),
    32)::uuid
$$;

-- What is told of an order has an id that sorts by the time which the order's id carries, where it
-- carries one, like its transfers (`order_leg_id`). There is one notice for each state.
create or replace function order_notice_id(p_tenant uuid, p_order uuid, p_state text) returns uuid
language sql immutable as $$
  select case when substr(p_order::text, 15, 1) in ('7', '8')
    then (left(p_order::text, 13)
      || substr(md5('notice:' || p_order::text || ':' || p_state), 13))::uuid
    else notice_id(p_tenant, 'order:' || p_order::text || ':' || p_state) end
$$;

-- Leases notices that are due, of all tenants, with whom to tell and how they stand to the channel
-- that the matter began on; and, sealed, the code of a voucher that they tell of. `reachable`: the
-- channel is a chat that is on, the identity is still this customer's, and nothing was heard of them
-- having left since. What is told of an order is looked up in it, beside what is kept here. What
-- waits for a released customer, however it came to wait, ends here: their number is somebody
-- else's.
create or replace function notice_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  id uuid, tenant_id uuid, msisdn text, language text, text text, facts jsonb, secret boolean,
  tries integer, created_at timestamptz, channel_id uuid, kind text, identity text,
  reachable boolean, heard_at timestamptz, route text, route_tries integer, asked_at timestamptz,
  leased_until timestamptz, voucher_sealed bytea, login_url text
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select n.id, c.status = 'released' as released from notices n
      cross join lateral (select x.status from customers x where x.id = n.customer_id offset 0) c
      where n.state = 'waiting' and n.run_at <= p_at
      order by n.run_at limit p_count for update of n skip locked
  ), silenced as (
    update notices n set state = 'void', why = 'released', ended_at = p_at, asked_at = null,
        facts = case when n.secret then '{}' else n.facts end
      from due
      where n.id = due.id and due.released and n.id = any (array(select id from due))
  ), leased as (
    update notices n set run_at = p_at + p_lease from due
      where n.id = due.id and not due.released and n.id = any (array(select id from due))
      returning n.*
  )
  select n.id, n.tenant_id, c.msisdn, c.language, n.text,
      case when o.id is null then n.facts else n.facts || jsonb_build_object(
        'reference', o.reference, 'amount', o.amount_minor, 'fee', o.fee_minor,
        'currency', o.currency, 'recipient', o.recipient, 'network', o.network,
        'product', o.product) end,
      n.secret, n.tries, n.created_at,
      n.channel_id, coalesce(h.kind, ''), n.identity,
      i.identity is not null and i.unreachable_since is null,
      t.heard_at, n.route, n.route_tries, n.asked_at, n.run_at, v.code_sealed, v.login_url
    from leased n
    cross join lateral (select * from customers x where x.id = n.customer_id offset 0) c
    left join lateral (select * from orders x where x.id = n.order_id offset 0) o
      on o.tenant_id = n.tenant_id
    left join lateral (
      select x.kind from channels x
        where x.id = n.channel_id and x.tenant_id = n.tenant_id and x.active and x.kind <> 'ussd'
        offset 0
    ) h on true
    left join lateral (
      select x.identity, x.unreachable_since from identities x
        where x.tenant_id = n.tenant_id and x.kind = h.kind and x.identity = n.identity
          and x.customer_id = n.customer_id and x.unlinked_at is null
        offset 0
    ) i on true
    left join lateral (
      select x.heard_at from talks x
        where x.channel_id = n.channel_id and x.identity = n.identity and h.kind is not null
        offset 0
    ) t on true
    left join lateral (
      select x.code_sealed, r.login_url from vouchers x
        cross join lateral (select * from routers y where y.id = x.router_id offset 0) r
        where x.id = (n.facts ->> 'voucher')::uuid and x.tenant_id = n.tenant_id
        offset 0
    ) v on true
    order by n.created_at
$$;

-- The customer saw the end of this order, or the code of this voucher, on a screen of the talk that
-- it began in: its notice is told. `p_tells`, as `core.domain.display.Tells`: what was not told there
-- is told later all the same.
create or replace function notice_seen(
  p_tenant uuid, p_reference text, p_channel uuid, p_identity text, p_tells text,
  p_at timestamptz
) returns boolean
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with shown as (
    update notices n set state = 'sent', route = 'screen', ended_at = p_at
      from orders o
      where o.tenant_id = p_tenant and o.reference = p_reference
        and n.id = order_notice_id(p_tenant, o.id, 'delivered') and p_tells = 'done'
        and n.channel_id = p_channel and n.identity = p_identity
        and n.state = 'waiting' and n.asked_at is null
      returning 1
  ), read as (
    update notices n set state = 'sent', route = 'screen', ended_at = p_at
      from voucher_sales s
      where s.tenant_id = p_tenant and s.reference = p_reference
        and n.id in (select notice_id(p_tenant, 'voucher:' || s.voucher_id || ':' || told)
          from unnest(case p_tells when 'done' then array['sold', 'delivered']
            when 'waits' then array['sold'] else array['given'] end) told)
        and n.channel_id = p_channel and n.identity = p_identity
        and n.state = 'waiting' and n.asked_at is null
      returning 1
  )
  select exists (select from shown) or exists (select from read)
$$;
