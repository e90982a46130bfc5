"""A client's webhook endpoints. They belong to the sandbox, and are few: the sandbox's row holds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from mocklend.domain.problems import Refused
from mocklend.sandboxes.ids import make_id
from mocklend.sandboxes.timestamps import rfc3339
from mocklend.signing import secret_under
from mocklend.storage.values import EndpointDoc
from mocklend.storage.work import Answer, Idempotency, Key, Work

ENDPOINTS_MAX = 16
"""Of one sandbox: each event is delivered to all of them."""


@dataclass(frozen=True, slots=True)
class AddEndpoint:
    """Register a URL for events. The same URL and events again are the same endpoint."""

    sandbox_id: str
    url: str
    events: tuple[str, ...]
    profile: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing but the sandbox."""
        return ()

    def decide(self, work: Work) -> Answer:
        """201 and the endpoint, with the secret that its deliveries are signed with."""
        known = work.sandbox.endpoints
        id = make_id("whe", work.sandbox.seed, self.url, *self.events, self.profile)
        for endpoint in known:
            if endpoint["id"] == id:
                return Answer(200, endpoint)
        if len(known) >= ENDPOINTS_MAX:
            raise Refused(
                "too_many_endpoints",
                f"the sandbox has {len(known)} webhook endpoints already",
                expected=f"at most {ENDPOINTS_MAX}",
            )
        made: EndpointDoc = {
            "id": id,
            "url": self.url,
            "events": list(self.events),
            "profile": self.profile,
            "secret": secret_under(work.sandbox.key_hash, f"endpoint:{id}"),
            "created_at": rfc3339(work.now_ms),
        }
        work.put(replace(work.sandbox, endpoints=(*known, made)))
        return Answer(201, made)


@dataclass(frozen=True, slots=True)
class RemoveEndpoint:
    """Forget an endpoint. What is on its way to it stops."""

    sandbox_id: str
    endpoint_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing but the sandbox."""
        return ()

    def decide(self, work: Work) -> Answer:
        """204."""
        known = work.sandbox.endpoints
        left = tuple(endpoint for endpoint in known if endpoint["id"] != self.endpoint_id)
        if len(left) == len(known):
            raise Refused("endpoint_unknown", f"no endpoint {self.endpoint_id}", endpoint_id=self.endpoint_id)
        work.put(replace(work.sandbox, endpoints=left))
        return Answer(204, {})
