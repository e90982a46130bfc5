"""What the platform says by code has its Chinese: checks of the audit, alerts, classes of finding, names."""

from __future__ import annotations

import pytest

from mocklend.audit.checks import CHECKS
from mocklend.bureau.partners import PARTNERS
from mocklend.console.words import PRODUCT
from mocklend.domain.channel import channels
from mocklend.domain.finding import CLASSES
from mocklend.domain.product import PRODUCTS
from mocklend.language import Language, is_translated
from mocklend.monitoring.alerts import CHECKS as ALERTS
from mocklend_faults.engine import hints, lint, score_verdict

TEXTS = {
    "checks": [check.states for check in CHECKS],
    "alerts": list(ALERTS.values()),
    "classes": list(CLASSES.values()),
    "channels": [channel.name for channel in channels().values()],
    "lenders": [partner.name for partner in PARTNERS.values()],
    "products": [PRODUCT[id] for id in PRODUCTS],
    "reasons of lint": list(lint.REASONS),
    "reasons of a score": [*score_verdict.REASONS, hints.OVER_BY_ITSELF],
}


@pytest.mark.parametrize("of", TEXTS)
def test_each_text_has_its_chinese(of: str) -> None:
    assert TEXTS[of]
    assert [text for text in TEXTS[of] if not is_translated(Language.ZH, text)] == []
