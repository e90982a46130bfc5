"""Statements (对账单): a channel's movements of a day, available on the next morning. One module per format.

        trades, payouts ──statement_day──▶ StatementDay ──write──▶ bytes ──read──▶ StatementDay

A statement is a view of the channel's trades and payouts, so every request returns the same bytes. Formats that list
orders (`wechat_csv`, `alipay_trade_csv`) have payments and refunds; those that list an account's movements
(`alipay_funds_csv`, `alipay_personal_csv`, `camt053`) have every movement.
"""
