-- Our books against the records of others.

-- One row for each day and party. Whoever works at it holds it until `leased_until`.
create table reconciliations (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  side text not null check (side in ('vends', 'payments')),
  party text not null,
  day date not null, -- in the tenant's time zone
  state text not null check (state in ('running', 'done', 'unread')),
  lines integer not null default 0,
  matched integer not null default 0,
  differences integer not null default 0,
  totals jsonb not null default '{}',
  why text,
  runs integer not null default 1,
  leased_until timestamptz,
  started_at timestamptz not null,
  ended_at timestamptz,
  unique (tenant_id, side, party, day)
);
create index reconciliations_latest on reconciliations (tenant_id, started_at desc, id desc);

-- `our_reference` is empty where we have none.
create table reconciliation_differences (
  reconciliation_id uuid not null references reconciliations,
  kind text not null,
  subject text not null,
  our_reference text not null,
  tenant_id uuid not null,
  their_reference text,
  ours_minor bigint,
  theirs_minor bigint,
  currency text not null,
  facts jsonb not null default '{}',
  state text not null check (state in ('open', 'closed')),
  seen integer not null default 1,
  opened_at timestamptz not null,
  closed_at timestamptz,
  primary key (reconciliation_id, kind, subject, our_reference),
  check ((state = 'closed') = (closed_at is not null))
);

-- What providers said of our float, and when: both ends of the float equation.
create table float_readings (
  tenant_id uuid not null references tenants,
  provider text not null,
  at timestamptz not null,
  balance_minor bigint not null,
  currency text not null,
  primary key (tenant_id, provider, at)
);

-- Attempts and transfers are written in the order of time, so that a few bytes for each stretch of
-- the table find a day of them, and a new row costs the money path nothing.
create index attempts_by_time on attempts using brin (created_at)
  with (pages_per_range = 32, autosummarize = on);
create index transfers_by_time on transfers using brin (created_at)
  with (pages_per_range = 32, autosummarize = on);
create index payments_in_by_time on payments_in (tenant_id, gateway, received_at);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['reconciliations', 'reconciliation_differences', 'float_readings']
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
