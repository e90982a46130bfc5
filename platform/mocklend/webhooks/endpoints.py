"""A client's webhook endpoints. They belong to the sandbox and are few, so the sandbox's row has them."""

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
"""The most endpoints of a sandbox. Each event is delivered to all that subscribe to it."""


@dataclass(frozen=True, slots=True)
class AddEndpoint:
    """Register a URL for events. A repeat with the same URL and events returns the same endpoint."""

    sandbox_id: str
    url: str
    events: tuple[str, ...]
    profile: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing but the sandbox."""
        return ()

    def decide(self, work: Work) -> Answer:
        """201 and the endpoint, with the secret that signs its deliveries. Raises Refused `too_many_endpoints`."""
        endpoints = work.sandbox.endpoints
        id = make_id("whe", work.sandbox.seed, self.url, *self.events, self.profile)
        for endpoint in endpoints:
            if endpoint["id"] == id:
                return Answer(200, endpoint)
        if len(endpoints) >= ENDPOINTS_MAX:
            raise Refused(
                "too_many_endpoints",
                f"the sandbox already has {len(endpoints)} webhook endpoints",
                expected=f"at most {ENDPOINTS_MAX}",
            )
        added: EndpointDoc = {
            "id": id,
            "url": self.url,
            "events": list(self.events),
            "profile": self.profile,
            "secret": secret_under(work.sandbox.key_hash, f"endpoint:{id}"),
            "created_at": rfc3339(work.now_ms),
        }
        work.put(replace(work.sandbox, endpoints=(*endpoints, added)))
        return Answer(201, added)


@dataclass(frozen=True, slots=True)
class RemoveEndpoint:
    """Delete an endpoint. Its pending messages are no longer sent."""

    sandbox_id: str
    endpoint_id: str
    idem: Idempotency | None = None

    def needs(self) -> Iterable[Key]:
        """Nothing but the sandbox."""
        return ()

    def decide(self, work: Work) -> Answer:
        """204."""
        endpoints = work.sandbox.endpoints
        remaining = tuple(endpoint for endpoint in endpoints if endpoint["id"] != self.endpoint_id)
        if len(remaining) == len(endpoints):
            raise Refused("endpoint_unknown", f"no endpoint {self.endpoint_id}", endpoint_id=self.endpoint_id)
        work.put(replace(work.sandbox, endpoints=remaining))
        return Answer(204, {})
