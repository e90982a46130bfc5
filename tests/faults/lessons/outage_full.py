"""Ada looks at her loan while the platform is down."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
