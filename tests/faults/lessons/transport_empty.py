"""Ada looks at her loan, and a 200 and no body: that is what she is answered."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice
