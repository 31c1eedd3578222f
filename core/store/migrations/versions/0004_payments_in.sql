-- Accounts that customers pay into, and several payments under one reference.
select 1; -- nothing yet
