"""Partner lenders: other lenders that decide by the report and the score, and store their copy of both for a while.

Their rules are a table. A stored copy is a view: a correction at the bureau reaches a partner only when it pulls again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypedDict

from msgspec.structs import replace

from mocklend.bureau.reports import PUBLISHED, report_doc
from mocklend.bureau.scores import CURRENCY, NO_SCORE, refresh_before, score_at
from mocklend.domain.bureau import History, worst_overdue
from mocklend.domain.facts import business_date
from mocklend.domain.names import did_you_mean
from mocklend.domain.nouns import BorrowerId, CreatedAt, one_of, says
from mocklend.domain.problems import Refused
from mocklend.domain.statuses import ApplicationDecision
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.seams.partner_application import PartnerApplication
from mocklend.seams.signals import applied_for
from mocklend.storage.entities import Application, Borrower, PartnerCopy
from mocklend.storage.values import ReportDoc, ReportedAccount
from mocklend.storage.work import Answer, Idempotency, Key, Work

DAY_MS = 86_400_000
PRODUCTS = ("mortgage", "car", "card")

REASONS = {
    "amount_too_large": "More than this lender lends on the product.",
    "score_missing": "There is no score, and the product needs one.",
    "score_too_low": "The score is below the product's minimum.",
    "overdue_now": "An account is overdue.",
    "overdue_months": "A month of the last 24 was overdue by more than the product allows.",
}
"""Reasons for a refused application, in the order of the answer."""


class LenderRuleDoc(TypedDict):
    """A lender's rule for a product. `worst_month` is the worst code of the last 24 months that it accepts."""

    amount_minor_max: Annotated[int, says("The largest amount lent on the product, in minor units.")]
    score_min: Annotated[int, says("The smallest accepted score.")]
    worst_month: Annotated[int, says("The worst accepted code of the last 24 months: 0 none, 1 to 7 as in the report.")]
    score_required: Annotated[bool, says("Whether a borrower without a score is refused.")]


class LenderDoc(TypedDict):
    """A partner lender, how long it uses its copy of a report, and its rules."""

    id: Annotated[str, says("The lender's id.")]
    name: Annotated[str, says("The lender's name.")]
    keeps_days: Annotated[int, says("Days for which the lender uses its copy of a report before it pulls a new one.")]
    products: Annotated[dict[str, LenderRuleDoc], says("The lender's rules, by product.")]


@dataclass(frozen=True, slots=True)
class Rule:
    """A lender's rule for applications for a product. `worst_month` is the worst code that it accepts."""

    amount_minor_max: int
    score_min: int
    worst_month: int = 0
    score_required: bool = True

    def to_json(self) -> LenderRuleDoc:
        """As the list of lenders shows it."""
        return {
            "amount_minor_max": self.amount_minor_max,
            "score_min": self.score_min,
            "worst_month": self.worst_month,
            "score_required": self.score_required,
        }


@dataclass(frozen=True, slots=True)
class Partner:
    """Another lender: how long it uses its copy, and its rules by product."""

    id: str
    name: str
    keeps_days: int
    rules: Mapping[str, Rule]

    def to_json(self) -> LenderDoc:
        """As the list of lenders shows it."""
        rules = {product: rule.to_json() for product, rule in self.rules.items()}
        return {"id": self.id, "name": self.name, "keeps_days": self.keeps_days, "products": rules}


