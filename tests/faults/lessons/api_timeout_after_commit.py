"""Ada orders a repayment, it is ordered, and she is told 504."""

from support import paired_runs

MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = paired_runs.pays_again
