"""Ada can see what she owes, and cannot pay it."""

import twins

MATCH = {"operation": "repay"}
SELECT = {"times": 1}

story = twins.pays_again
