"""Ada's app asks once too often."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
