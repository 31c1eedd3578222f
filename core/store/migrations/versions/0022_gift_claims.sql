-- Claims are found by person first, so that one index less is written for each of them.

alter table gift_claims drop constraint gift_claims_pkey;
alter table gift_claims add primary key (customer_id, room_id);
drop index gift_claims_of_winner;
