CREATE TABLE advances (
    sandbox_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    process TEXT NOT NULL,
    state TEXT NOT NULL,
    began_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    outcome TEXT,
    CONSTRAINT pk_advances PRIMARY KEY (sandbox_id, n)
);

CREATE TABLE alert_runs (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    n BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    open BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    CONSTRAINT pk_alert_runs PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE applications (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    partner TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    product TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    decision TEXT NOT NULL,
    reasons TEXT NOT NULL,
    report_version BIGINT NOT NULL,
    score TEXT NOT NULL,
    n BIGINT NOT NULL,
    asked_anew BIGINT NOT NULL,
    pulled_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    CONSTRAINT pk_applications PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_applications_sandbox_id_borrower_id ON applications (sandbox_id, borrower_id);

CREATE TABLE book_facts (
    sandbox_id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    effective_date TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    channel TEXT,
    scope TEXT,
    edit_kind TEXT,
    status TEXT,
    reverses TEXT,
    due_date TEXT,
    landed BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_book_facts PRIMARY KEY (sandbox_id, loan_id, id),
    CONSTRAINT uq_book_facts_sandbox_id_id UNIQUE (sandbox_id, id)
);

CREATE TABLE borrowers (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    reference TEXT NOT NULL,
    name TEXT NOT NULL,
    credit_limit_minor BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    CONSTRAINT pk_borrowers PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_borrowers_sandbox_id_name_id ON borrowers (sandbox_id, name, id);

CREATE INDEX ix_borrowers_sandbox_id_reference_id ON borrowers (sandbox_id, reference, id);

CREATE TABLE bureau_accounts (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    due_ms BIGINT,
    version BIGINT NOT NULL,
    status TEXT,
    months TEXT NOT NULL,
    last_month TEXT,
    disputes TEXT NOT NULL,
    correct_ms BIGINT,
    correct_reason TEXT,
    ordered_ms BIGINT,
    published_ms BIGINT,
    CONSTRAINT pk_bureau_accounts PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_bureau_accounts_sandbox_id_due_ms_id ON bureau_accounts (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_bureau_accounts_sandbox_id_ordered_ms ON bureau_accounts (sandbox_id, ordered_ms) WHERE correct_ms IS NULL AND ordered_ms IS NOT NULL;

CREATE TABLE bureau_records (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    cause TEXT NOT NULL,
    reason TEXT,
    as_of TEXT NOT NULL,
    status TEXT NOT NULL,
    five_class TEXT NOT NULL,
    days_overdue BIGINT NOT NULL,
    balance_minor BIGINT NOT NULL,
    overdue_minor BIGINT NOT NULL,
    months TEXT NOT NULL,
    last_month TEXT NOT NULL,
    line TEXT NOT NULL,
    cut_ms BIGINT NOT NULL,
    submitted_ms BIGINT NOT NULL,
    published_ms BIGINT NOT NULL,
    CONSTRAINT pk_bureau_records PRIMARY KEY (sandbox_id, id),
    CONSTRAINT uq_bureau_records_sandbox_id_loan_id_version UNIQUE (sandbox_id, loan_id, version)
);

CREATE INDEX ix_bureau_records_sandbox_id_as_of ON bureau_records (sandbox_id, as_of);

CREATE INDEX ix_bureau_records_sandbox_id_borrower_id ON bureau_records (sandbox_id, borrower_id);

CREATE INDEX ix_bureau_records_sandbox_id_cut_ms ON bureau_records (sandbox_id, cut_ms) WHERE published_ms > cut_ms + 86400000;

CREATE INDEX ix_bureau_records_sandbox_id_published_ms ON bureau_records (sandbox_id, published_ms);

CREATE TABLE callbacks (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    repayment_id TEXT NOT NULL,
    out_trade_no TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    attempts_to_lose BIGINT NOT NULL,
    log TEXT NOT NULL,
    queued_ms BIGINT NOT NULL,
    due_ms BIGINT,
    acked_ms BIGINT,
    applied_ms BIGINT,
    CONSTRAINT pk_callbacks PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_callbacks_sandbox_id_due_ms_id ON callbacks (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_callbacks_sandbox_id_loan_id_queued_ms_id ON callbacks (sandbox_id, loan_id, queued_ms, id);

CREATE INDEX ix_callbacks_sandbox_id_queued_ms_id ON callbacks (sandbox_id, queued_ms, id);

CREATE INDEX ix_callbacks_sandbox_id_state_queued_ms_id ON callbacks (sandbox_id, state, queued_ms, id) WHERE state <> 'ACKED';

CREATE TABLE certificates (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    number TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    journal_seq BIGINT NOT NULL,
    journal_hash TEXT NOT NULL,
    principal_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    settled_on TEXT NOT NULL,
    text_zh TEXT NOT NULL,
    text_en TEXT NOT NULL,
    CONSTRAINT pk_certificates PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_certificates_sandbox_id_loan_id ON certificates (sandbox_id, loan_id);

CREATE TABLE chains (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    next_seq BIGINT NOT NULL,
    head_hash TEXT NOT NULL,
    CONSTRAINT pk_chains PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE changes (
    sandbox_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    subjects TEXT NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (sandbox_id, n)
);

CREATE TABLE disputes (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    claim TEXT NOT NULL,
    statement TEXT,
    evidence TEXT NOT NULL,
    findings TEXT NOT NULL,
    state TEXT NOT NULL,
    progress TEXT NOT NULL,
    decision TEXT,
    corrections TEXT NOT NULL,
    left_to_do TEXT NOT NULL,
    corrected_version BIGINT,
    disagreement TEXT,
    compensation_minor BIGINT NOT NULL,
    compensation_id TEXT,
    payout_id TEXT,
    marked BIGINT NOT NULL,
    breached BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    answer_by_ms BIGINT NOT NULL,
    taken_up_ms BIGINT NOT NULL,
    due_ms BIGINT,
    CONSTRAINT pk_disputes PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_disputes_sandbox_id_answer_by_ms ON disputes (sandbox_id, answer_by_ms);

CREATE INDEX ix_disputes_sandbox_id_due_ms_id ON disputes (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_disputes_sandbox_id_loan_id ON disputes (sandbox_id, loan_id);

CREATE INDEX ix_disputes_sandbox_id_taken_up_ms ON disputes (sandbox_id, taken_up_ms);

CREATE TABLE edits (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    edit_kind TEXT NOT NULL,
    amount_minor BIGINT,
    status TEXT,
    memo TEXT NOT NULL,
    operator TEXT NOT NULL,
    approver TEXT,
    state TEXT NOT NULL,
    "before" TEXT NOT NULL,
    "after" TEXT,
    created_ms BIGINT NOT NULL,
    channel TEXT,
    due_date TEXT,
    applied_ms BIGINT,
    to_approve_minor BIGINT,
    CONSTRAINT pk_edits PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_edits_sandbox_id_loan_id_n ON edits (sandbox_id, loan_id, n);

CREATE INDEX ix_edits_sandbox_id_state_id ON edits (sandbox_id, state, id);

CREATE TABLE emptying (
    id TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    after_reset TEXT,
    CONSTRAINT pk_emptying PRIMARY KEY (id)
);

CREATE TABLE idempotency (
    sandbox_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    CONSTRAINT pk_idempotency PRIMARY KEY (sandbox_id, "key")
);

CREATE TABLE jobs (
    sandbox_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    kind TEXT NOT NULL,
    process TEXT NOT NULL,
    state TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    loans BIGINT,
    discrepancies BIGINT,
    unexplained BIGINT,
    outcome TEXT,
    CONSTRAINT pk_jobs PRIMARY KEY (sandbox_id, n)
);

CREATE TABLE kept_alerts (
    sandbox_id TEXT NOT NULL,
    opened_run BIGINT NOT NULL,
    id TEXT NOT NULL,
    check_name TEXT NOT NULL,
    finding_class TEXT,
    entity TEXT NOT NULL,
    loan_id TEXT,
    channel TEXT,
    amount_minor BIGINT NOT NULL,
    currency TEXT,
    since_ms BIGINT NOT NULL,
    raised_ms BIGINT NOT NULL,
    detail TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    closed_ms BIGINT,
    CONSTRAINT pk_kept_alerts PRIMARY KEY (sandbox_id, opened_run, id)
);

CREATE TABLE loan_counts (
    sandbox_id TEXT NOT NULL,
    loans BIGINT NOT NULL,
    CONSTRAINT pk_loan_counts PRIMARY KEY (sandbox_id)
);

CREATE TABLE loan_views (
    sandbox_id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    visible_ms BIGINT NOT NULL,
    list_ms BIGINT NOT NULL,
    instalments_ms BIGINT NOT NULL,
    replica_ms BIGINT NOT NULL,
    back_ms BIGINT NOT NULL,
    again_ms BIGINT NOT NULL,
    due_ms BIGINT,
    status TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    doc TEXT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT pk_loan_views PRIMARY KEY (sandbox_id, loan_id, version)
);

CREATE INDEX ix_loan_views_sandbox_id_back_ms ON loan_views (sandbox_id, back_ms) WHERE back_ms < 253402300799000;

CREATE INDEX ix_loan_views_sandbox_id_due_ms_loan_id ON loan_views (sandbox_id, due_ms, loan_id) WHERE due_ms IS NOT NULL;

CREATE TABLE loans (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    currency TEXT NOT NULL,
    product_id TEXT,
    product TEXT NOT NULL,
    principal_minor BIGINT NOT NULL,
    start_date TEXT NOT NULL,
    disburse_channel TEXT NOT NULL,
    auto_debit BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    status TEXT NOT NULL,
    outstanding_principal_minor BIGINT NOT NULL,
    state TEXT NOT NULL,
    next_seq BIGINT NOT NULL,
    head_hash TEXT NOT NULL,
    edits BIGINT NOT NULL,
    status_override TEXT,
    view_versions TEXT NOT NULL,
    disbursed_ms BIGINT,
    due_ms BIGINT,
    debit_ms BIGINT,
    missed_ms BIGINT,
    cleared_version BIGINT,
    CONSTRAINT pk_loans PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_loans_sandbox_id_borrower_id ON loans (sandbox_id, borrower_id);

CREATE INDEX ix_loans_sandbox_id_created_ms_id ON loans (sandbox_id, created_ms, id);

CREATE INDEX ix_loans_sandbox_id_debit_ms_id ON loans (sandbox_id, debit_ms, id) WHERE debit_ms IS NOT NULL;

CREATE INDEX ix_loans_sandbox_id_due_ms_id ON loans (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_loans_sandbox_id_reference_id ON loans (sandbox_id, reference, id);

CREATE TABLE operator_actions (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    action TEXT NOT NULL,
    about TEXT NOT NULL,
    memo TEXT,
    operator TEXT NOT NULL,
    approver TEXT,
    "before" TEXT NOT NULL,
    "after" TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    CONSTRAINT pk_operator_actions PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_operator_actions_sandbox_id_loan_id_at_ms ON operator_actions (sandbox_id, loan_id, at_ms);

CREATE TABLE partner_copies (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    partner TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    report TEXT NOT NULL,
    score TEXT NOT NULL,
    pulled_ms BIGINT NOT NULL,
    decided BIGINT NOT NULL,
    CONSTRAINT pk_partner_copies PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE payouts (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    paid_ms BIGINT,
    due_ms BIGINT,
    CONSTRAINT pk_payouts PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_payouts_sandbox_id_channel_paid_ms ON payouts (sandbox_id, channel, paid_ms);

CREATE INDEX ix_payouts_sandbox_id_due_ms_id ON payouts (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_payouts_sandbox_id_loan_id ON payouts (sandbox_id, loan_id);

CREATE TABLE processes (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    runs_clocks INTEGER NOT NULL,
    seen_ms BIGINT NOT NULL,
    CONSTRAINT pk_processes PRIMARY KEY (id)
);

CREATE TABLE quotes (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    type TEXT NOT NULL,
    date TEXT NOT NULL,
    total_minor BIGINT NOT NULL,
    valid_until_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_quotes PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_quotes_sandbox_id_loan_id ON quotes (sandbox_id, loan_id) WHERE type = 'CLEAR';

CREATE INDEX ix_quotes_sandbox_id_valid_until_ms ON quotes (sandbox_id, valid_until_ms) WHERE type = 'CLEAR';

CREATE TABLE real_time (
    id INTEGER NOT NULL,
    ms BIGINT NOT NULL,
    CONSTRAINT pk_real_time PRIMARY KEY (id)
);

CREATE TABLE receipts (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    loan_id TEXT,
    channel TEXT NOT NULL,
    out_trade_no TEXT NOT NULL,
    channel_trade_no TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    scope TEXT NOT NULL,
    payer_name TEXT NOT NULL,
    payer_reference TEXT NOT NULL,
    landed BIGINT NOT NULL,
    paid_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    applied_ms BIGINT,
    matches BIGINT NOT NULL,
    world_assignment TEXT,
    CONSTRAINT pk_receipts PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_receipts_sandbox_id_state ON receipts (sandbox_id, state);

CREATE TABLE repayments (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    status TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    channel TEXT NOT NULL,
    type TEXT NOT NULL,
    quote_id TEXT,
    payer_reference TEXT,
    channel_trade_no TEXT,
    applied_minor BIGINT NOT NULL,
    overpaid_minor BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    paid_ms BIGINT,
    applied_ms BIGINT,
    booked_type TEXT,
    booked_ms BIGINT,
    bookings BIGINT NOT NULL,
    reversal_id TEXT,
    debit_ms BIGINT,
    asked_key TEXT,
    CONSTRAINT pk_repayments PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_repayments_sandbox_id_loan_id_created_ms ON repayments (sandbox_id, loan_id, created_ms);

CREATE TABLE reports (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    about TEXT NOT NULL,
    title TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_reports PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE sandbox_uses (
    sandbox_id TEXT NOT NULL,
    used_ms BIGINT NOT NULL,
    CONSTRAINT pk_sandbox_uses PRIMARY KEY (sandbox_id)
);

CREATE TABLE sandboxes (
    id TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    seed BIGINT NOT NULL,
    zone TEXT NOT NULL,
    mode TEXT NOT NULL,
    sandbox_ms BIGINT NOT NULL,
    real_ms BIGINT NOT NULL,
    speed BIGINT NOT NULL,
    rules_version BIGINT NOT NULL,
    endpoints TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    four_eyes_above_minor BIGINT,
    monitored BIGINT NOT NULL,
    tolerance_minor BIGINT NOT NULL,
    net_by TEXT NOT NULL,
    target_ms BIGINT,
    resets BIGINT NOT NULL,
    advances BIGINT NOT NULL,
    callback_secrets TEXT NOT NULL,
    page_epoch BIGINT NOT NULL,
    jobs BIGINT NOT NULL,
    label TEXT,
    truth TEXT NOT NULL,
    story TEXT,
    CONSTRAINT pk_sandboxes PRIMARY KEY (id),
    CONSTRAINT uq_sandboxes_key_hash UNIQUE (key_hash)
);

CREATE TABLE scenario_runs (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    scenario TEXT NOT NULL,
    language TEXT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT pk_scenario_runs PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE score_answers (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    borrower_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    body TEXT NOT NULL,
    refreshed_ms BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,
    CONSTRAINT pk_score_answers PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_score_answers_sandbox_id_answered_ms ON score_answers (sandbox_id, answered_ms);

CREATE TABLE statement_files (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    currency TEXT NOT NULL,
    made BIGINT NOT NULL,
    ready_ms BIGINT NOT NULL,
    kept_percent BIGINT NOT NULL,
    repeated_rows BIGINT NOT NULL,
    recoded BIGINT NOT NULL,
    CONSTRAINT pk_statement_files PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE trades (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    repayment_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    channel_trade_no TEXT,
    state TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    payer_name TEXT,
    payer_reference TEXT,
    scope TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    paid_ms BIGINT,
    due_ms BIGINT,
    returned_ms BIGINT,
    return_due_ms BIGINT,
    notifies BIGINT NOT NULL,
    CONSTRAINT pk_trades PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_trades_sandbox_id_channel_paid_ms ON trades (sandbox_id, channel, paid_ms) WHERE paid_ms IS NOT NULL;

CREATE INDEX ix_trades_sandbox_id_channel_trade_no ON trades (sandbox_id, channel_trade_no) WHERE channel_trade_no IS NOT NULL;

CREATE INDEX ix_trades_sandbox_id_due_ms_id ON trades (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_trades_sandbox_id_loan_id_id ON trades (sandbox_id, loan_id, id);

CREATE INDEX ix_trades_sandbox_id_return_due_ms_id ON trades (sandbox_id, return_due_ms, id) WHERE return_due_ms IS NOT NULL;

CREATE TABLE transactions (
    sandbox_id TEXT NOT NULL,
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    effective_date TEXT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    reverses BIGINT,
    ref TEXT NOT NULL,
    period_from TEXT,
    period_to TEXT,
    currency TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    CONSTRAINT pk_transactions PRIMARY KEY (sandbox_id, chain, seq),
    CONSTRAINT ck_transactions_id_names_key CHECK (id = 'txn_' || REPLACE(chain, 'loan_', '') || '_' || seq)
);

CREATE INDEX ix_transactions_sandbox_id_recorded_ms_chain_seq ON transactions (sandbox_id, recorded_ms, chain, seq);

CREATE UNIQUE INDEX uq_transactions_sandbox_id_chain_reverses ON transactions (sandbox_id, chain, reverses) WHERE reverses IS NOT NULL;

CREATE TABLE wakes (
    sandbox_id TEXT NOT NULL,
    wakes BIGINT NOT NULL,
    CONSTRAINT pk_wakes PRIMARY KEY (sandbox_id)
);

CREATE TABLE webhooks (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    log TEXT NOT NULL,
    queued_ms BIGINT NOT NULL,
    due_ms BIGINT,
    acked_ms BIGINT,
    CONSTRAINT pk_webhooks PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_webhooks_sandbox_id_due_ms_id ON webhooks (sandbox_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_webhooks_sandbox_id_endpoint_id_due_ms_id ON webhooks (sandbox_id, endpoint_id, due_ms, id) WHERE due_ms IS NOT NULL;

CREATE INDEX ix_webhooks_sandbox_id_loan_id_queued_ms_id ON webhooks (sandbox_id, loan_id, queued_ms, id);

CREATE INDEX ix_webhooks_sandbox_id_queued_ms_id ON webhooks (sandbox_id, queued_ms, id);

CREATE INDEX ix_webhooks_sandbox_id_state_queued_ms_id ON webhooks (sandbox_id, state, queued_ms, id) WHERE state <> 'ACKED';

CREATE TABLE world_facts (
    sandbox_id TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    effective_date TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    channel TEXT,
    scope TEXT,
    edit_kind TEXT,
    status TEXT,
    reverses TEXT,
    due_date TEXT,
    landed BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_world_facts PRIMARY KEY (sandbox_id, loan_id, id)
);

CREATE INDEX ix_world_facts_sandbox_id_id_loan_id ON world_facts (sandbox_id, id, loan_id) WHERE REPLACE(id, 'rct_', '') <> id;

CREATE TABLE postings (
    sandbox_id TEXT NOT NULL,
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    line BIGINT NOT NULL,
    debit TEXT NOT NULL,
    credit TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT pk_postings PRIMARY KEY (sandbox_id, chain, seq, line),
    CONSTRAINT fk_postings_sandbox_id_chain_seq_transactions FOREIGN KEY(sandbox_id, chain, seq) REFERENCES transactions (sandbox_id, chain, seq),
    CONSTRAINT ck_postings_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT ck_postings_two_accounts CHECK (debit <> credit)
);

CREATE TRIGGER transactions_no_update BEFORE UPDATE ON transactions BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;

CREATE TRIGGER transactions_no_replace BEFORE INSERT ON transactions WHEN EXISTS (SELECT 1 FROM transactions WHERE sandbox_id = NEW.sandbox_id AND chain = NEW.chain AND seq = NEW.seq) OR EXISTS (SELECT 1 FROM transactions WHERE sandbox_id = NEW.sandbox_id AND chain = NEW.chain AND reverses = NEW.reverses) BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;

CREATE TRIGGER transactions_no_delete BEFORE DELETE ON transactions WHEN EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) BEGIN SELECT RAISE(ABORT, 'transactions is append-only'); END;

CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER postings_no_replace BEFORE INSERT ON postings WHEN EXISTS (SELECT 1 FROM postings WHERE sandbox_id = NEW.sandbox_id AND chain = NEW.chain AND seq = NEW.seq AND line = NEW.line) BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings WHEN EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER book_facts_no_update BEFORE UPDATE ON book_facts BEGIN SELECT RAISE(ABORT, 'book_facts is append-only'); END;

CREATE TRIGGER book_facts_no_replace BEFORE INSERT ON book_facts WHEN EXISTS (SELECT 1 FROM book_facts WHERE sandbox_id = NEW.sandbox_id AND loan_id = NEW.loan_id AND id = NEW.id) OR EXISTS (SELECT 1 FROM book_facts WHERE sandbox_id = NEW.sandbox_id AND id = NEW.id) BEGIN SELECT RAISE(ABORT, 'book_facts is append-only'); END;

CREATE TRIGGER book_facts_no_delete BEFORE DELETE ON book_facts WHEN EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) BEGIN SELECT RAISE(ABORT, 'book_facts is append-only'); END;

CREATE TRIGGER world_facts_no_update BEFORE UPDATE ON world_facts BEGIN SELECT RAISE(ABORT, 'world_facts is append-only'); END;

CREATE TRIGGER world_facts_no_replace BEFORE INSERT ON world_facts WHEN EXISTS (SELECT 1 FROM world_facts WHERE sandbox_id = NEW.sandbox_id AND loan_id = NEW.loan_id AND id = NEW.id) BEGIN SELECT RAISE(ABORT, 'world_facts is append-only'); END;

CREATE TRIGGER world_facts_no_delete BEFORE DELETE ON world_facts WHEN EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) BEGIN SELECT RAISE(ABORT, 'world_facts is append-only'); END;

CREATE TRIGGER operator_actions_no_update BEFORE UPDATE ON operator_actions BEGIN SELECT RAISE(ABORT, 'operator_actions is append-only'); END;

CREATE TRIGGER operator_actions_no_replace BEFORE INSERT ON operator_actions WHEN EXISTS (SELECT 1 FROM operator_actions WHERE sandbox_id = NEW.sandbox_id AND id = NEW.id) BEGIN SELECT RAISE(ABORT, 'operator_actions is append-only'); END;

CREATE TRIGGER operator_actions_no_delete BEFORE DELETE ON operator_actions WHEN EXISTS (SELECT 1 FROM sandboxes WHERE id = OLD.sandbox_id) BEGIN SELECT RAISE(ABORT, 'operator_actions is append-only'); END;
