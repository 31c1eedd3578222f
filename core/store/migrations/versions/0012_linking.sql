-- Numbers that change hands, and people who cannot be reached.
select 1;
