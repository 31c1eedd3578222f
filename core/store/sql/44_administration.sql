-- What the program asks and changes across tenants for operators: configurations of providers,
-- tokens, and money given by hand.

create or replace function tenant_all() returns table (id uuid, key text)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select t.id, t.key from tenants t order by t.created_at, t.key
$$;

-- Differs after every change: versions only grow, and no row is deleted.
create or replace function provider_configs_version() returns bigint
language sql stable security definer
set search_path = public, pg_temp
as $$
  select coalesce(sum(c.version), 0)::bigint from provider_configs c
$$;

create or replace function provider_configs_all() returns setof provider_configs
language sql stable security definer
set search_path = public, pg_temp
as $$
  select * from provider_configs
$$;

-- Events of no tenant stand under the id of zeros.
create or replace function token_event(p_token api_tokens, p_kind text, p_actor text, p_at timestamptz)
returns void language sql as $$
  insert into events (subject, tenant_id, kind, actor, facts, at)
    values ('token/' || p_token.id,
      coalesce(p_token.tenant_id, '00000000-0000-0000-0000-000000000000'), p_kind, p_actor,
      jsonb_build_object('name', p_token.name, 'abilities', p_token.abilities), p_at)
$$;

create or replace function token_create(
  p_id uuid, p_tenant uuid, p_name text, p_hash text, p_abilities text[], p_actor text,
  p_at timestamptz
) returns void language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
  v_token api_tokens;
begin
  insert into api_tokens (id, tenant_id, name, hash, abilities, created_at, created_by)
    values (p_id, p_tenant, p_name, p_hash, p_abilities, p_at, p_actor)
    on conflict do nothing -- the same again, after an answer that was lost
    returning * into v_token;
  if v_token.id is not null then
    perform token_event(v_token, 'token.created', p_actor, p_at);
  end if;
end $$;

-- The token of this hash unless it was revoked. When it was used is noted to the minute.
create or replace function token_find(p_hash text, p_at timestamptz)
returns table (id uuid, tenant_id uuid, name text, abilities text[])
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  update api_tokens t set last_used_at = p_at
    where t.hash = p_hash and t.revoked_at is null
      and (t.last_used_at is null or t.last_used_at < p_at - interval '1 minute');
  return query select t.id, t.tenant_id, t.name, t.abilities from api_tokens t
    where t.hash = p_hash and t.revoked_at is null;
end $$;

create or replace function token_all()
returns table (id uuid, tenant_id uuid, name text, abilities text[], created_at timestamptz,
  created_by text, last_used_at timestamptz, revoked_at timestamptz)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select t.id, t.tenant_id, t.name, t.abilities, t.created_at, t.created_by, t.last_used_at,
      t.revoked_at
    from api_tokens t order by t.created_at, t.id
$$;

-- Whether there is such a token; revoked twice, it stays as the first time left it.
create or replace function token_revoke(p_id uuid, p_actor text, p_at timestamptz) returns boolean
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_token api_tokens;
begin
  update api_tokens set revoked_at = p_at where id = p_id and revoked_at is null
    returning * into v_token;
  if v_token.id is not null then
    perform token_event(v_token, 'token.revoked', p_actor, p_at);
    return true;
  end if;
  return exists (select from api_tokens where id = p_id);
end $$;

-- A transfer that a person asked for, with the note of who and why, in one commit.
create or replace function ledger_adjust(
  p_item ledger_item, p_subject text, p_kind text, p_actor text, p_facts jsonb, p_at timestamptz
) returns text language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
  v_answer text;
begin
  v_answer := (ledger_post(array[p_item], p_at))[1];
  if v_answer = 'posted' then
    insert into events (subject, tenant_id, kind, actor, facts, at)
      values (p_subject, p_item.tenant_id, p_kind, p_actor, p_facts, p_at);
  end if;
  return v_answer;
end $$;
