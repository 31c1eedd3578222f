-- Notices find their way: where a matter began, by which route it is told, and what became of it.

-- `channel_id` and `identity`: where the matter began; none is told by SMS. `route` is the one that
-- is tried, or by which it was told, and `asked_at` when it was about to be tried: set while nobody
-- knows yet what became of it. `sent_as` is the channel's own name for it.
alter table notices
  add column channel_id uuid,
  add column identity text not null default '',
  add column route text check (route in ('screen', 'chat', 'template', 'sms')),
  add column route_tries integer not null default 0,
  add column asked_at timestamptz,
  add column sent_as text,
  add column arrived text check (arrived in ('delivered', 'read')),
  add column arrived_at timestamptz;
create index notices_by_name on notices (channel_id, sent_as) where sent_as is not null;
create index notices_given_up on notices (tenant_id, ended_at) where state = 'given_up';

-- Failures that a channel told of something of which we did not know yet that it was sent. Kept for
-- an hour.
create table notice_strays (
  channel_id uuid not null,
  message_id text not null,
  tenant_id uuid not null references tenants,
  failed jsonb not null,
  at timestamptz not null,
  primary key (channel_id, message_id)
);
create index notice_strays_by_time on notice_strays (at);
alter table notice_strays enable row level security;
create policy one_tenant on notice_strays to callbox_app
  using (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid);
revoke all on notice_strays from public;
grant select, insert, delete on notice_strays to callbox_app;
