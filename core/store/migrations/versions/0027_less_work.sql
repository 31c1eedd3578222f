-- The order that a notice tells of: what never changes of it is looked up there when it is told.
alter table notices add column order_id uuid;

-- What a wallet paid for orders since the day began that `spent_since` names, but for what was won in
-- gift rooms, so that a limit of the day is not added up anew for each order. Null: not known
-- (money came back since), and `spent_minor` says nothing.
alter table accounts
  add column spent_since timestamptz,
  add column spent_minor bigint not null default 0;
