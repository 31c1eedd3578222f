-- Removing many of our users from a router at once takes an operator's word.

-- How many of them may go, and since when; null once they went.
alter table router_workers add column let_go integer not null default 0 check (let_go >= 0);
alter table router_workers add column let_go_at timestamptz;
