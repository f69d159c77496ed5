"""Calls in the agent's name: tokens that are renewed in time, attempts that are repeated where that is right."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import urllib.parse
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterable, Mapping, Optional

from .errors import RETRIED, AnswerLost, EnrolmentNeeded, GatehouseError, NotSent, Refused, Unauthenticated, Unavailable, refusal
from .keys import make_request
from .routes import ROUTES, Route
from .state import Folder, State, digest_of
from .trace import current_trace
from .transport import Answer, StandardTransport, Transport

log = logging.getLogger("gatehouse_agent")

ONE_TIME = ("enrol", "refresh")  # on a connection of their own: an idle one may end as they are sent
RENEW_AFTER = 2 / 3  # of the life of a token or certificate
RETRY_AFTER_MAX = 120.0  # longer is for the caller to wait
RENEWAL_PAUSE = 60.0  # between attempts at a certificate that failed


@dataclass(frozen=True)
class Retry:
    """Attempts at most, and the bounds of the pause between two of them: by chance up to `first`, twice that, and so on."""

    attempts: int = 5
    first: float = 0.2
    most: float = 10.0

    def pause(self, attempt: int, retry_after: Optional[float] = None) -> float:
        """After attempt number `attempt`, from 1. Never less than the house said, and a little more by chance."""
        chance = random.uniform(0, min(self.most, self.first * 2 ** (attempt - 1)))
        return chance if retry_after is None else retry_after + chance


def seconds_of(text: str) -> float:
    """A time of the API (RFC 3339, UTC), in seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    return moment + (float(f"0.{fraction}") if fraction else 0.0)


def target_of(route: Route, path: Mapping[str, str], query: Mapping[str, object]) -> str:
    if unknown := set(query) - set(route.query):
        raise TypeError(f"{route.path} takes no {', '.join(sorted(unknown))}")
    target = route.path
    for name, value in path.items():
        target = target.replace("{" + name + "}", urllib.parse.quote(value, safe=":"))
    return target + ("?" + urllib.parse.urlencode(query) if query else "")


def retry_after_of(answer: Answer) -> Optional[float]:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else None


def json_of(answer: Answer) -> Any:
    return json.loads(answer.body) if answer.body.strip() else None


def refusal_of(answer: Answer) -> Refused:
    try:
        problem = json_of(answer)
    except ValueError:
        problem = None
    return refusal(answer.status, problem if isinstance(problem, dict) else {}, retry_after_of(answer))


def try_often(transport: Transport, name: str, retry: Retry, headers: Callable[[], Mapping[str, str]], timeout: float,
              wait: Callable[[float], Any], path: Mapping[str, str], query: Mapping[str, object],
              body: Optional[Mapping[str, Any]], repeat: Optional[bool] = None) -> Any:
    """Sends what the table says. What may not be repeated is sent again only when it was surely not taken."""
    route = ROUTES[name]
    if unknown := set(body or ()) - set(route.body):
        raise TypeError(f"{route.path} takes no {', '.join(sorted(unknown))}")
    target, data = target_of(route, path, query), None if body is None else json.dumps(body).encode()
    may_repeat = route.repeat if repeat is None else repeat
    for attempt in range(1, retry.attempts + 1):
        problem: GatehouseError
        pause = retry.pause(attempt)
        try:
            answer = transport.request(route.method, target, headers(), data, timeout, fresh=name in ONE_TIME)
            if answer.status < 300:
                return json_of(answer)
            refused = refusal_of(answer)
            problem = refused
            again = answer.status in RETRIED and (may_repeat or surely_not_taken(refused))
            if refused.retry_after is not None:
                pause = retry.pause(attempt, refused.retry_after)
                again = again and refused.retry_after <= RETRY_AFTER_MAX
        except NotSent as unsent:
            problem, again = unsent, True
        except AnswerLost as lost:
            problem, again = lost, may_repeat
        if not again or attempt == retry.attempts or wait(pause):
            raise problem
        log.info("%s %s: %s; again in %.1f s", route.method, route.path, problem, pause)
    raise AssertionError("no attempt at all")


def surely_not_taken(refused: Refused) -> bool:
    """The house itself has said no, and not a proxy before it nor a database that ended in between."""
    return refused.status in (429, 503, 507) and not refused.code.startswith("http.") and refused.code != "storage.commit_unknown"


