-- Accounts that customers pay into, and several payments under one reference.

-- One account per customer and gateway, for good. `reference` is ours while the account is wanted,
-- and the gateway's own name for it once it is open.
create table virtual_accounts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  customer_id uuid not null,
  gateway text not null,
  reference text not null,
  currency text not null,
  state text not null check (state in ('wanted', 'open', 'refused')),
  number text,
  bank text,
  name text,
  asked_at timestamptz not null,
  used_at timestamptz not null,
  seen_until timestamptz not null,
  check_at timestamptz,
  unique (tenant_id, customer_id, gateway),
  unique (gateway, reference),
  unique (gateway, number),
  check ((state = 'open') = (number is not null and bank is not null and name is not null)),
  check (state = 'refused' or check_at is not null)
) with (fillfactor = 80);
create index virtual_accounts_due on virtual_accounts (check_at) where check_at is not null;

alter table virtual_accounts enable row level security;
create policy one_tenant on virtual_accounts to callbox_app
  using (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid);
revoke all on virtual_accounts from public;
grant select, insert, update on virtual_accounts to callbox_app;

-- A payment came for an intent or into an account.
alter table payments_in alter column intent_id drop not null;
alter table payments_in add column account_id uuid;
alter table payments_in add check (num_nonnulls(intent_id, account_id) = 1);
create index payments_in_of_intent on payments_in (intent_id) where intent_id is not null;

-- An intent of which a part has come is looked at further.
alter table payment_intents drop constraint payment_intents_state_check;
alter table payment_intents add constraint payment_intents_state_check
  check (state in ('open', 'part_paid', 'paid', 'expired'));
