"""Steps of plans: claimed with a lease, worked on, completed or failed."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from .beat import Activity
from .errors import PASSING, GatehouseError, Invalid, LeaseLost
from .inbox import BRIEF
from .lease import LeaseKeeper
from .session import Session, log
from .trace import TraceContext, Tracing, continue_trace

WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Input:
    """What a step depends on. `has_result`: `Step.result_of` reads it."""

    step_id: str
    state: str
    has_result: bool
    reference: Optional[str]
    confidence: Optional[float]
    quality: Optional[float]


@dataclass(frozen=True)
class Report:
    """What the house has taken down; the same again is answered the same."""

    plan_id: str
    step_id: str
    attempt: int
    outcome: str
    duration_ms: int


class NotRetryable(Exception):
    """Raised by a handler: another attempt at this step is of no use."""


class Step:
    """A step that this agent has leased."""

    def __init__(self, plans: "Plans", read: Mapping[str, Any]) -> None:
        self._plans, self.raw = plans, read
        self.plan_id: str = read["plan_id"]
        self.step_id: str = read["step_id"]
        self.type: str = read["type"]
        self.name: str = read["name"]
        self.metadata: Dict[str, Any] = read["metadata"]
        self.attempt: int = read["attempt"]
        self.lease: str = read["lease"]
        self.lease_seconds: float = read["lease_ms"] / 1000
        self.timeout_seconds: Optional[float] = read["timeout_ms"] / 1000 if read.get("timeout_ms") else None
        self.inputs: List[Input] = [
            Input(each["step_id"], each["state"], bool(each.get("result")), each.get("reference"), each.get("confidence"),
                  each.get("quality")) for each in read["inputs"]]
        self.trace = TraceContext.parse(read.get("_trace_context"))
        self.lost = threading.Event()

    def __repr__(self) -> str:
        return f"Step({self.plan_id!r}, {self.step_id!r}, attempt={self.attempt})"

    @contextlib.contextmanager
    def working(self) -> Iterator["Step"]:
        """The lease is kept, requests belong to the plan's trace, a span `process_step` tells of it."""
        keeper = LeaseKeeper(self._kept, self.lease_seconds)
        keeper.lost = self.lost
        with self._plans.span(self), self._plans.activity.invocation(), keeper:
            yield self

    def _kept(self) -> float:
        heard = self._plans.call(self, "step_heartbeat", {"lease": self.lease}, retry=BRIEF)
        return float(heard["lease_ms"]) / 1000

    def heartbeat(self) -> float:
        """Renews the lease; for how many seconds. `working` does so by itself."""
        heard = self._plans.call(self, "step_heartbeat", {"lease": self.lease})
        return float(heard["lease_ms"]) / 1000

    def result_of(self, step_id: str) -> Any:
        """What a step that this one depends on has found."""
        return self._plans.result(self.plan_id, step_id)

    def complete(self, result: Any = None, *, reference: Optional[str] = None, confidence: Optional[float] = None,
                 quality: Optional[float] = None, expand: Optional[Sequence[Mapping[str, Any]]] = None) -> Report:
        """`confidence` and `quality` from 0 to 1; `reference` says where larger things are; `expand` are steps that this one
        becomes. LeaseLost: it is another's by now."""
        members = {"result": result, "reference": reference, "confidence": confidence, "quality": quality,
                   "expand": list(expand) if expand is not None else None}
        return Report(**self._plans.call(self, "step_complete", {
            "lease": self.lease, **{name: value for name, value in members.items() if value is not None}}))

    def fail(self, error: str, *, retryable: bool = True) -> Report:
        return Report(**self._plans.call(self, "step_fail", {"lease": self.lease, "error": error[:4000] or "error", "retryable": retryable}))


@dataclass(frozen=True)
class Outcome:
    """What a handler of `Plans.run` returns, where a result alone does not say enough."""

    result: Any = None
    reference: Optional[str] = None
    confidence: Optional[float] = None
    quality: Optional[float] = None
    expand: Optional[Sequence[Mapping[str, Any]]] = None


class Plans:
    """Work for an agent."""

    def __init__(self, session: Session, tracing: Tracing, activity: Activity) -> None:
        self._session, self._tracing, self.activity = session, tracing, activity

    def claim(self, max: int = 1, wait: float = WAIT_SECONDS) -> List[Step]:
        """Steps that this agent can do, as soon as there is one; none: nothing came within `wait` seconds (30 at most)."""
        with self.activity.waiting():
            read = self._session.call("claim", body={"max": max, "wait_ms": int(wait * 1000)}, timeout=wait)
        return [Step(self, each) for each in read["steps"]]

    def result(self, plan_id: str, step_id: str) -> Any:
        """What the step has found, as JSON."""
        return self._session.call("step_result", path={"plan": plan_id, "step": step_id}).get("result")

    def run(self, handle: Callable[[Step], Any], *, stop: Optional[threading.Event] = None, wait: float = WAIT_SECONDS,
            on_report: Optional[Callable[[Report], None]] = None) -> None:
        """Until `stop`, or until the agent is closed, one step at a time. What `handle` returns is the result, or an `Outcome`;
        an exception fails the step, `NotRetryable` for good."""
        while not self._session.closed.is_set() and not (stop and stop.is_set()):
            for step in self._claimed(wait):
                try:
                    report = self._work(step, handle)
                    if on_report:
                        on_report(report)
                except LeaseLost as problem:
                    log.warning("%r is given to the next one: %s", step, problem)
                except GatehouseError as problem:
                    log.error("%r was not reported: %s", step, problem)

    def _claimed(self, wait: float) -> List[Step]:
        try:
            return self.claim(1, wait)
        except PASSING as problem:
            self._session.rest(problem)
            return []

    def _work(self, step: Step, handle: Callable[[Step], Any]) -> Report:
        """It is completed while the lease is kept still. A report that did not get through is none of the handler's failures."""
        reporting = False
        try:
            with step.working():
                done = handle(step)
                said = done if isinstance(done, Outcome) else Outcome(result=done)
                reporting = True
                return step.complete(said.result, reference=said.reference, confidence=said.confidence, quality=said.quality,
                                     expand=said.expand)
        except Exception as problem:
            if isinstance(problem, LeaseLost) or reporting and not isinstance(problem, Invalid):
                raise
            log.exception("%r has failed", step)
            failure = problem
        with continue_trace(step.trace):
            return step.fail(f"{type(failure).__name__}: {failure}", retryable=not isinstance(failure, NotRetryable))

    def call(self, step: Step, name: str, body: Mapping[str, Any], **options: Any) -> Any:
        return self._session.call(name, path={"plan": step.plan_id, "step": step.step_id}, body=body, **options)

    def span(self, step: Step) -> "contextlib.AbstractContextManager[Optional[TraceContext]]":
        return self._tracing.span("process_step", [step.trace], {
            "agent.name": self._session.state.hostname, "plan.id": step.plan_id, "plan.step.id": step.step_id,
            "plan.step.type": step.type})
