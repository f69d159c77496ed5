"""What is asked of a house: one row a route. The client sends nothing that is not in this table."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Tuple


class Route(NamedTuple):
    """`body` and `query` are the fields that may be sent. `repeat`: it may be sent again when its answer was lost."""

    method: str
    path: str
    body: Tuple[str, ...] = ()
    query: Tuple[str, ...] = ()
    repeat: bool = True


_MESSAGE = ("recipient", "body", "deliver_at", "expires_at", "_trace_context")

ROUTES: Mapping[str, Route] = {
    "enrol": Route("POST", "/api/v1/agents/enrol", ("token", "csr", "agent_version", "capabilities"), repeat=False),
    "refresh": Route("POST", "/api/v1/agents/refresh", ("refresh_token",), repeat=False),
    "certificate": Route("POST", "/pki/renew", ("csr",)),
    "self": Route("GET", "/api/v1/agents/self"),
    "heartbeat": Route("POST", "/api/v1/agents/{agent}/heartbeat", ("status", "state", "invocations", "llm_calls"), repeat=False),
    "threat": Route("POST", "/api/v1/threats", ("type", "severity", "fingerprint", "details"), repeat=False),
    "send": Route("POST", "/api/v1/messages", ("id", "conversation_id", "type", *_MESSAGE)),
    "send_batch": Route("POST", "/api/v1/messages/batch", ("messages",)),
    "notify": Route("POST", "/api/v1/notifications", ("notification_id", "notification_type", *_MESSAGE)),
    "receive": Route("GET", "/api/v1/messages/receive", query=("max", "wait", "lease")),
    "stream": Route("GET", "/api/v1/messages/stream", query=("max", "lease")),
    "ack": Route("POST", "/api/v1/messages/ack", ("ids",)),
    "nack": Route("POST", "/api/v1/messages/nack", ("receipt", "ids", "delay_seconds"), repeat=False),
    "renew_lease": Route("POST", "/api/v1/messages/renew", ("receipt", "lease_seconds")),
    "claim": Route("POST", "/api/v1/plans/claim", ("max", "wait_ms")),
    "step_heartbeat": Route("POST", "/api/v1/plans/{plan}/steps/{step}/heartbeat", ("lease",)),
    "step_complete": Route("POST", "/api/v1/plans/{plan}/steps/{step}/complete",
                           ("lease", "result", "reference", "confidence", "quality", "expand")),
    "step_fail": Route("POST", "/api/v1/plans/{plan}/steps/{step}/fail", ("lease", "error", "retryable")),
    "step_result": Route("GET", "/api/v1/plans/{plan}/steps/{step}/result"),
}
