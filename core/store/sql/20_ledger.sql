-- The ledger. One call posts many transfers in one commit: it locks the accounts in id order in a
-- statement of its own (so that no two calls deadlock, and what follows sees current rows), judges
-- each item, writes what may be written with one row update per account, and answers per item.
-- A refusal is an answer, never an exception.
--
-- Here and in the files after this one: rows are looked up by key in `lateral (... offset 0)`, with
-- every other condition outside of it, and joins other than nested loops are off. So each plan is
-- made of look-ups by key whatever the statistics say, on empty tables and after an import alike.
-- What is updated cannot be looked up so: there `= any (array of the keys)` bounds what is read, also
-- by a plan that was made while reading the whole table cost nothing. Where many rows are updated at
-- once the joins are by hash instead.

create or replace function ledger_account(
  p_tenant uuid, p_type text, p_owner text, p_currency text
) returns bigint language plpgsql as $$
declare
  v_id bigint;
begin
  select id into v_id from accounts
    where tenant_id = p_tenant and type = p_type and owner = p_owner and currency = p_currency;
  if v_id is null then
    insert into accounts (tenant_id, type, owner, currency, floor, created_at)
      values (p_tenant, p_type, p_owner, p_currency, p_type in ('wallet', 'escrow'), now())
      on conflict do nothing returning id into v_id;
  end if;
  if v_id is null then -- made by somebody else meanwhile; a new statement sees it
    select id into v_id from accounts
      where tenant_id = p_tenant and type = p_type and owner = p_owner and currency = p_currency;
  end if;
  return v_id;
end $$;

-- The ids of accounts by name, in the order asked, made where missing.
create or replace function ledger_accounts(p_keys account_key[]) returns bigint[]
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_key account_key;
  v_ids bigint[] := '{}';
begin
  -- Made in one order everywhere, or two calls could wait for each other.
  perform ledger_account(k.tenant_id, k.type, k.owner, k.currency)
    from (select * from unnest(p_keys) order by tenant_id, type, owner, currency) k;
  foreach v_key in array p_keys loop
    v_ids := v_ids || ledger_account(v_key.tenant_id, v_key.type, v_key.owner, v_key.currency);
  end loop;
  return v_ids;
end $$;

-- Writes judged legs and sets held money free. It comes to the accounts in id order, so that no two
-- calls wait for each other in a circle: by their index, or by the moves, which are in that order.
create or replace function ledger_book(
  p_legs ledger_leg[], p_releases ledger_release[], p_at timestamptz
) returns void language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = on
set enable_nestloop = off set enable_mergejoin = off
as $$
begin
  -- Two updates of one row in one statement would apply only one of them, so moves are summed per
  -- account. Each entry still gets its own version and balance, in the order of the legs: counted on
  -- from what the account had before.
  with legs as materialized (
    select * from unnest(p_legs) with ordinality
  ), written as (
    insert into transfers (id, tenant_id, debit_id, credit_id, amount_minor, code, event_id,
        hold_id, reverses, created_at)
      select id, tenant_id, debit_id, credit_id, amount_minor, code, event_id, hold_id, reverses, p_at
        from legs
  ), sides as (
    select ordinality * 2 as place, id, tenant_id, debit_id as account_id,
        -amount_minor as amount_minor
      from legs
    union all
    select ordinality * 2 + 1, id, tenant_id, credit_id, amount_minor from legs
  ), moves as (
    select account_id, sum(moved)::bigint as moved, sum(entries)::bigint as entries,
        sum(freed)::bigint as freed
      from (
        select account_id, amount_minor as moved, 1 as entries, 0 as freed from sides
        union all
        select account_id, 0, 0, amount_minor from unnest(p_releases)
      ) each
      group by account_id order by account_id
  ), moved as (
    update accounts a
      set posted_minor = a.posted_minor + m.moved, held_minor = a.held_minor - m.freed,
        version = a.version + m.entries
      from moves m where a.id = m.account_id
        and a.id = any (array(select account_id from moves))
      returning m.account_id, a.posted_minor - m.moved as posted_minor,
        a.version - m.entries as version
  )
  insert into entries (account_id, version, tenant_id, transfer_id, amount_minor,
      balance_after_minor)
    select account_id, version, tenant_id, id, amount_minor, balance_after_minor
      from (
        select c.place, c.id, c.tenant_id, c.account_id, c.amount_minor,
            first_value(c.version) over chain + row_number() over chain - 1 as version,
            (sum(c.amount_minor) over chain)::bigint as balance_after_minor
          from (
            select 0::bigint as place, null::uuid as id, null::uuid as tenant_id, account_id,
                posted_minor as amount_minor, version
              from moved
            union all
            select place, id, tenant_id, account_id, amount_minor, null from sides
          ) c
          window chain as (partition by c.account_id order by c.place rows unbounded preceding)
      ) chained
      where place > 0;
