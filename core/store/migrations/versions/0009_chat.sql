-- Chat: what people write waits here until it is answered.

-- One row for each thing that one person did, once per channel and the channel's own name for it.
-- `content` is sealed, and wiped as soon as it was answered; the row stays, to know it again.
create table inbox (
  channel_id uuid not null,
  external_id text not null,
  tenant_id uuid not null references tenants,
  identity text not null,
  place bigint generated always as identity,
  content text,
  state text not null default 'waiting' check (state in ('waiting', 'answered', 'parked')),
  why text,
  received_at timestamptz not null,
  primary key (channel_id, external_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index inbox_waiting on inbox (channel_id, identity, place) where state = 'waiting';
create index inbox_by_time on inbox using brin (received_at)
  with (pages_per_range = 32, autosummarize = on);

-- One row for each person on each chat channel. Whoever answers holds it until `leased_until`; after
-- `held_until` it may be taken up again, when the channel asked for patience.
create table talks (
  channel_id uuid not null,
  identity text not null,
  tenant_id uuid not null references tenants,
  waiting boolean not null,
  run_at timestamptz not null,
  leased_until timestamptz,
  held_until timestamptz,
  tries integer not null default 0,
  last_shown text not null default '',
  heard_at timestamptz not null,
  primary key (channel_id, identity)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index talks_due on talks (run_at) where waiting;

-- Since when a person cannot be written to any more, on that channel, and why.
alter table identities add column unreachable_since timestamptz, add column unreachable_why text;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['inbox', 'talks']
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
