"""Ada looks at her loan, and a whole answer that is no JSON: that is what she is answered."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
