-- Gift rooms: money set apart in escrow, who took part, and who won what.

-- The shares stand in the room's own row, in the order in which they are won: `handed` of them were
-- given out, and those in `freed` came back, to be given out first. So a batch of claims writes the
-- room once. What is in escrow is always total - paid - returned; of it `reserved_minor` waits for
-- winners. Nothing that claims change is in an index: those updates stay on their page (HOT).
create table gift_rooms (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  creator_id uuid not null,
  code text not null,
  token text not null unique,
  kind text not null check (kind in ('race', 'draw', 'quiz')),
  split text not null check (split in ('equal', 'random')),
  pay_out text not null check (pay_out in ('wallet', 'airtime')),
  door text not null check (door in ('anyone', 'listed', 'new')),
  state text not null default 'open'
    check (state in ('open', 'frozen', 'completed', 'expired', 'cancelled')),
  currency text not null,
  escrow_id bigint not null,
  amounts_minor bigint[] not null check (0 < all (amounts_minor)),
  shares integer not null check (shares > 0 and shares = cardinality(amounts_minor)),
  total_minor bigint not null check (total_minor > 0),
  fee_minor bigint not null check (fee_minor >= 0),
  handed integer not null default 0 check (handed between 0 and shares),
  freed integer[] not null default '{}' check (cardinality(freed) <= handed),
  joined integer not null default 0,
  brought integer not null default 0,
  paid_minor bigint not null default 0 check (paid_minor >= 0),
  returned_minor bigint not null default 0 check (returned_minor >= 0),
  reserved_minor bigint not null default 0 check (reserved_minor >= 0),
  message text not null,
  from_name text not null,
  question text not null,
  answers text[] not null,
  answer_sealed text not null,
  commitment text not null,
  seed_sealed text not null,
  channel_id uuid not null,
  identity text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  draw_at timestamptz,
  seats integer not null check (seats >= 0),
  drawn_at timestamptz,
  draw_due_at timestamptz,
  frozen_at timestamptz,
  unique (tenant_id, code),
  constraint gift_rooms_never_more_than_given
    check (paid_minor + returned_minor + reserved_minor <= total_minor),
  constraint gift_rooms_times check (expires_at > created_at and draw_at <= expires_at),
  constraint gift_rooms_ended
    check ((ended_at is not null) = (state in ('completed', 'expired', 'cancelled')))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
-- Read by every batch of claims: not to be unpacked each time.
alter table gift_rooms alter column amounts_minor set storage external;
create index gift_rooms_of_creator on gift_rooms (creator_id, created_at desc);
create index gift_rooms_of_tenant on gift_rooms (tenant_id, created_at desc);
create index gift_rooms_expiring on gift_rooms (expires_at) where state = 'open' and kind <> 'draw';
create index gift_rooms_drawing on gift_rooms (draw_due_at) where state = 'open' and kind = 'draw';

-- Whom a creator let in.
create table gift_guests (
  room_id uuid not null,
  msisdn text not null,
  tenant_id uuid not null,
  primary key (room_id, msisdn)
);

-- One person in one room. `number` counts those of a room from 1: in a draw, the ticket. `share` is
-- the place in the room's amounts of what was won and is not lost again.
create table gift_claims (
  room_id uuid not null,
  customer_id uuid not null,
  tenant_id uuid not null,
  number integer not null check (number > 0),
  state text not null check (state in ('joined', 'reserved', 'paid', 'lost', 'lapsed')),
  share integer,
  amount_minor bigint not null default 0 check (amount_minor >= 0),
  at timestamptz not null,
  reserved_until timestamptz,
  new_here boolean not null,
  channel_id uuid,
  identity text not null,
  airtime_at timestamptz,
  order_reference text not null default '',
  primary key (room_id, customer_id),
  constraint gift_claims_won check ((state in ('reserved', 'paid')) = (share is not null)),
  constraint gift_claims_waiting check ((state = 'reserved') = (reserved_until is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
-- Partial, though it holds every row: who looks for one person must not be led through a whole room.
create unique index gift_claims_in_order on gift_claims (room_id, number) where number > 0;
create index gift_claims_of_winner on gift_claims (customer_id) where share is not null;
create index gift_claims_lapsing on gift_claims (reserved_until) where reserved_until is not null;
create index gift_claims_airtime on gift_claims (airtime_at) where airtime_at is not null;

create table gift_refusals (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  room_id uuid not null,
  customer_id uuid not null,
  why text not null,
  facts jsonb not null,
  at timestamptz not null
);
create index gift_refusals_of_room on gift_refusals (room_id, id desc);

create table gift_terms (
  tenant_id uuid primary key references tenants,
  terms jsonb not null
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['gift_rooms', 'gift_guests', 'gift_claims', 'gift_refusals',
    'gift_terms']
  loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select on %I to callbox_app', v_table);
  end loop;
end $$;
grant insert on gift_refusals to callbox_app;
grant insert, update on gift_terms to callbox_app;
