"""Traces that go on: who sent a message or made a plan began one, and what is done for it belongs there (W3C Trace Context)."""

from __future__ import annotations

import contextlib
import contextvars
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Union

_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{32}\Z"), re.compile(r"[0-9a-f]{16}\Z")
Value = Union[str, int, float, bool]


@dataclass(frozen=True)
class TraceContext:
    """A span of somebody's: what `_trace_context` of a message or a step says."""

    trace_id: str
    span_id: str
    flags: int = 1

    @staticmethod
    def parse(value: object) -> Optional["TraceContext"]:
        """Of the members `trace_id`, `span_id` and `trace_flags`. None: there is none, or it is invalid."""
        if not isinstance(value, Mapping):
            return None
        trace_id, span_id, flags = value.get("trace_id"), value.get("span_id"), value.get("trace_flags", 1)
        if not isinstance(trace_id, str) or not _TRACE_ID.match(trace_id) or not int(trace_id, 16):
            return None
        if not isinstance(span_id, str) or not _SPAN_ID.match(span_id) or not int(span_id, 16):
            return None
        if isinstance(flags, str):
            flags = int(flags, 16) if re.match(r"[0-9a-f]{2}\Z", flags) else -1
        if isinstance(flags, bool) or not isinstance(flags, int) or not 0 <= flags <= 255:
            return None
        return TraceContext(trace_id, span_id, flags)

    @staticmethod
    def begin() -> "TraceContext":
        return TraceContext(secrets.token_hex(16), secrets.token_hex(8))

    def child(self) -> "TraceContext":
        return TraceContext(self.trace_id, secrets.token_hex(8), self.flags)

    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def fields(self) -> Dict[str, Value]:
        """As a message carries it."""
        return {"trace_id": self.trace_id, "span_id": self.span_id, "trace_flags": self.flags}


@dataclass
class Span:
    """What was done, for a hook of the caller's. Times are nanoseconds since 1970."""

    name: str
    context: TraceContext
    parent: Optional[TraceContext]
    links: Sequence[TraceContext]
    attributes: Dict[str, Value]
    start: int
    end: int = 0
    error: Optional[BaseException] = field(default=None, repr=False)


_current: "contextvars.ContextVar[Optional[TraceContext]]" = contextvars.ContextVar("gatehouse_trace", default=None)


def current_trace() -> Optional[TraceContext]:
    """Where requests that are made now belong."""
    return _current.get()


@contextlib.contextmanager
def continue_trace(context: Optional[TraceContext]) -> Iterator[Optional[TraceContext]]:
    """Requests inside carry this context as their `traceparent`."""
    before = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(before)


class Tracing:
    """Makes spans: for `on_span`, called with each that has ended, or for a `tracer` of OpenTelemetry."""

    def __init__(self, on_span: Optional[Callable[[Span], None]] = None, tracer: Any = None) -> None:
        self._on_span, self._tracer = on_span, tracer

    @contextlib.contextmanager
    def span(self, name: str, contexts: Sequence[Optional[TraceContext]],
             attributes: Dict[str, Value]) -> Iterator[Optional[TraceContext]]:
        """A child of the first context, linked with the others; without any, in the caller's own trace or a new one."""
        known: List[TraceContext] = []
        for each in contexts:
            if each is not None and each not in known:
                known.append(each)
        parent = known[0] if known else current_trace()
        make = self._of_opentelemetry if self._tracer is not None else self._of_ours
        with make(name, parent, known[1:], attributes) as context, continue_trace(context):
            yield context

    @contextlib.contextmanager
    def _of_ours(self, name: str, parent: Optional[TraceContext], links: Sequence[TraceContext],
                 attributes: Dict[str, Value]) -> Iterator[TraceContext]:
        context = parent.child() if parent else TraceContext.begin()
        span = Span(name, context, parent, links, attributes, time.time_ns())
        try:
            yield context
        except BaseException as problem:
            span.error = problem
            raise
        finally:
            span.end = time.time_ns()
            if self._on_span:
                self._on_span(span)

    @contextlib.contextmanager
    def _of_opentelemetry(self, name: str, parent: Optional[TraceContext], links: Sequence[TraceContext],
                          attributes: Dict[str, Value]) -> Iterator[Optional[TraceContext]]:
        from opentelemetry import trace  # type: ignore[import]  # whoever has a tracer has this

        def remote(context: TraceContext) -> Any:
            return trace.SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True,
                                     trace_flags=trace.TraceFlags(context.flags))
        above = trace.set_span_in_context(trace.NonRecordingSpan(remote(parent))) if parent else None
        with self._tracer.start_as_current_span(name, context=above, kind=trace.SpanKind.CONSUMER, attributes=attributes,
                                                links=[trace.Link(remote(each)) for each in links]) as span:
            made = span.get_span_context()
            yield (TraceContext(f"{made.trace_id:032x}", f"{made.span_id:016x}", int(made.trace_flags))
                   if made.is_valid else parent)
