"""Ada looks at her loan while everybody else does."""

from support import paired_runs

SETTINGS = {"delay_ms": 1, "errors_percent": 100}
MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