# Invented policies: a strict bank that uses copies for long, a moderate car lender, and a lenient card issuer.
PARTNERS = {
    partner.id: partner
    for partner in (
        Partner("harbour-bank", "Harbour Bank", 30, {
            "mortgage": Rule(500_000_000, 650),
            "car": Rule(50_000_000, 620),
        }),
        Partner("meridian-auto", "Meridian Auto Finance", 7, {
            "car": Rule(40_000_000, 560, worst_month=1, score_required=False),
        }),
        Partner("swift-card", "Swift Card", 1, {
            "card": Rule(5_000_000, 520, worst_month=2, score_required=False),
        }),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Apply:
    """A borrower applies to a partner lender, which decides by its copy, or pulls a new one if it is old or missing."""

    sandbox_id: str
    idem: Idempotency | None
    partner: str
    borrower_id: str
    product: str
    amount_minor: int
    refresh: bool = False

    def needs(self) -> Iterable[Key]:
        """The borrower and the copy."""
        return (("borrower", self.borrower_id), ("partner_copy", copy_id(self.partner, self.borrower_id)))

    def decide(self, work: Work) -> Answer:
        """201 and the decision. Raises Refused `borrower_unknown`, `lender_unknown`, `product_not_offered`."""
        partner = partner_of(self.partner)
        if work.find(Borrower, self.borrower_id) is None:
            raise Refused("borrower_unknown", f"no borrower {self.borrower_id}", borrower_id=self.borrower_id)
        rule = partner.rules.get(self.product)
        if rule is None:
            raise Refused(
                "product_not_offered",
                f"{partner.name} does not offer this{did_you_mean(self.product, partner.rules)}",
                expected=list(partner.rules),
                received=self.product,
                lender=partner.id,
            )
        assert self.idem is not None, "an application is a stored inquiry and needs an idempotency key"
        id = make_id("app", work.sandbox.seed, partner.id, self.borrower_id, self.idem.key)
        copy = work.find(PartnerCopy, copy_id(partner.id, self.borrower_id))
        decided = copy.decided + 1 if copy is not None else 1
        if copy is None or self.refresh or work.now_ms >= copy.pulled_ms + partner.keeps_days * DAY_MS:
            fresh = _pull(work, partner, self.borrower_id)
            copy = fresh if copy is None or self._pulls(work, id, copy, fresh) else copy
        copy = replace(copy, decided=decided)
        work.put(copy)
        reasons = reasons_against(
            rule,
            copy.report["accounts"],
            copy.score,
            self.amount_minor,
            business_date(work.now_ms, work.sandbox.zone),
        )
        application = Application(
            id=id,
            partner=partner.id,
            borrower_id=self.borrower_id,
            product=self.product,
            amount_minor=self.amount_minor,
            decision=ApplicationDecision.REFUSED if reasons else ApplicationDecision.APPROVED,
            reasons=tuple(reasons),
            report_version=copy.report["version"],
            score=copy.score,
            n=decided,
            asked_anew=int(self.refresh),
            pulled_ms=copy.pulled_ms,
            created_ms=work.now_ms,
        )
        work.put(application)
        return Answer(201, application_doc(application, copy))

    def _pulls(self, work: Work, application_id: str, old: PartnerCopy, fresh: PartnerCopy) -> bool:
        """Whether the partner really uses the fresh copy, which a fault can prevent.

        A copy of the present moment is not old: nothing could show later whether it was pulled again.
        """
        work.signal(applied_for(old.id))
        if old.pulled_ms >= work.now_ms:
            return True
        return work.at(
            PartnerApplication(
                entity=old.id,
                occurrence=old.decided + 1,
                now_ms=work.now_ms,
                borrower_id=self.borrower_id,
                partner=self.partner,
                application_id=application_id,
                product=self.product,
                amount_minor=self.amount_minor,
                currency=CURRENCY,
                copy_id=old.id,
                copy_pulled_ms=old.pulled_ms,
                copy_score=str(old.score),
                score=str(fresh.score),
            )
        ).pulled


def partner_of(id: str) -> Partner:
    """A partner by its id. Raises Refused `lender_unknown`."""
    if id not in PARTNERS:
        raise Refused(
            "lender_unknown", f"no lender {id}{did_you_mean(id, PARTNERS)}", expected=sorted(PARTNERS), received=id
        )
    return PARTNERS[id]


def copy_id(partner: str, borrower_id: str) -> str:
    """The id of a partner's copy of a borrower's report."""
    return f"{partner}.{borrower_id}"


def _pull(work: Work, partner: Partner, borrower_id: str) -> PartnerCopy:
    accounts = work.load(PUBLISHED, f"{borrower_id}@{work.now_ms}")
    report = report_doc(borrower_id, accounts, work.now_ms)
    for reported, account in zip(report["accounts"], accounts, strict=True):
        reported["months"] = account.history.codes
    value = score_at(work, borrower_id, refresh_before(work.now_ms, work.sandbox.zone))
    return PartnerCopy(
        id=copy_id(partner.id, borrower_id),
        partner=partner.id,
        borrower_id=borrower_id,
        report=report,
        score=value,
        pulled_ms=work.now_ms,
        decided=0,
    )


def reasons_against(
    rule: Rule, accounts: Sequence[ReportedAccount], score: int | str, amount_minor: int, today: date
) -> list[str]:
    """The reasons for refusing an application; empty if it is approved."""
    histories = [History(account["months"], date.fromisoformat(account["last_month"] + "-01")) for account in accounts]
    against = {
        "amount_too_large": amount_minor > rule.amount_minor_max,
        "score_missing": score == NO_SCORE and rule.score_required,
        "score_too_low": isinstance(score, int) and score < rule.score_min,
        "overdue_now": any(account["overdue_minor"] for account in accounts),
        "overdue_months": worst_overdue(histories, 24, today) > rule.worst_month,
    }
    return [reason for reason in REASONS if against[reason]]


class ApplicationDoc(TypedDict):
    """A decision, and the copy of the report behind it."""

    id: Annotated[str, says("The application's id.")]
    lender: Annotated[str, says("The lender's id.")]
    borrower_id: BorrowerId
    product: Annotated[str, one_of(PRODUCTS, "The kind of credit.")]
    amount_minor: Annotated[int, says("The requested amount, in minor units.")]
    decision: Annotated[str, one_of(ApplicationDecision, "APPROVED or REFUSED.")]
    reasons: Annotated[
        list[Annotated[str, one_of(REASONS)]], says("The reasons for a refusal; empty where it was approved.")
    ]
    report_version: Annotated[int, says("The version of the report behind the decision.")]
    report_pulled_at: Annotated[str, says("When the lender pulled that report. RFC 3339, on the sandbox's clock.")]
    score: Annotated[int | str, says("The score behind the decision: 350 to 950, or the text N/A.")]
    created_at: CreatedAt


class CopyDoc(TypedDict):
    """A lender's copy of a borrower's report and score."""

    lender: Annotated[str, says("The lender's id.")]
    borrower_id: BorrowerId
    pulled_at: Annotated[str, says("When the copy was pulled. RFC 3339, on the sandbox's clock.")]
    expires_at: Annotated[str, says("Until when the lender uses it. RFC 3339, on the sandbox's clock.")]
    report: Annotated[ReportDoc, says("The report as pulled.")]
    score: Annotated[int | str, says("The score as pulled: 350 to 950, or the text N/A.")]


def application_doc(application: Application, copy: PartnerCopy) -> ApplicationDoc:
    """An application as JSON, with the copy behind its decision."""
    return {
        "id": application.id,
        "lender": application.partner,
        "borrower_id": application.borrower_id,
        "product": application.product,
        "amount_minor": application.amount_minor,
        "decision": application.decision,
        "reasons": list(application.reasons),
        "report_version": application.report_version,
        "report_pulled_at": rfc3339(copy.pulled_ms),
        "score": application.score,
        "created_at": rfc3339(application.created_ms),
    }


def copy_doc(copy: PartnerCopy) -> CopyDoc:
    """A partner's copy as JSON."""
    expires_ms = copy.pulled_ms + PARTNERS[copy.partner].keeps_days * DAY_MS
    return {
        "lender": copy.partner,
        "borrower_id": copy.borrower_id,
        "pulled_at": rfc3339(copy.pulled_ms),
        "expires_at": rfc3339(expires_ms),
        "report": copy.report,
        "score": copy.score,
    }
