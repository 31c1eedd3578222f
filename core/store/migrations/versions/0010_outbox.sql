-- Notices go where the customer is: by chat, by template, by SMS.
select 1;
