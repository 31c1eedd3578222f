-- When it may be taken up, where that is later than it came.
alter table inbox add column due_at timestamptz;
