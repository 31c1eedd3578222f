-- The program may call these; what they call in turn stays theirs alone.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid::regprocedure from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'public' and p.proname ~ '^(gift|inbox|live|operator|payment|payout|reconciliation|virtual|ledger|order|intent|notice|channel|tenant|token|provider|case|health|sale|alert|voucher|router)_'
  loop
    execute format('revoke all on function %s from public', v_function);
  end loop;
  for v_function in
    select p.oid::regprocedure from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'public' and p.prosecdef and p.proname in (
        'ledger_accounts', 'ledger_post', 'order_hold', 'order_claim', 'order_hurry',
        'order_states', 'order_rule', 'payout_begin', 'payout_claim', 'payout_hurry',
        'payout_rule', 'payout_settle', 'payout_states', 'notice_claim', 'notice_seen', 'intent_credit', 'intent_claim',
        'intent_by_reference', 'intent_hurry', 'virtual_account_credit', 'virtual_account_claim',
        'virtual_account_hurry', 'channel_find', 'channel_customer', 'channel_of_kind', 'channel_get', 'tenant_find', 'order_lag',
        'tenant_all', 'provider_configs_version', 'provider_configs_all', 'token_create',
        'token_find', 'token_all', 'token_revoke', 'reconciliation_owners', 'order_act', 'case_doubts',
        'health_claim', 'health_checked', 'health_turn', 'health_figures',
        'health_notice_lag', 'health_ledger', 'health_uptime', 'health_reviewed', 'health_prune', 'health_standings', 'health_backlog',
        'sale_trouble', 'sale_well', 'sale_turn_away', 'sale_paused', 'alert_counts',
        'inbox_put', 'inbox_claim', 'inbox_answer', 'inbox_lag', 'inbox_hurry', 'inbox_prune',
        'operator_by_telegram', 'operator_join', 'operator_chat_claim', 'operator_digests_due',
        'operator_requests_undone', 'live_claim', 'live_idle', 'live_prune',
        'case_settle', 'case_counts', 'ledger_adjust', 'gift_open', 'gift_claim', 'gift_registered',
        'gift_end', 'gift_freeze', 'gift_expire', 'gift_lapse', 'gift_draw_claim', 'gift_draw',
        'gift_airtime_claim', 'gift_airtime_ordered', 'gift_by_token', 'gift_shut',
        'gift_unfetched', 'gift_remind_claim', 'gift_reminded', 'gift_draw_later',
        'voucher_buy', 'voucher_give_back', 'voucher_turn_over', 'voucher_want',
        'voucher_hand_over', 'voucher_tell', 'voucher_fill_batch', 'voucher_claim_batches',
        'voucher_activate_batch', 'voucher_void_batch', 'voucher_plan_changed', 'router_enlist', 'router_all',
        'router_wake', 'router_claim', 'router_keep', 'router_leave', 'router_take',
        'router_let_go', 'router_may_let_go', 'router_statuses', 'voucher_waiting',
        'router_report', 'router_refills', 'router_refill', 'router_compared', 'router_online',
        'router_watch_claim', 'router_watch_keep', 'router_watch_prune', 'router_bulk_claim')
  loop
    execute format('grant execute on function %s to callbox_app', v_function);
  end loop;
end $$;
grant execute on function notice_id(uuid, text) to callbox_app;
