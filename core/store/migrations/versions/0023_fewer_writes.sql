-- One open attempt per order, whoever writes. An index on what is open would be written to when an
-- attempt opens, and have all of the row's indexes written to when it closes. Only attempts that
-- follow another can break the rule: the first of an order is its only one by the primary key.
drop index attempts_one_open;
create function attempts_one_open() returns trigger language plpgsql as $$
begin
  perform from orders where id = new.order_id for no key update;
  if not exists (select from attempts a
      where a.order_id = new.order_id and a.number = new.number - 1 and new.number > 1)
    or exists (select from attempts a
      where a.order_id = new.order_id and a.number <> new.number and a.closed_at is null)
  then
    raise unique_violation using constraint = 'attempts_one_open', table = 'attempts',
      message = 'attempts_one_open: order ' || new.order_id || ' has an open attempt';
  end if;
  return null;
end $$;
create trigger attempts_one_open after insert on attempts
  for each row when (new.number <> 1) execute function attempts_one_open();
create trigger attempts_stay_closed after update on attempts
  for each row when (old.closed_at is not null and new.closed_at is null
    or new.order_id <> old.order_id or new.number <> old.number)
  execute function attempts_one_open();

-- What is told to the released ends where it is claimed; only what is secret must not lie there.
drop trigger released on notices;
create trigger released before insert on notices
  for each row when (new.secret) execute function tell_the_released_nothing();

-- Each of these rows is changed once, soon after it was written, and often all rows of its page are
-- at once: with room for that on the page, none of its indexes is written to again.
alter table orders set (fillfactor = 48);
alter table attempts set (fillfactor = 44);

-- An order is its own hold: how its money stands is told by its state.
alter table orders add column wallet_id bigint;
update orders o set wallet_id = h.account_id from holds h where h.id = o.id;
alter table orders alter column wallet_id set not null;
delete from holds h using orders o where o.id = h.id;
create view all_holds with (security_invoker = true) as
  select id, tenant_id, account_id, amount_minor, state, captured_minor from holds
  union all
  select o.id, o.tenant_id, o.wallet_id, o.amount_minor + o.fee_minor, s.state,
      case s.state when 'captured' then o.amount_minor + o.fee_minor else 0 end
    from orders o
    cross join lateral (
      select case
        when o.state in ('held', 'in_doubt') then 'open'
        when o.state = 'refunded' and not exists (
          select from transfers t where t.event_id = o.id and t.reverses is not null) then 'voided'
        else 'captured' end as state
    ) s;
grant select on all_holds to callbox_app;
