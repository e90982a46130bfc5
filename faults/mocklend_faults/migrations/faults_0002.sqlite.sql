CREATE TABLE hand_ins (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    n BIGINT NOT NULL,
    CONSTRAINT pk_hand_ins PRIMARY KEY (sandbox_id, id)
);

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