end $$;

-- Posts transfers; answers posted | duplicate | conflict | insufficient | closed | foreign, in order.
create or replace function ledger_post(p_items ledger_item[], p_at timestamptz) returns text[]
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = on
set enable_nestloop = off set enable_mergejoin = off
as $$
declare
  v_answers text[];
  v_legs ledger_leg[];
  v_item record;
  v_account bigint;
  v_room bigint;
begin
  perform 1 from accounts
    where id = any (array(
      select debit_id from unnest(p_items) union select credit_id from unnest(p_items)))
    order by id for no key update;

  with candidates as (
    select i.*, count(*) over (partition by i.id order by i.ordinality) as nth,
        d.floor, d.posted_minor - d.held_minor as room,
        case
          when t.id is not null then
            case when (t.tenant_id, t.debit_id, t.credit_id, t.amount_minor, t.code, t.event_id)
                = (i.tenant_id, i.debit_id, i.credit_id, i.amount_minor, i.code, i.event_id)
              and t.reverses is not distinct from i.reverses
            then 'duplicate' else 'conflict' end
          when d.id is null or c.id is null or d.tenant_id <> i.tenant_id
            or c.tenant_id <> i.tenant_id or d.currency <> c.currency then 'foreign'
          when d.closed_at is not null or c.closed_at is not null then 'closed'
          when i.reverses is not null and not ledger_may_reverse(i.reverses, i.tenant_id,
            i.amount_minor) then 'conflict'
          else 'posted'
        end as answer
      from unnest(p_items) with ordinality i
      left join lateral (select * from accounts x where x.id = i.debit_id offset 0) d on true
      left join lateral (select * from accounts x where x.id = i.credit_id offset 0) c on true
      left join lateral (select * from transfers x where x.id = i.id offset 0) t on true
  ), judged as (
    select *,
        case
          when nth > 1 then 'again'
          when answer = 'posted' and floor and room < sum(amount_minor)
            filter (where answer = 'posted' and nth = 1) over (partition by debit_id) then 'tight'
          else answer
        end as verdict
      from candidates
  )
  select array_agg(verdict order by ordinality),
      array_agg(row(id, tenant_id, debit_id, credit_id, amount_minor, code, event_id, null,
        reverses)::ledger_leg order by ordinality) filter (where verdict = 'posted')
    into v_answers, v_legs from judged;

  -- An account asked for more than it has serves in the order of asking, as far as it goes.
  if 'tight' = any (v_answers) then
    for v_item in
      select i.*, x.posted_minor - x.held_minor as room
        from unnest(p_items) with ordinality i
        cross join lateral (select * from accounts a where a.id = i.debit_id offset 0) x
        where v_answers[i.ordinality] = 'tight'
        order by i.debit_id, i.ordinality
    loop
      if v_account is distinct from v_item.debit_id then
        v_account := v_item.debit_id;
        v_room := v_item.room;
      end if;
      if v_item.amount_minor <= v_room then
        v_room := v_room - v_item.amount_minor;
        v_answers[v_item.ordinality] := 'posted';
        v_legs := v_legs || row(v_item.id, v_item.tenant_id, v_item.debit_id, v_item.credit_id,
          v_item.amount_minor, v_item.code, v_item.event_id, null, v_item.reverses)::ledger_leg;
      else
        v_answers[v_item.ordinality] := 'insufficient';
      end if;
    end loop;
  end if;

  if v_legs is not null then
    perform ledger_book(v_legs, '{}', p_at);
  end if;

  -- One id twice in a call: the second is answered as if it had come later.
  if 'again' = any (v_answers) then
    for v_item in
      select i.*, t.id as done, f.first,
          (t.tenant_id, t.debit_id, t.credit_id, t.amount_minor, t.code, t.event_id)
            = (i.tenant_id, i.debit_id, i.credit_id, i.amount_minor, i.code, i.event_id)
            and t.reverses is not distinct from i.reverses as same
        from unnest(p_items) with ordinality i
        cross join lateral (
          select min(o.ordinality) as first from unnest(p_items) with ordinality o where o.id = i.id
        ) f
        left join lateral (select * from transfers x where x.id = i.id offset 0) t on true
        where v_answers[i.ordinality] = 'again'
    loop
      v_answers[v_item.ordinality] := case
        when v_item.done is null then v_answers[v_item.first]
        when v_item.same then 'duplicate' else 'conflict' end;
    end loop;
  end if;
  return v_answers;
end $$;

-- A transfer is reversed once, by its own tenant, for no more than it moved.
create or replace function ledger_may_reverse(p_transfer uuid, p_tenant uuid, p_amount bigint)
returns boolean language sql stable as $$
  select exists (select from transfers t
      where t.id = p_transfer and t.tenant_id = p_tenant and t.amount_minor >= p_amount)
    and not exists (select from transfers t where t.reverses = p_transfer)
$$;
