"""Agents that work beside Gatehouse: enrolment, tokens, heartbeats, messages, steps of plans, threats, traces."""

from .agent import Agent
from .beat import Activity
from .errors import (AnswerLost, ConfigurationError, Conflict, EnrolmentNeeded, GatehouseError, Invalid, LeaseLost, NotFound,
                     NotSent, PermissionDenied, Refused, Unauthenticated, Unavailable)
from .inbox import Batch, Message, Messages, Sent, new_message
from .plans import Input, NotRetryable, Outcome, Plans, Report, Step
from .routes import ROUTES
from .session import Retry
from .trace import Span, TraceContext, continue_trace, current_trace

__version__ = "0.1.0"
__all__ = [
    "ROUTES", "Activity", "Agent", "AnswerLost", "Batch", "ConfigurationError", "Conflict", "EnrolmentNeeded", "GatehouseError",
    "Input", "Invalid", "LeaseLost", "Message", "Messages", "NotFound", "NotRetryable", "NotSent", "Outcome", "PermissionDenied",
    "Plans", "Refused", "Report", "Retry", "Sent", "Span", "Step", "TraceContext", "Unauthenticated", "Unavailable",
    "continue_trace", "current_trace", "new_message",
]
