"""What may go wrong, as exceptions. `code` is that of the problem document (RFC 9457): what programs look at."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional


class GatehouseError(Exception):
    """The root of all."""


class ConfigurationError(GatehouseError):
    """What was asked for cannot be: a folder in use, a URL that would send tokens in the clear, no way to make a key."""


class NotSent(GatehouseError):
    """No connection: the house has not heard of it."""


class AnswerLost(GatehouseError):
    """It was sent, and nobody knows what became of it."""


class EnrolmentNeeded(GatehouseError):
    """The tokens have ended or are of no use: an operator makes another one-time token (`gatehouse agents enrol-token`)."""


class Refused(GatehouseError):
    """An answer that says no."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: Optional[float] = None) -> None:
        self.status = status
        self.code: str = str(problem.get("code", f"http.{status}"))
        self.detail: str = str(problem.get("detail", ""))
        self.request_id: str = str(problem.get("request_id", ""))
        self.errors: List[Mapping[str, Any]] = list(problem.get("errors", []))
        self.retry_after = retry_after
        wrong = "; ".join(f"{each.get('pointer', each.get('parameter', ''))}: {each.get('detail', '')}" for each in self.errors)
        super().__init__(" ".join(filter(None, (f"{status} {self.code}", self.detail, wrong))))


class Unauthenticated(Refused):
    """401: the house does not believe the credential."""


class PermissionDenied(Refused):
    """403."""


class NotFound(Refused):
    """404."""


class Conflict(Refused):
    """409: something else came first."""


class LeaseLost(Conflict):
    """409 `bus.lease_over`, `plan.lease_lost`: somebody else has it, or may have."""


class Invalid(Refused):
    """413 or 422: `errors` says which fields."""


class Unavailable(Refused):
    """429, 502, 503, 504 or 507 even after all attempts; `retry_after` in seconds where the house said so."""


RETRIED = frozenset((429, 502, 503, 504, 507))
PASSING = (NotSent, AnswerLost, Unavailable)  # what a loop outlives
_CLASSES = {401: Unauthenticated, 403: PermissionDenied, 404: NotFound, 409: Conflict, 413: Invalid, 422: Invalid}


def refusal(status: int, problem: Mapping[str, Any], retry_after: Optional[float] = None) -> Refused:
    """The exception of an answer."""
    kind = Unavailable if status in RETRIED else _CLASSES.get(status, Refused)
    if status == 409 and problem.get("code") in ("bus.lease_over", "plan.lease_lost"):
        kind = LeaseLost
    return kind(status, problem, retry_after)
