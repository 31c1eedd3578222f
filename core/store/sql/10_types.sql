-- What the functions take and hand on. An array of these is one call's worth of work.
drop type if exists account_key, ledger_item, ledger_leg, ledger_release, order_item, ruling_item,
  payment_item, inbox_item, inbox_answer_item cascade;

create type inbox_item as (
  channel_id uuid, external_id text, tenant_id uuid, identity text, content text, at timestamptz,
  run_at timestamptz
);

create type inbox_answer_item as (
  channel_id uuid, identity text, external_id text, state text, why text, shown text,
  held_until timestamptz, run_at timestamptz, released boolean, counted boolean
);

create type account_key as (tenant_id uuid, type text, owner text, currency text);

create type ledger_item as (
  id uuid, tenant_id uuid, debit_id bigint, credit_id bigint, amount_minor bigint, code text,
  event_id uuid, reverses uuid
);

-- A transfer that was judged and only needs writing.
create type ledger_leg as (
  id uuid, tenant_id uuid, debit_id bigint, credit_id bigint, amount_minor bigint, code text,
  event_id uuid, hold_id uuid, reverses uuid
);

-- Held money of an account that is set free, by capture or by void.
create type ledger_release as (account_id bigint, amount_minor bigint);

-- The texts plan, account, variant, via and provider_plan are null where they are empty.
create type order_item as (
  id uuid, tenant_id uuid, customer_id uuid, reference text, product text, network text,
  recipient text, amount_minor bigint, fee_minor bigint, currency text, channel_id uuid,
  identity text, attempt_id uuid, provider text, provider_reference text, created_at timestamptz,
  deadline_at timestamptz, day_starts_at timestamptz, day_limit_minor bigint, plan text,
  account text, variant text, quantity integer, via text, provider_plan text,
  gift_room_id uuid
);

-- The texts next_via and next_plan are null where no attempt follows; one that follows has both.
create type ruling_item as (
  answer_id uuid, order_id uuid, tenant_id uuid, attempt_id uuid, verdict text, result text,
  reason text, hint text, their_reference text, cost_minor bigint, cost_currency text,
  evidence jsonb, check_at timestamptz, next_id uuid, next_provider text, next_reference text,
  next_via text, next_plan text, actor text, blame text
);

-- `for_id` is the intent or the virtual account that was paid.
create type payment_item as (
  for_id uuid, tenant_id uuid, gateway text, transaction_id text, reference text,
  amount_minor bigint, fee_minor bigint, currency text, paid_at timestamptz, notice_key text,
  notice_text text, notice_facts jsonb, at timestamptz
);
