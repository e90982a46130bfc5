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

CREATE INDEX ix_callbacks_sandbox_id_loan_id_queued_ms_id ON callbacks (sandbox_id, loan_id, queued_ms, id);

CREATE INDEX ix_callbacks_sandbox_id_queued_ms_id ON callbacks (sandbox_id, queued_ms, id);

CREATE INDEX ix_callbacks_sandbox_id_state_queued_ms_id ON callbacks (sandbox_id, state, queued_ms, id) WHERE state <> 'ACKED';

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

CREATE INDEX ix_trades_sandbox_id_loan_id_id ON trades (sandbox_id, loan_id, id);

CREATE INDEX ix_webhooks_sandbox_id_loan_id_queued_ms_id ON webhooks (sandbox_id, loan_id, queued_ms, id);

CREATE INDEX ix_webhooks_sandbox_id_queued_ms_id ON webhooks (sandbox_id, queued_ms, id);

CREATE INDEX ix_webhooks_sandbox_id_state_queued_ms_id ON webhooks (sandbox_id, state, queued_ms, id) WHERE state <> 'ACKED';
