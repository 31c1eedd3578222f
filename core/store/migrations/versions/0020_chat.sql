-- Messages that were given up are listed to operators.
create index inbox_parked on inbox (tenant_id, place) where state = 'parked';
