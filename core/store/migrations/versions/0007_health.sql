-- How providers do, alerts, and pauses of sales.
select 1; -- nothing yet
