"""Every format by its id. A new format is a new module beside this one, and a line here."""

from __future__ import annotations

from mocklend.channels.statements import (
    alipay_funds_csv,
    alipay_personal_csv,
    alipay_trade_csv,
    camt053,
    wechat_csv,
)
from mocklend.channels.statements.format import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.id: module.FORMAT
    for module in (alipay_funds_csv, alipay_personal_csv, alipay_trade_csv, camt053, wechat_csv)
}
