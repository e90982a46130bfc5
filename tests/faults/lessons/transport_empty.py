"""Ada looks at her loan, and a 200 and no body: that is what she is answered."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
