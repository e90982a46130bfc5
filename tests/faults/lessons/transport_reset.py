"""Ada looks at her loan, and the connection is reset, and not a byte has come: that is what she is answered."""

import twins

MATCH = {"operation": "getLoan"}
SELECT = {"times": 1}

story = twins.looks_twice
