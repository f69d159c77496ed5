"""Heartbeats in the background: that the agent is there, how it is, and what it has run since the one before."""

from __future__ import annotations

import collections
import contextlib
import random
import threading
import time
from typing import Any, Deque, Dict, Iterator, List, Optional

from .errors import AnswerLost, EnrolmentNeeded, GatehouseError, Invalid
from .session import Retry, Session, log

ITEMS_MAX = 200  # of each kind in one heartbeat
WAITING_MAX = 5000  # beyond, the oldest are forgotten
ONCE = Retry(attempts=1)  # the next one comes soon


class Activity:
    """What was run. Safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._invocations: Deque[Dict[str, Any]] = collections.deque(maxlen=WAITING_MAX)
        self._llm_calls: Deque[Dict[str, Any]] = collections.deque(maxlen=WAITING_MAX)
        self._running = self._waiting = 0
        self._failed = False

    def invoked(self, succeeded: bool, seconds: float) -> None:
        """One run of the agent has ended."""
        with self._guard:
            self._failed = not succeeded
            self._invocations.append({"status": "success" if succeeded else "error", "duration_ms": int(seconds * 1000)})

    def llm_called(self, model: str, seconds: float, input_tokens: Optional[int] = None, output_tokens: Optional[int] = None) -> None:
        """One call of a language model has ended."""
        call: Dict[str, Any] = {"model": model, "duration_ms": int(seconds * 1000)}
        if input_tokens is not None:
            call["input_tokens"] = input_tokens
        if output_tokens is not None:
            call["output_tokens"] = output_tokens
        with self._guard:
            self._llm_calls.append(call)

    @contextlib.contextmanager
    def invocation(self) -> Iterator[None]:
        """A run: timed, counted, a failure when an exception leaves it."""
        began, succeeded = time.monotonic(), False
        with self._guard:
            self._running += 1
        try:
            yield
            succeeded = True
        finally:
            with self._guard:
                self._running -= 1
            self.invoked(succeeded, time.monotonic() - began)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        with self._guard:
            self._waiting += 1
        try:
            yield
        finally:
            with self._guard:
                self._waiting -= 1

    @property
    def state(self) -> str:
        """`processing`, `error` after a run that failed, `waiting` for work, else `idle`."""
        with self._guard:
            if self._running:
                return "processing"
            return "error" if self._failed else "waiting" if self._waiting else "idle"

    def take(self) -> Dict[str, List[Dict[str, Any]]]:
        """The oldest, no more than a heartbeat may carry."""
        with self._guard:
            return {"invocations": [self._invocations.popleft() for _ in range(min(ITEMS_MAX, len(self._invocations)))],
                    "llm_calls": [self._llm_calls.popleft() for _ in range(min(ITEMS_MAX, len(self._llm_calls)))]}

    def give_back(self, taken: Dict[str, List[Dict[str, Any]]]) -> None:
        """The house has not heard of them."""
        with self._guard:
            for kept, items in ((self._invocations, taken["invocations"]), (self._llm_calls, taken["llm_calls"])):
                kept.extendleft(reversed(items[:max(0, WAITING_MAX - len(kept))]))


class Heart:
    """A thread that beats as often as the house wants, and tends tokens and certificate on the way."""

    def __init__(self, session: Session, activity: Activity) -> None:
        self._session, self._activity = session, activity
        self.status = "online"
        self.interval = session.state.interval_ms / 1000
        self.problem: Optional[GatehouseError] = None
        self._stop = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def beat(self) -> Dict[str, int]:
        """Now. The answer: `interval_ms`, `offline_after_ms`, `durable_within_ms`."""
        taken = self._activity.take()
        body: Dict[str, Any] = {"status": self.status, "state": self._activity.state}
        body.update((name, items) for name, items in taken.items() if items)
        try:
            heard: Dict[str, int] = self._session.call("heartbeat", path={"agent": self._session.state.agent_id}, body=body, retry=ONCE)
        except GatehouseError as problem:
            if not isinstance(problem, (AnswerLost, Invalid)):
                self._activity.give_back(taken)
            raise
        self.interval = heard["interval_ms"] / 1000
        return heard

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="gatehouse-heart", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._session.tend()
                self.beat()
                self.problem = None
            except EnrolmentNeeded as problem:
                self.problem = problem
                log.error("no more heartbeats: %s", problem)
                return
            except GatehouseError as problem:
                self.problem = problem
                log.warning("a heartbeat was not heard: %s", problem)
            except Exception:
                log.exception("a heartbeat went wrong")
            if self._stop.wait(self.interval * random.uniform(0.8, 1.0)):
                return

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._session.timeout + 5)
            self._thread = None
