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
    CONSTRAINT pk_classes PRIMARY KEY (id),
    CONSTRAINT uq_classes_name UNIQUE (name)
);
