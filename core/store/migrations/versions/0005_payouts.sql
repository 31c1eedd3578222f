-- Money that customers take out to their banks.
select 1; -- nothing yet
