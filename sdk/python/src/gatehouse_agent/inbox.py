"""Messages: sent, received by long polls or as a stream, acknowledged, given back, their leases renewed."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

from .beat import Activity
from .errors import PASSING, LeaseLost
from .lease import LeaseKeeper
from .routes import ROUTES
from .session import Retry, Session, log, refusal_of, target_of
from .trace import TraceContext, Tracing
from .transport import Answer, Stream

LEASE_SECONDS = 60
WAIT_SECONDS = 20
SILENCE_SECONDS = 45.0  # of a stream that says every 15 s that it is still there
BRIEF = Retry(attempts=2)

Moment = Union[datetime, str, None]


@dataclass(frozen=True)
class Message:
    """Something of the inbox. `raw` is all that the house said of it."""

    id: str
    kind: str
    sender: str
    body: Dict[str, Any]
    type: Optional[str]
    conversation_id: Optional[str]
    notification_type: Optional[str]
    deliveries: int
    receipt: str
    trace: Optional[TraceContext]
    raw: Mapping[str, Any] = field(repr=False)

    @staticmethod
    def of(read: Mapping[str, Any]) -> "Message":
        return Message(id=read["id"], kind=read["kind"], sender=read["sender"], body=read["body"], type=read.get("type"),
                       conversation_id=read.get("conversation_id"), notification_type=read.get("notification_type"),
                       deliveries=read["deliveries"], receipt=read.get("receipt", ""),
                       trace=TraceContext.parse(read.get("_trace_context")), raw=read)


@dataclass(frozen=True)
class Sent:
    """What became of a message: 201 sent, 200 sent before, else refused for the reason `code`."""

    id: str
    status: int
    code: Optional[str] = None


class Batch(Sequence[Message]):
    """Messages that are leased together, in their order."""

    def __init__(self, inbox: "Messages", messages: Sequence[Message], receipt: str, lease: int) -> None:
        self._inbox, self._messages, self.receipt, self.lease = inbox, messages, receipt, lease
        self.lost = threading.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, index: Any) -> Any:
        return self._messages[index]

    def ack(self, *messages: Message) -> None:
        """These are done with, without arguments all of them."""
        self._inbox.ack(each.id for each in messages or self._messages)

    def nack(self, *messages: Message, delay: int = 0) -> None:
        """Given back, without arguments all of them. LeaseLost: they are out no more."""
        ids = [each.id for each in messages or self._messages]
        self._inbox.nack(self.receipt, ids, delay)

    def renew(self, seconds: Optional[int] = None) -> None:
        """More time, from now. LeaseLost: they are out no more."""
        self._inbox.renew(self.receipt, seconds or self.lease)

    @contextlib.contextmanager
    def process(self) -> Iterator["Batch"]:
        """Work on them: the lease is kept, requests belong to the senders' trace, one span `process_notifications` tells of it."""
        keeper = LeaseKeeper(self._kept, self.lease)
        keeper.lost = self.lost
        with self._inbox.span(self._messages), self._inbox.activity.invocation(), keeper:
            yield self

    def _kept(self) -> float:
        self._inbox.renew(self.receipt, self.lease, BRIEF)
        return self.lease


