"""What the platform says by code has its Chinese: checks of the audit, alerts, classes of finding, names."""

from __future__ import annotations

import pytest

from mocklend.audit.checks import CHECKS
from mocklend.bureau.partners import PARTNERS
from mocklend.domain.channel import channels
from mocklend.domain.finding import CLASSES
from mocklend.language import Language, is_translated
from mocklend.monitoring.alerts import CHECKS as ALERTS

TEXTS = {
    "checks": [check.states for check in CHECKS],
    "alerts": list(ALERTS.values()),
    "classes": list(CLASSES.values()),
    "channels": [channel.name for channel in channels().values()],
    "lenders": [partner.name for partner in PARTNERS.values()],
}


@pytest.mark.parametrize("of", TEXTS)
def test_each_text_has_its_chinese(of: str) -> None:
    assert TEXTS[of]
    assert [text for text in TEXTS[of] if not is_translated(Language.ZH, text)] == []
