-- Operators and their bot, and customers who talk to one of them.

-- Who may do what in the operators' bot. A code to join with is kept as a hash, and used once.
create table operators (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  role text not null check (role in ('viewer', 'support', 'approver', 'admin')),
  telegram_id bigint,
  code_hash text unique,
  code_until timestamptz,
  created_at timestamptz not null,
  created_by text not null,
  joined_at timestamptz,
  removed_at timestamptz
);
create unique index operators_named on operators (tenant_id, lower(name)) where removed_at is null;
-- One person is an operator of one tenant: what they type is about that one.
create unique index operators_on_telegram on operators (telegram_id) where removed_at is null;

-- A chat of the operators' bot, and how far it was told: of alerts whose change is above `since`,
-- all up to `told_to` but for those that came to light late, which `told` tells apart. Whoever is
-- telling it holds it until `held_until`; so does a channel that asks for patience.
create table operator_chats (
  chat_id bigint primary key,
  tenant_id uuid not null references tenants,
  operator_id uuid not null references operators,
  subscribed boolean not null,
  since bigint not null,
  told_to bigint not null,
  told bigint[] not null default '{}',
  digest_on date not null,
  held_until timestamptz,
  subscribed_at timestamptz not null
);
create index operator_chats_of_tenant on operator_chats (tenant_id);
create index operator_chats_of_operator on operator_chats (operator_id);

-- What an operator asked for and somebody must confirm in time. The words are sealed, the id is the
-- idempotency key of what is done.
create table operator_requests (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  action text not null check (action in ('refund', 'paid', 'unpaid')),
  reference text not null,
  words text not null,
  asked_by uuid not null references operators,
  chat_id bigint not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  state text not null default 'waiting' check (state in ('waiting', 'confirmed', 'rejected')),
  decided_by uuid references operators,
  decided_at timestamptz,
  outcome text
);
create index operator_requests_undone on operator_requests (decided_at)
  where state = 'confirmed' and outcome is null;

-- A customer who talks to a person. `opened_by` names the message that asked for one. It is answered
-- in `operator_chat`, or, without one, through the admin API.
create table live_chats (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  code text not null,
  customer_id uuid not null,
  channel_id uuid not null,
  identity text not null,
  language text not null,
  opened_by text not null,
  state text not null default 'waiting' check (state in ('waiting', 'taken', 'closed')),
  taken_by text,
  operator_chat bigint,
  opened_at timestamptz not null,
  last_at timestamptz not null,
  taken_at timestamptz,
  closed_at timestamptz,
  closed_by text,
  unique (tenant_id, code)
);
create unique index live_chats_open on live_chats (channel_id, identity) where state <> 'closed';
create index live_chats_of_tenant on live_chats (tenant_id, opened_at desc, id desc);
create index live_chats_idle on live_chats (last_at) where state <> 'closed';
create index live_chats_old on live_chats (closed_at) where state = 'closed';

-- What was said, sealed, once per key. What an operator says waits until the channel took it.
create table live_messages (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  chat_id uuid not null references live_chats on delete cascade,
  place bigint generated always as identity,
  key text not null,
  author text not null,
  content text not null,
  state text not null check (state in ('heard', 'waiting', 'sent', 'failed')),
  why text,
  tries integer not null default 0,
  run_at timestamptz,
  at timestamptz not null,
  unique (tenant_id, key)
);
create index live_messages_of_chat on live_messages (chat_id, place);
create index live_messages_due on live_messages (run_at) where state = 'waiting';

-- What a chat of the operators' bot is still to be told of a customer's chat, in order.
create table operator_posts (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  chat_id bigint not null,
  kind text not null check (kind in ('opened', 'message', 'taken', 'closed', 'failed')),
  live_chat uuid not null references live_chats on delete cascade,
  live_message uuid references live_messages on delete cascade,
  at timestamptz not null
);
create index operator_posts_of_chat on operator_posts (chat_id, id);
create index operator_posts_of_live_chat on operator_posts (live_chat);
create index operator_posts_of_live_message on operator_posts (live_message);

-- An operator has taken over: what is written is for them.
alter table talks add column with_person boolean not null default false;

create index payments_in_of_day on payments_in (tenant_id, received_at);
create index payouts_of_day on payouts (tenant_id, settled_at) where settled_at is not null;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['operators', 'operator_chats', 'operator_requests', 'live_chats',
    'live_messages', 'operator_posts']
  loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select, insert, update on %I to callbox_app', v_table);
  end loop;
end $$;
grant delete on operator_chats, operator_posts to callbox_app;
