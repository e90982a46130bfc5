"""The request is refused because there were too many requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from mocklend.seams.api_answer import ApiAnswer
from mocklend_faults.engine.fault import Fault, setting


@dataclass(frozen=True, slots=True)
class RateLimit(Fault):
    """A gateway counts requests and refuses the rest with 429 and a Retry-After.

    A batch that requests ten thousand loans at full speed is refused, and is refused again if it repeats at once. A
    refused request is not carried out. After the time in Retry-After, a request is accepted.
    """

    name: ClassVar[str] = "transport.rate_limit"
    title: ClassVar[str] = "Too many requests"
    finding: ClassVar[str] = "timing"
    precondition: ClassVar[str] = "A request of a client, on any plane but the control plane."
    symptom: ClassVar[Mapping[str, str]] = {"answer": "429 rate_limited, with Retry-After"}
    heals: ClassVar[str] = "By itself: a later request is answered."
    action: ClassVar[str] = "Wait for the time in Retry-After, then repeat the request unchanged."

    retry_after_s: int = setting(1, "The value of Retry-After, in seconds.", least=0, most=86_400, title="Retry-After")

    def api_answer(self, event: ApiAnswer) -> ApiAnswer:
        """Refuse the request before it is carried out, unless another fault refuses it already."""
        if event.answer_code is not None:
            return event
        return replace(event, answer_code="rate_limited", retry_after_s=self.retry_after_s, before_work=True)
