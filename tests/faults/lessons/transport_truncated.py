"""Ada looks at her loan, and half of the body, then the connection is closed: that is what she is answered."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice
