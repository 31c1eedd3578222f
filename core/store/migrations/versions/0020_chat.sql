-- What is given up in chats is listed, and what one customer writes to operators is bounded.
create index inbox_parked on inbox (tenant_id, place) where state = 'parked';
create index live_chats_of_customer on live_chats (customer_id, last_at);
