-- A customer is of one tenant, so the customer alone leads to the same orders. With the tenant in
-- front, a plan made while the table was small could choose the index of all the tenant's orders, and
-- read every one of the day for each new one. Of customer and time as one value no other can serve.
drop index orders_of_customer;
create index orders_of_customer on orders (customer_id, created_at);

-- With the id at its end, an index in order of time can be skipped through for one id (Postgres 18),
-- which such a plan took for a look-up by the primary key.
drop index orders_of_tenant;
create index orders_of_tenant on orders (tenant_id, created_at desc);
drop index customers_of_tenant;
create index customers_of_tenant on customers (tenant_id, created_at desc);
drop index payouts_of_tenant;
create index payouts_of_tenant on payouts (tenant_id, created_at desc);

drop type if exists order_step cascade;
