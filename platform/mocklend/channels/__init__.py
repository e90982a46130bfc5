"""The channels: who takes the borrower's money, and how the platform hears of it.

order ──▶ trade CREATED ──settling delay──▶ SUCCESS ──▶ callback (outbox) ──attempts──▶ inbox ──▶ books
                                                └─ the WORLD knows now
"""
