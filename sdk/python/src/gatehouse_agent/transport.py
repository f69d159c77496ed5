"""Requests on the wire: by the standard library, or by an httpx client of the caller's. Each has a deadline."""

from __future__ import annotations

import collections
import contextlib
import http.client
import socket
import ssl
import threading
import urllib.parse
from typing import Any, Deque, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple

from .errors import AnswerLost, ConfigurationError, GatehouseError, NotSent

BODY_MAX = 64 * 1024 * 1024
IDLE_MAX = 8
CONNECT_SECONDS = 5.0


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Transport:
    """One house. `request` raises NotSent or AnswerLost and nothing else; `fresh` wants a connection nobody has used."""

    def request(self, method: str, target: str, headers: Mapping[str, str], body: Optional[bytes], timeout: float,
                fresh: bool = False) -> Answer:
        raise NotImplementedError

    def lines(self, target: str, headers: Mapping[str, str], timeout: float) -> "contextlib.AbstractContextManager[Stream]":
        """An answer that is told as it comes; `timeout` is the longest silence."""
        raise NotImplementedError

    def close(self) -> None:
        pass


class Stream(NamedTuple):
    status: int
    headers: Mapping[str, str]
    lines: Iterator[str]  # raises AnswerLost when the connection ends otherwise than in order


def check_url(url: str, insecure: bool = False) -> str:
    """Tokens in the clear stay on this machine, unless `insecure` says that the network in between is one's own."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{url} is no http or https URL")
    if parts.scheme == "http" and not insecure and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ConfigurationError(f"{url} would send tokens in the clear: use https")
    return url.rstrip("/")


def tls_context(trust: Optional[str], certificate: Optional[Tuple[str, str]] = None) -> ssl.SSLContext:
    """Verifies against the PEM `trust`, or what the system trusts; `certificate` are the files of chain and key."""
    context = ssl.create_default_context(cadata=trust) if trust else ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(*certificate)
    return context


class StandardTransport(Transport):
    """http.client, with a few idle connections kept."""

    def __init__(self, url: str, trust: Optional[str] = None, certificate: Optional[Tuple[str, str]] = None) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        self._context = tls_context(trust, certificate) if parts.scheme == "https" else None
        self._idle: Deque[http.client.HTTPConnection] = collections.deque()
        self._guard = threading.Lock()

    def request(self, method: str, target: str, headers: Mapping[str, str], body: Optional[bytes], timeout: float,
                fresh: bool = False) -> Answer:
        connection = None if fresh else self._take()
        if connection is None:
            connection = self._connect()
        try:
            answer = self._exchange(connection, method, target, headers, body, timeout)
        except BaseException:
            connection.close()
            raise
        if answer.headers.get("connection", "").lower() == "close" or fresh:
            connection.close()
        else:
            self._keep(connection)
        return answer

    def _exchange(self, connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str],
                  body: Optional[bytes], timeout: float) -> Answer:
        try:
            connection.sock.settimeout(timeout)
            connection.request(method, self._path + target, body, dict(headers))
            response = connection.getresponse()
            read = response.read(BODY_MAX + 1)
        except (OSError, http.client.HTTPException) as problem:
            raise AnswerLost(f"{method} {target}: {problem or type(problem).__name__}") from problem
        if len(read) > BODY_MAX:
            raise AnswerLost(f"{method} {target}: the answer is longer than {BODY_MAX} bytes")
        return Answer(response.status, _lower(response), read)

    @contextlib.contextmanager
    def lines(self, target: str, headers: Mapping[str, str], timeout: float) -> Iterator[Stream]:
        connection = self._connect()
        try:
            try:
                connection.sock.settimeout(timeout)
                connection.request("GET", self._path + target, headers=dict(headers))
                response = connection.getresponse()
            except (OSError, http.client.HTTPException) as problem:
                raise AnswerLost(f"GET {target}: {problem}") from problem
            yield Stream(response.status, _lower(response), self._read_lines(response, target))
        finally:
            connection.close()

    @staticmethod
    def _read_lines(response: http.client.HTTPResponse, target: str) -> Iterator[str]:
        while True:
            try:
                line = response.readline(BODY_MAX)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                raise AnswerLost(f"GET {target}: {problem}") from problem
            if not line:
                return
            yield line.decode("utf-8", "replace").rstrip("\r\n")

    def _connect(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._context:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS, context=self._context)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as problem:
            connection.close()
            raise NotSent(f"{self._host}: {problem}") from problem
        return connection

    def _take(self) -> Optional[http.client.HTTPConnection]:
        """An idle connection on which nothing waits to be read: what does is its end."""
        while True:
            with self._guard:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.sock is not None and not _readable(connection.sock):
                return connection
            connection.close()

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._guard:
            if len(self._idle) < IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, collections.deque()
        for connection in idle:
            connection.close()


def _readable(sock: socket.socket) -> bool:
    sock.settimeout(0)
    try:
        if isinstance(sock, ssl.SSLSocket):
            # Reads whatever records have come (tickets among them); what it wants then is more.
            sock.read(1)
        else:
            sock.recv(1, socket.MSG_PEEK)
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    except OSError:
        return True
    return True


def _lower(response: http.client.HTTPResponse) -> Dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


class HttpxTransport(Transport):
    """A client of httpx, with the settings of the caller: trust, proxies, limits are its own to say."""

    def __init__(self, url: str, client: Any) -> None:
        import httpx
        self._url, self._client, self._httpx = url, client, httpx

    def _timeout(self, seconds: float) -> Any:
        return self._httpx.Timeout(seconds, connect=CONNECT_SECONDS)

    def _failed(self, problem: Exception, what: str) -> GatehouseError:
        unsent = (self._httpx.ConnectError, self._httpx.ConnectTimeout, self._httpx.PoolTimeout)
        return (NotSent if isinstance(problem, unsent) else AnswerLost)(f"{what}: {problem or type(problem).__name__}")

    def request(self, method: str, target: str, headers: Mapping[str, str], body: Optional[bytes], timeout: float,
                fresh: bool = False) -> Answer:
        sent = {**headers, "Connection": "close"} if fresh else headers
        try:
            response = self._client.request(method, self._url + target, headers=sent, content=body,
                                            timeout=self._timeout(timeout), follow_redirects=False)
        except self._httpx.HTTPError as problem:
            raise self._failed(problem, f"{method} {target}") from problem
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content)

    @contextlib.contextmanager
    def lines(self, target: str, headers: Mapping[str, str], timeout: float) -> Iterator[Stream]:
        try:
            with self._client.stream("GET", self._url + target, headers=headers, timeout=self._timeout(timeout)) as response:
                named = {name.lower(): value for name, value in response.headers.items()}
                yield Stream(response.status_code, named, (line.rstrip("\r\n") for line in response.iter_lines()))
        except self._httpx.HTTPError as problem:
            raise self._failed(problem, f"GET {target}") from problem
