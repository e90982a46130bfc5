"""The rules of lending as pure Python: no database, no network, no clock, no random numbers."""
