-- What only a person can settle.
select 1; -- nothing yet
