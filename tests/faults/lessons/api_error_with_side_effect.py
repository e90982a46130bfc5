"""Ada orders a repayment, it is ordered, and she is told 500."""

import twins

MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = twins.pays_again
