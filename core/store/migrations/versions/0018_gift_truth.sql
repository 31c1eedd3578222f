-- Gifts that tell how things really stand: which orders are gifts, what shares were whole in, and who
-- is reminded of a share that waits.

-- The room whose winner this airtime is for; null where somebody bought it.
alter table orders add column gift_room_id uuid;

-- The least that a share may hold, and what each is a multiple of, as they were when the room opened.
-- Of airtime rooms before this, the least was what comes of the settings.
alter table gift_rooms add column floor_minor bigint not null default 1 check (floor_minor > 0);
alter table gift_rooms add column unit_minor bigint not null default 1 check (unit_minor > 0);
update gift_rooms set floor_minor = 5000, unit_minor = 100 where pay_out = 'airtime';

-- When a winner is reminded to choose a PIN; null once they were.
alter table gift_claims add column remind_at timestamptz;
create index gift_claims_reminding on gift_claims (remind_at) where remind_at is not null;

update orders o set gift_room_id = k.room_id from gift_claims k
  where k.order_reference <> '' and o.tenant_id = k.tenant_id and o.reference = k.order_reference;
