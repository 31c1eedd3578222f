-- Who holds a ticket of a draw for new people is not new in another room.
create index gift_claims_joined on gift_claims (customer_id) where state = 'joined';
