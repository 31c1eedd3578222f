-- Money that customers take out to their banks.

-- `account_sealed` is the account number, encrypted; people see its last digits. `sent_at` is when
-- "about to send" was committed: from then on the transfer may exist. `run_at` is when it is looked
-- at next, none for never, and `hurried` says that a signal came since it was leased.
create table payouts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  customer_id uuid not null,
  reference text not null,
  gateway text not null,
  gateway_reference text not null,
  their_reference text,
  amount_minor bigint not null check (amount_minor > 0),
  fee_minor bigint not null check (fee_minor >= 0),
  currency text not null,
  bank_code text not null,
  bank_name text not null,
  account_sealed text not null,
  account_tail text not null,
  account_name text not null,
  account_digest text not null,
  state text not null check (state in ('held', 'in_doubt', 'needs_person', 'paid', 'refunded')),
  hint text,
  channel_id uuid not null,
  identity text not null,
  result text,
  reason text,
  checks integer not null default 0,
  not_found_since timestamptz,
  run_at timestamptz,
  hurried boolean not null default false,
  created_at timestamptz not null,
  deadline_at timestamptz not null,
  sent_at timestamptz,
  settled_at timestamptz,
  settled_paid boolean,
  settled_key text,
  settled_by text,
  settled_evidence text,
  unique (tenant_id, reference),
  unique (gateway, gateway_reference),
  constraint payouts_settled check (num_nulls(settled_paid, settled_key, settled_by,
    settled_evidence) in (0, 4)),
  constraint payouts_sent check (state = 'held' or sent_at is not null)
) with (fillfactor = 80);
create index payouts_due on payouts (run_at) where run_at is not null;
create index payouts_of_customer on payouts (tenant_id, customer_id, created_at desc);
create index payouts_of_tenant on payouts (tenant_id, created_at desc, id desc);

-- Every answer about a payout and what it came to.
create table payout_answers (
  payout_id uuid not null,
  id uuid not null,
  tenant_id uuid not null,
  result text not null,
  reason text not null,
  verdict text not null,
  step text not null,
  at timestamptz not null,
  primary key (payout_id, id)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['payouts', 'payout_answers']
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
