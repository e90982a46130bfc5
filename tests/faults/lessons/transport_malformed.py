"""Ada looks at her loan, and a whole answer that is no JSON: that is what she is answered."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice
