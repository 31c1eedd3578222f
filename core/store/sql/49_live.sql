-- Customers who talk to a person: what is to be sent to them, and what is over.

-- Leases answers that are due, of all tenants: of each chat the first that waits, so that they
-- arrive in order.
create or replace function live_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  id uuid, tenant_id uuid, chat_id uuid, channel_id uuid, identity text, author text, content text,
  tries integer
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select m.id from live_messages m
      where m.state = 'waiting' and m.run_at <= p_at
        and not exists (select from live_messages x where x.chat_id = m.chat_id
          and x.state = 'waiting' and x.place < m.place)
      order by m.run_at limit p_count for update skip locked
  ), leased as (
    update live_messages m set run_at = p_at + p_lease, tries = m.tries + 1
      from due where m.id = due.id returning m.*
  )
  select l.id, l.tenant_id, l.chat_id, c.channel_id, c.identity, l.author, l.content, l.tries
    from leased l
    cross join lateral (select * from live_chats x where x.id = l.chat_id offset 0) c
    order by l.place
$$;

-- Chats in which nobody has said anything since then.
create or replace function live_idle(p_before timestamptz, p_count integer)
returns table (id uuid, tenant_id uuid)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select c.id, c.tenant_id from live_chats c
    where c.state <> 'closed' and c.last_at <= p_before order by c.last_at limit p_count
$$;

-- Forgets chats that were closed by then, with all that was said.
create or replace function live_prune(p_before timestamptz, p_count integer) returns bigint
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with old as (
    select c.id from live_chats c where c.state = 'closed' and c.closed_at <= p_before
      order by c.closed_at limit p_count for update skip locked
  ), gone as (
    delete from live_chats c using old where c.id = old.id returning 1
  )
  select count(*) from gone
$$;
