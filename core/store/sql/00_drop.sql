-- The functions are applied anew, all together, whenever one of these files changed. Processes of the
-- release before may still call them: one whose arguments or answer change their meaning gets another
-- name, so that such a call does nothing, rather than something that its caller cannot read.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'public'
        and p.proname ~ '^(gift|inbox|live|operator|payment|payout|reconciliation|virtual|ledger|order|intent|notice|channel|tenant|token|provider|case|health|sale|alert|voucher|router)_'
        and not exists (select from pg_depend d
          where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  loop
    execute format('drop function if exists %s cascade', v_function);
  end loop;
end $$;
