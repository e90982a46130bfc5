"""The channels: they take the borrower's money and report it to the platform.

order ──▶ trade CREATED ──settlement delay──▶ SUCCESS ──▶ callback (outbox) ──attempts──▶ inbox ──▶ books
                                                └─ posted to the WORLD
"""
