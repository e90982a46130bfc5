CREATE TABLE class_groups (
    class_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    name TEXT NOT NULL,
    sandbox TEXT NOT NULL,
    CONSTRAINT pk_class_groups PRIMARY KEY (class_id, n)
);

CREATE TABLE classes (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    scenario TEXT,
    seeds TEXT NOT NULL,
    state TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    ended_ms BIGINT,
    to_ms BIGINT,
    problem TEXT,
    maker TEXT,
    played_in TEXT,
    CONSTRAINT pk_classes PRIMARY KEY (id),
    CONSTRAINT uq_classes_name UNIQUE (name)
);

CREATE TABLE endings (
    sandbox_id TEXT NOT NULL,
    signal TEXT NOT NULL,
    injection TEXT NOT NULL,
    status TEXT NOT NULL,
    CONSTRAINT pk_endings PRIMARY KEY (sandbox_id, signal, injection)
);

CREATE INDEX ix_endings_sandbox_id_injection ON endings (sandbox_id, injection);

CREATE TABLE experiments (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    doc TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    CONSTRAINT pk_experiments PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE hand_ins (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    n BIGINT NOT NULL,
    CONSTRAINT pk_hand_ins PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE injections (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    rule TEXT NOT NULL,
    revision BIGINT NOT NULL,
    fault TEXT NOT NULL,
    seam TEXT NOT NULL,
    entity TEXT NOT NULL,
    loan_id TEXT NOT NULL,
    occurrence BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    effect TEXT NOT NULL,
    truth_before TEXT NOT NULL,
    truth_after TEXT NOT NULL,
    served TEXT NOT NULL,
    currency TEXT NOT NULL,
    finding_class TEXT NOT NULL,
    finding_entity TEXT NOT NULL,
    finding_amount_minor BIGINT NOT NULL,
    expect TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT,
    status TEXT NOT NULL,
    ended_by TEXT,
    ended_ms BIGINT,
    CONSTRAINT pk_injections PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_injections_sandbox_id_at_ms ON injections (sandbox_id, at_ms);

CREATE INDEX ix_injections_sandbox_id_loan_id ON injections (sandbox_id, loan_id);

CREATE INDEX ix_injections_sandbox_id_loan_id_until_ms_from_ms ON injections (sandbox_id, loan_id, until_ms, from_ms) WHERE ended_ms IS NULL;

CREATE INDEX ix_injections_sandbox_id_rule_at_ms ON injections (sandbox_id, rule, at_ms);

CREATE INDEX ix_injections_sandbox_id_rule_revision_entity ON injections (sandbox_id, rule, revision, entity);

CREATE INDEX ix_injections_sandbox_id_until_ms_from_ms ON injections (sandbox_id, until_ms, from_ms) WHERE ended_ms IS NULL;

CREATE UNIQUE INDEX uq_injections_open ON injections (sandbox_id, finding_class, finding_entity) WHERE ended_ms IS NULL;

CREATE TABLE kept_scores (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    n BIGINT NOT NULL,
    label TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    handed_in_ms BIGINT NOT NULL,
    verdict TEXT NOT NULL,
    demanded BIGINT NOT NULL,
    found BIGINT NOT NULL,
    false_positives BIGINT NOT NULL,
    wrong_class BIGINT NOT NULL,
    harmful_repairs BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    classes TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT pk_kept_scores PRIMARY KEY (sandbox_id, id)
);

CREATE INDEX ix_kept_scores_sandbox_id_n ON kept_scores (sandbox_id, n);

CREATE TABLE request_numbers (
    sandbox_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT pk_request_numbers PRIMARY KEY (sandbox_id, entity)
);

CREATE TABLE rule_counts (
    sandbox_id TEXT NOT NULL,
    rule TEXT NOT NULL,
    revision BIGINT NOT NULL,
    evaluated BIGINT NOT NULL,
    matched BIGINT NOT NULL,
    selected BIGINT NOT NULL,
    injected BIGINT NOT NULL,
    CONSTRAINT pk_rule_counts PRIMARY KEY (sandbox_id, rule, revision)
);

CREATE TABLE rulesets (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    doc TEXT NOT NULL,
    CONSTRAINT pk_rulesets PRIMARY KEY (sandbox_id, id)
);

CREATE TABLE seam_counts (
    sandbox_id TEXT NOT NULL,
    seam TEXT NOT NULL,
    version BIGINT NOT NULL,
    evaluated BIGINT NOT NULL,
    CONSTRAINT pk_seam_counts PRIMARY KEY (sandbox_id, seam, version)
);
