-- Whose a chat account is, and whose it was.

-- A talk with a person ends with the link of the account that it is held in: those that outlived
-- one end now.
with over as (
  update live_chats c set state = 'closed', closed_at = now(), closed_by = 'unlinked'
    from channels h
    where h.id = c.channel_id and c.state <> 'closed'
      and not exists (select from identities i
        where i.tenant_id = c.tenant_id and i.kind = h.kind and i.identity = c.identity
          and i.customer_id = c.customer_id and i.unlinked_at is null)
    returning c.id, c.channel_id, c.identity
), unsaid as (
  update live_messages m set state = 'failed', why = 'this account was taken off the customer'
    from over o where m.chat_id = o.id and m.state = 'waiting'
)
update talks t set with_person = false
  from over o where t.channel_id = o.channel_id and t.identity = o.identity;

-- What a customer took off stays so, whoever has that account since.
create table identities_left (
  tenant_id uuid not null references tenants,
  customer_id uuid not null references customers,
  kind text not null,
  identity text not null,
  left_at timestamptz not null,
  primary key (customer_id, kind, identity)
);
insert into identities_left (tenant_id, customer_id, kind, identity, left_at)
  select tenant_id, customer_id, kind, identity, unlinked_at
    from identities where unlinked_at is not null;

-- What channels told of people who have another name now: it is delivered several times.
create table identity_moves (
  tenant_id uuid not null references tenants,
  channel_id uuid not null references channels,
  external_id text not null,
  identity text not null,
  at timestamptz not null,
  primary key (channel_id, external_id, identity)
);
create index identity_moves_old on identity_moves (at);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['identities_left', 'identity_moves'] loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select, insert, delete on %I to callbox_app', v_table);
  end loop;
end $$;

-- Who asked for a code: only they can use it, and only their wrong tries end it. '' is the customer.
alter table one_time_codes add column asked_by text not null default '';
alter table one_time_codes alter column asked_by drop default;
