-- A customer is of one tenant, so the customer alone leads to the same orders. With the tenant in
-- front, a plan made while the table was small could choose the index of all the tenant's orders, and
-- read every one of the day for each new one. Of customer and time as one value no other can serve.
create index orders_of_one_customer on orders (customer_id, created_at);

-- With the id at its end, an index in order of time can be skipped through for one id (Postgres 18),
-- which such a plan took for a look-up by the primary key.
create index orders_by_time on orders (tenant_id, created_at desc);
create index customers_by_time on customers (tenant_id, created_at desc);
create index payouts_by_time on payouts (tenant_id, created_at desc);

-- Last, as nobody can read meanwhile.
drop index orders_of_customer, orders_of_tenant, customers_of_tenant, payouts_of_tenant;
drop type if exists order_step cascade;
