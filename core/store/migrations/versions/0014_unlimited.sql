-- Orders that were made without a limit of a day count against none: what one won is not spent.
alter table orders add column limited boolean not null default true;
