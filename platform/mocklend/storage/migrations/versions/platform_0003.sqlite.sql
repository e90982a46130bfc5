CREATE TABLE reports (
    sandbox_id TEXT NOT NULL,
    id TEXT NOT NULL,
    about TEXT NOT NULL,
    title TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    document TEXT NOT NULL,
    CONSTRAINT pk_reports PRIMARY KEY (sandbox_id, id)
);
