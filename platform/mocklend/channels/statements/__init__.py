"""Statements (对账单): what a channel says, the morning after, that it moved on a day. One small file a format.

        trades, payouts ──statement_day──▶ StatementDay ──write──▶ bytes ──read──▶ StatementDay

A statement is a view of the channel's own record, so asking twice gives the same bytes. Formats that list orders
(`wechat_csv`, `alipay_trade_csv`) hold what payers paid and got back; those that list an account's movements
(`alipay_funds_csv`, `alipay_personal_csv`, `camt053`) hold everything.
"""
