-- What a wallet paid for orders since the day began that `spent_since` names, so that a limit of the
-- day is not added up anew for each order. Null: not known, to be added up.
alter table accounts
  add column spent_since timestamptz,
  add column spent_minor bigint not null default 0;

-- The order that a notice tells of: what never changes of it is looked up there when it is told.
alter table notices add column order_id uuid;
