-- Our books against the records of others.
select 1; -- nothing yet
