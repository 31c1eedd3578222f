-- What the operators' bot asks across tenants: who writes, and whom there is something to tell.

create or replace function operator_by_telegram(p_telegram bigint)
returns table (id uuid, tenant_id uuid, name text, role text, telegram_id bigint, tenant text,
  created_at timestamptz, joined_at timestamptz)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select o.id, o.tenant_id, o.name, o.role, o.telegram_id, t.name, o.created_at, o.joined_at
    from operators o join tenants t on t.id = o.tenant_id
    where o.telegram_id = p_telegram and o.removed_at is null
$$;

-- Makes this Telegram user the operator whose code it is; false where it is nobody's any more.
create or replace function operator_join(p_hash text, p_telegram bigint, p_at timestamptz)
returns boolean language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_operator operators;
begin
  update operators o
    set telegram_id = p_telegram, joined_at = p_at, code_hash = null, code_until = null
    where o.code_hash = p_hash and o.code_until > p_at and o.removed_at is null
      and not exists (select from operators x
        where x.telegram_id = p_telegram and x.removed_at is null)
    returning * into v_operator;
  if v_operator.id is null then
    return false;
  end if;
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values ('operator/' || v_operator.id, v_operator.tenant_id, 'operator.joined',
      'operator:' || v_operator.name, jsonb_build_object('role', v_operator.role), p_at);
  return true;
end $$;

-- Chats that there is something to tell, each to the caller alone for a while. Numbers of changes
-- are given out before they are committed: a lower one may come to light after a higher one, so
-- `p_overlap` numbers back is looked again.
create or replace function operator_chat_claim(
  p_count integer, p_lease interval, p_overlap integer, p_at timestamptz
) returns table (
  chat_id bigint, tenant_id uuid, time_zone text, subscribed boolean, since bigint, told_to bigint,
  told bigint[]
)
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with due as (
    select c.chat_id from operator_chats c
      where (c.held_until is null or c.held_until <= p_at)
        and (exists (select from operator_posts p where p.chat_id = c.chat_id)
          or c.subscribed and exists (select from alerts a where a.tenant_id = c.tenant_id
            and a.change > greatest(c.since, c.told_to - p_overlap)
            and a.change <> all (c.told)))
      order by c.held_until nulls first limit p_count for update skip locked
  ), leased as (
    update operator_chats c set held_until = p_at + p_lease from due
      where c.chat_id = due.chat_id returning c.*
  )
  select l.chat_id, l.tenant_id, t.time_zone, l.subscribed, l.since, l.told_to, l.told
    from leased l join tenants t on t.id = l.tenant_id
$$;

-- Subscribed chats that had no digest since the tenant's clock last showed that time of day.
create or replace function operator_digests_due(
  p_time_of_day interval, p_count integer, p_at timestamptz
) returns table (chat_id bigint, tenant_id uuid, day date)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select c.chat_id, c.tenant_id, d.day
    from operator_chats c
    join tenants t on t.id = c.tenant_id
    cross join lateral (select ((p_at at time zone t.time_zone) - p_time_of_day)::date) d (day)
    where c.subscribed and c.digest_on < d.day
    order by c.chat_id limit p_count
$$;

-- What was confirmed by then and never done: whoever was at it is gone.
create or replace function operator_requests_undone(p_before timestamptz, p_count integer)
returns table (id uuid, tenant_id uuid)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select r.id, r.tenant_id from operator_requests r
    where r.state = 'confirmed' and r.outcome is null and r.decided_at <= p_before
    order by r.decided_at limit p_count
$$;
