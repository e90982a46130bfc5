"""Ada looks at her loan, and half of the body, then the connection is closed: that is what she is answered."""

from support import paired_runs

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = paired_runs.looks_twice
