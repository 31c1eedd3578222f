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
