-- What only a person can settle, and what people did about orders.

create table cases (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants,
  kind text not null,
  key text not null,
  subject text not null,
  facts jsonb not null,
  state text not null default 'open' check (state in ('open', 'closed')),
  resolution text,
  opened_at timestamptz not null,
  opened_by text not null,
  closed_at timestamptz,
  closed_by text,
  unique (tenant_id, key),
  constraint cases_closed check ((state = 'closed')
    = (resolution is not null and closed_at is not null and closed_by is not null))
);
create index cases_of_tenant on cases (tenant_id, opened_at desc, id desc);
create index cases_open on cases (tenant_id, subject) where state = 'open';
create index cases_closed_lately on cases (closed_at) where state = 'closed';

-- One row for each action that was not refused. The caller's key names it: the same key again finds
-- what it did, and `content` is a digest that tells whether the same was meant.
create table order_actions (
  tenant_id uuid not null references tenants,
  key text not null,
  order_id uuid not null,
  action text not null,
  content text not null,
  step text not null,
  state text not null,
  actor text not null,
  at timestamptz not null,
  primary key (tenant_id, key)
);

-- Orders that were looked at more than once: few, whatever the load.
create index jobs_looked_at_again on jobs (ref) where tries >= 2;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['cases', 'order_actions']
  loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select on %I to callbox_app', v_table);
  end loop;
end $$;
grant insert, update on cases to callbox_app;
