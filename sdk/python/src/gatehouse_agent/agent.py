"""An agent: enrolled once, opened from its folder from then on."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Type, Union

from .beat import Activity, Heart
from .errors import ConfigurationError
from .inbox import Messages
from .keys import make_key
from .plans import Plans
from .session import Retry, Session
from .session import enrol as exchange
from .state import Folder, State
from .trace import Span, Tracing
from .transport import HttpxTransport, StandardTransport, Transport, check_url

SEVERITIES = ("info", "low", "medium", "high", "critical")
PathLike = Union[str, "os.PathLike[str]"]


class Agent:
    """Made with `enrol`, `open` or `open_or_enrol`. Within `with` it beats in the background:

        with Agent.open("state") as agent:
            agent.plans.run(work)

    `transport` is an `httpx.Client`, None for the standard library. `on_span` is called with each span that has ended;
    `tracer`, of OpenTelemetry, is asked for spans instead. `timeout`: seconds for an answer, long polls aside.
    """

    def __init__(self, folder: Folder, state: State, transport: Transport, *, retry: Retry, timeout: float,
                 on_span: Optional[Callable[[Span], None]], tracer: Any) -> None:
        self.session = Session(folder, state, transport, retry, timeout)
        self.activity = Activity()
        self.heart = Heart(self.session, self.activity)
        self.tracing = Tracing(on_span, tracer)
        self.messages = Messages(self.session, self.tracing, self.activity)
        self.plans = Plans(self.session, self.tracing, self.activity)

    # --- how it comes ---

    @classmethod
    def enrol(cls, folder: PathLike, url: str, token: str, *, ca_file: Optional[PathLike] = None, pki_url: Optional[str] = None,
              agent_version: Optional[str] = None, capabilities: Optional[Iterable[str]] = None, again: bool = False,
              insecure: bool = False, client: Any = None, retry: Retry = Retry(), timeout: float = 15.0,
              on_span: Optional[Callable[[Span], None]] = None, tracer: Any = None) -> "Agent":
        """Exchanges the one-time token for a certificate and tokens, kept in `folder`. `ca_file` is the root of the house, or of
        whoever vouches for its listener; without, what the system trusts. `pki_url` is a listener with TLS, where the certificate
        is renewed (default: `url`). `again`: an agent that lives in the folder comes anew, with a new key."""
        check_url(url, insecure)
        check_url(pki_url or url, insecure)
        trust = Path(ca_file).read_text() if ca_file else None
        transport = _transport(url, trust, client)
        kept = Folder(folder)
        kept.hold()
        try:
            if kept.state_file.exists() and not again:
                raise ConfigurationError(f"an agent lives in {kept.path} already: open it, or say again=True")
            key = make_key()
            kept.write(kept.next_key_file, key)
            state = exchange(kept, transport, retry, timeout, url=url, pki_url=pki_url or url, trust=trust, token=token, key=key,
                             agent_version=agent_version, capabilities=capabilities)
        except BaseException:
            transport.close()
            kept.let_go()
            raise
        return cls(kept, state, transport, retry=retry, timeout=timeout, on_span=on_span, tracer=tracer)

    @classmethod
    def open(cls, folder: PathLike, *, client: Any = None, retry: Retry = Retry(), timeout: float = 15.0,
             on_span: Optional[Callable[[Span], None]] = None, tracer: Any = None) -> "Agent":
        """As it was left. EnrolmentNeeded: nobody lives there. ConfigurationError: another process works with it."""
        kept = Folder(folder)
        kept.hold()
        try:
            state = kept.load()
            kept.take_key(state)
            kept.save_certificate(state)
        except BaseException:
            kept.let_go()
            raise
        transport = _transport(state.url, state.trust, client)
        return cls(kept, state, transport, retry=retry, timeout=timeout, on_span=on_span, tracer=tracer)

    @classmethod
    def open_or_enrol(cls, folder: PathLike, url: str, token: Optional[str], **options: Any) -> "Agent":
        """For a program that is started again and again: the token counts at the first start alone."""
        if (Path(folder) / "state.json").exists():
            kept = {name: options[name] for name in ("client", "retry", "timeout", "on_span", "tracer") if name in options}
            return cls.open(folder, **kept)
        if not token:
            raise ConfigurationError(f"no agent lives in {folder}, and there is no one-time token")
        return cls.enrol(folder, url, token, **options)

    # --- what it is ---

    @property
    def id(self) -> str:
        return self.session.state.agent_id

    @property
    def name(self) -> str:
        return self.session.state.hostname

    def describe(self) -> Dict[str, Any]:
        """The agent, as the house has it."""
        read: Dict[str, Any] = self.session.call("self")
        return read

    # --- what it does ---

    def report_threat(self, type: str, severity: str, *, fingerprint: Optional[str] = None,
                      details: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
        """What it has seen of attackers. The same `fingerprint` within a while is one threat, and may be reported again when an
        answer was lost."""
        if severity not in SEVERITIES:
            raise ValueError(f"{severity} is none of {', '.join(SEVERITIES)}")
        body: Dict[str, Any] = {"type": type, "severity": severity}
        if fingerprint is not None:
            body["fingerprint"] = fingerprint
        if details is not None:
            body["details"] = dict(details)
        read: Dict[str, Any] = self.session.call("threat", body=body, repeat=fingerprint is not None)
        return read

    def start(self) -> "Agent":
        """Beats in the background from now on, and renews tokens and certificate in time."""
        self.heart.start()
        return self

    def stop(self) -> None:
        """For a signal's handler: `run` returns once what it works on is reported, or what it waits for is over."""
        self.session.closed.set()

    def close(self) -> None:
        """Ends heartbeats, pauses between attempts, and connections. The next process may open the folder."""
        self.stop()
        self.heart.stop()
        self.session.close()
        self.session.folder.let_go()

    def __enter__(self) -> "Agent":
        return self.start()

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()


def _transport(url: str, trust: Optional[str], client: Any) -> Transport:
    return HttpxTransport(url, client) if client is not None else StandardTransport(url, trust)