class Session:
    """The tokens of one agent. Safe for many threads."""

    def __init__(self, folder: Folder, state: State, transport: Transport, retry: Retry, timeout: float) -> None:
        self.folder, self.transport, self.retry, self.timeout = folder, transport, retry, timeout
        self.closed = threading.Event()
        self._state = state
        self._guard = threading.RLock()
        self._ended: Optional[str] = None
        self._certificate_after = 0.0

    @property
    def state(self) -> State:
        return self._state

    def call(self, name: str, *, path: Optional[Mapping[str, str]] = None, query: Optional[Mapping[str, object]] = None,
             body: Optional[Mapping[str, Any]] = None, timeout: float = 0, repeat: Optional[bool] = None,
             retry: Optional[Retry] = None) -> Any:
        """The JSON of the answer. `timeout`: seconds beyond the usual, for long polls."""
        for last in (False, True):
            token = self.access_token()
            try:
                return try_often(self.transport, name, retry or self.retry, self.headers, self.timeout + timeout,
                                 self.closed.wait, path or {}, query or {}, body, repeat)
            except Unauthenticated:
                if last:
                    raise
                self._renew_tokens(instead_of=token)

    def headers(self) -> Dict[str, str]:
        fields = {"Authorization": f"Bearer {self.access_token()}", "Content-Type": "application/json",
                  "Accept": "application/json", "User-Agent": "gatehouse-agent-python"}
        if context := current_trace():
            fields["traceparent"] = context.traceparent()
        return fields

    # --- tokens ---

    def access_token(self) -> str:
        state = self._state
        if time.time() >= state.access_begun + (state.access_ends - state.access_begun) * RENEW_AFTER and self._can_renew(state):
            try:
                self._renew_tokens(instead_of=state.access_token)
            except (NotSent, Unavailable) as problem:
                log.warning("the access token was not renewed: %s", problem)
        state = self._state
        if time.time() >= state.access_ends:
            raise EnrolmentNeeded(self._ended or "the tokens have ended")
        return state.access_token

    def _can_renew(self, state: State) -> bool:
        return self._ended is None and not state.refreshing

    def _renew_tokens(self, instead_of: str) -> None:
        """Once for all threads. That the token is used is written down before it is, and its successor before anything is
        done with it: a process that is killed in between never shows a token twice."""
        with self._guard:
            state = self._state
            if state.access_token != instead_of:
                return
            if not self._can_renew(state):
                raise EnrolmentNeeded(self._ended or "the answer to the last refresh token was lost")
            if time.time() >= state.refresh_ends:
                self._ended = "the refresh token has ended"
                raise EnrolmentNeeded(self._ended)
            self._state = replace(state, refreshing=True)
            self.folder.save(self._state)
            try:
                answer = try_often(self.transport, "refresh", self.retry, _plain_headers, self.timeout, self.closed.wait, {}, {},
                                   {"refresh_token": state.refresh_token})
            except AnswerLost as lost:
                raise EnrolmentNeeded(f"the answer to a refresh token was lost, and it may not be shown again: {lost}") from lost
            except Unauthenticated as refused:
                self._ended = f"the refresh token was refused: {refused}"
                raise EnrolmentNeeded(self._ended) from refused
            except GatehouseError as problem:
                if isinstance(problem, NotSent) or isinstance(problem, Refused) and surely_not_taken(problem):
                    self._state = state
                    self.folder.save(state)
                raise
            self._state = with_tokens(replace(state, refreshing=False), answer)
            self.folder.save(self._state)

    # --- the certificate ---

    def renew_certificate(self) -> None:
        """The next one, with the same key, over TLS with the one that is there."""
        with self._guard:
            state = self._state
            shown = (str(self.folder.certificate_file), str(self.folder.key_file))
            transport = StandardTransport(state.pki_url, state.trust, shown)
            try:
                request = make_request(self.folder.key_file.read_text())
                answer = try_often(transport, "certificate", Retry(attempts=2), _plain_headers, self.timeout, self.closed.wait, {}, {},
                                   {"csr": request})
            finally:
                transport.close()
            self._state = with_certificate(state, answer)
            self.folder.save(self._state)
            self.folder.save_certificate(self._state)

    def tend(self) -> None:
        """What is due: tokens and certificate. Raises EnrolmentNeeded alone; what else fails is tried again later."""
        self.access_token()
        state, now = self._state, time.time()
        due = state.certificate_begun + (state.certificate_ends - state.certificate_begun) * RENEW_AFTER
        if not state.pki_url.startswith("https:") or now < max(due, self._certificate_after):
            return
        self._certificate_after = now + RENEWAL_PAUSE
        try:
            self.renew_certificate()
        except GatehouseError as problem:
            log.warning("the certificate was not renewed: %s", problem)

    def rest(self, problem: GatehouseError) -> None:
        """A pause of a loop that goes on."""
        if not self.closed.is_set():
            log.warning("%s; it goes on", problem)
            self.closed.wait(max(1.0, getattr(problem, "retry_after", None) or 0.0) + random.uniform(0, 1))

    def close(self) -> None:
        self.closed.set()
        self.transport.close()


def _plain_headers() -> Mapping[str, str]:
    return {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "gatehouse-agent-python"}


def with_tokens(state: State, tokens: Mapping[str, Any]) -> State:
    now = time.time()
    return replace(state, access_token=tokens["access_token"], access_begun=now, access_ends=now + tokens["expires_in"],
                   refresh_token=tokens["refresh_token"], refresh_ends=seconds_of(tokens["refresh_expires_at"]))


def with_certificate(state: State, answer: Mapping[str, Any]) -> State:
    return replace(state, certificate=answer["certificate"], ca=answer["ca"], certificate_begun=time.time(),
                   certificate_ends=seconds_of(answer["not_after"]))


def enrol(folder: Folder, transport: Transport, retry: Retry, timeout: float, *, url: str, pki_url: str, trust: Optional[str],
          token: str, key: str, agent_version: Optional[str], capabilities: Optional[Iterable[str]]) -> State:
    """A one-time token becomes all that an agent needs. It is shown once: an answer that is lost takes another token."""
    body: Dict[str, Any] = {"token": token, "csr": make_request(key)}
    if agent_version is not None:
        body["agent_version"] = agent_version
    if capabilities is not None:
        body["capabilities"] = list(capabilities)
    try:
        answer = try_often(transport, "enrol", retry, _plain_headers, timeout, threading.Event().wait, {}, {}, body)
    except AnswerLost as lost:
        raise EnrolmentNeeded(f"the answer to the one-time token was lost: {lost}") from lost
    blank = State(url=url, pki_url=pki_url, key_sha256=digest_of(key), trust=trust, agent_id=answer["agent"]["id"], hostname=answer["agent"]["hostname"],
                  certificate="", ca="", certificate_ends=0, certificate_begun=0, access_token="", access_begun=0, access_ends=0,
                  refresh_token="", refresh_ends=0, interval_ms=answer["heartbeat_interval_ms"])
    state = with_tokens(with_certificate(blank, answer), answer["tokens"])
    folder.save(state)
    folder.take_key(state)
    folder.save_certificate(state)
    return state
