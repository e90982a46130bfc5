CREATE INDEX ix_injections_sandbox_id_rule_at_ms ON injections (sandbox_id, rule, at_ms);
