-- Operators with their roles, and conversations that a person has taken over.
select 1;
