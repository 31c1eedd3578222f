-- Beside FreeRADIUS's own tables: what every login looks up.
create index if not exists radacct_callbox on radacct (username, acctstarttime);