class Messages:
    """The inbox of an agent, and what it sends."""

    def __init__(self, session: Session, tracing: Tracing, activity: Activity) -> None:
        self._session, self._tracing, self.activity = session, tracing, activity

    # --- sending ---

    def send(self, recipient: str, body: Optional[Mapping[str, Any]] = None, **more: Any) -> Sent:
        """To the id of an agent, or `user:NAME`, `service:NAME`, `api_key:ID`. `more`: `id`, `type`, `conversation_id`,
        `deliver_at`, `expires_at`, `trace`. It has an id of its own, so that it is sent once however often it is tried."""
        read = self._session.call("send", body=new_message(recipient, body, **more))
        return _sent(read)

    def send_batch(self, messages: Iterable[Mapping[str, Any]]) -> List[Sent]:
        """Up to a hundred, made with `new_message`, each judged by itself."""
        read = self._session.call("send_batch", body={"messages": list(messages)})
        return [_sent(each) for each in read["items"]]

    def notify(self, recipient: str, notification_type: str, body: Optional[Mapping[str, Any]] = None, *,
               notification_id: Optional[str] = None, deliver_at: Moment = None, expires_at: Moment = None) -> Sent:
        """Something has happened."""
        said = _without_none({"notification_id": notification_id or str(uuid.uuid4()), "recipient": recipient, "body": dict(body or {}),
                              "notification_type": notification_type, "deliver_at": _moment(deliver_at),
                              "expires_at": _moment(expires_at)})
        return _sent(self._session.call("notify", body=said))

    # --- receiving ---

    def receive(self, max: int = 10, wait: int = WAIT_SECONDS, lease: int = LEASE_SECONDS) -> Batch:
        """The first of the line, or what comes within `wait` seconds (30 at most); empty: nothing came."""
        with self.activity.waiting():
            read = self._session.call("receive", query={"max": max, "wait": wait, "lease": lease}, timeout=wait)
        return Batch(self, [Message.of(each) for each in read["messages"]], read.get("receipt") or "", lease)

    def ack(self, ids: Iterable[str]) -> None:
        self._session.call("ack", body={"ids": list(ids)})

    def nack(self, receipt: str, ids: Iterable[str], delay: int = 0) -> None:
        self._session.call("nack", body={"receipt": receipt, "ids": list(ids), "delay_seconds": delay})

    def renew(self, receipt: str, seconds: int, retry: Optional[Retry] = None) -> None:
        self._session.call("renew_lease", body={"receipt": receipt, "lease_seconds": seconds}, retry=retry)

    def stream(self, max: int = 1, lease: int = LEASE_SECONDS) -> Iterator[Message]:
        """Messages as they come (Server-Sent Events), without end. The next ones follow when these are acknowledged: with
        `ack([message.id])`. A connection that ends is made anew, and what was not acknowledged comes again."""
        receipt, failures = "", 0
        while not self._session.closed.is_set():
            retry_after: Optional[float] = None
            failures += 1
            try:
                for message in self._connection(max, lease, receipt):
                    receipt, failures = message.receipt, 0
                    yield message
            except PASSING as problem:
                retry_after = getattr(problem, "retry_after", None)
                log.info("the stream of messages has ended: %s", problem)
            self._session.closed.wait(self._session.retry.pause(failures, retry_after))

    def _connection(self, max: int, lease: int, receipt: str) -> Iterator[Message]:
        headers = {**self._session.headers(), "Accept": "text/event-stream", **({"Last-Event-ID": receipt} if receipt else {})}
        target = target_of(ROUTES["stream"], {}, {"max": max, "lease": lease})
        with self._session.transport.lines(target, headers, SILENCE_SECONDS) as told:
            if told.status != 200:
                raise refusal_of(Answer(told.status, told.headers, "\n".join(told.lines).encode()))
            for event in events_of(told):
                yield Message.of(json.loads(event))

    # --- a loop ---

    def run(self, handle: Callable[[Message], None], *, stop: Optional[threading.Event] = None, max: int = 1,
            lease: int = LEASE_SECONDS, wait: int = WAIT_SECONDS, delay: int = 5) -> None:
        """Until `stop`, or until the agent is closed: acknowledges what `handle` returns from, and gives back, for `delay`
        seconds, what it raises at, with all behind it."""
        while not self._session.closed.is_set() and not (stop and stop.is_set()):
            try:
                batch = self.receive(max=max, wait=wait, lease=lease)
            except PASSING as problem:
                self._session.rest(problem)
                continue
            if not batch:
                continue
            try:
                with batch.process():
                    for message in batch:
                        if batch.lost.is_set():
                            break
                        handle(message)
                        batch.ack(message)
            except LeaseLost as problem:
                log.warning("messages are given to the next one: %s", problem)
            except Exception:
                log.exception("a message was not handled")
                with contextlib.suppress(LeaseLost, *PASSING):  # then its lease ends by itself
                    batch.nack(delay=delay)

    def span(self, messages: Sequence[Message]) -> "contextlib.AbstractContextManager[Optional[TraceContext]]":
        return self._tracing.span("process_notifications", [each.trace for each in messages],
                                  {"agent.name": self._session.state.hostname, "notification.count": len(messages)})


def new_message(recipient: str, body: Optional[Mapping[str, Any]] = None, *, id: Optional[str] = None, type: Optional[str] = None,
                conversation_id: Optional[str] = None, deliver_at: Moment = None, expires_at: Moment = None,
                trace: Optional[TraceContext] = None) -> Dict[str, Any]:
    """As the API takes it. Without `trace` it belongs to the trace of the request that sends it."""
    return _without_none({"id": id or str(uuid.uuid4()), "recipient": recipient, "body": dict(body or {}), "type": type,
                          "conversation_id": conversation_id, "deliver_at": _moment(deliver_at), "expires_at": _moment(expires_at),
                          "_trace_context": trace.fields() if trace else None})


def events_of(told: Stream) -> Iterator[str]:
    """The data of each event (WHATWG HTML 9.2); comments and other fields are left out."""
    data: List[str] = []
    for line in told.lines:
        if line.startswith("data:"):
            data.append(line[5:].lstrip(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _moment(value: Moment) -> Optional[str]:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def _without_none(members: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _sent(read: Mapping[str, Any]) -> Sent:
    return Sent(read["id"], read["status"], read.get("code"))
