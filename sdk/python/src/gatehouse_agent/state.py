"""What an agent keeps in its folder: the key, and one file for all else, replaced whole before what is in it is used."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Type

from .errors import ConfigurationError, EnrolmentNeeded

try:
    import fcntl
except ImportError:  # Windows: nobody watches over two processes there
    fcntl = None  # type: ignore[assignment]


@dataclass
class State:
    """Times are seconds since 1970. `key_sha256` is of the key's file, to know it by. `refreshing`: the refresh token was sent,
    and no answer is written down yet."""

    url: str
    pki_url: str
    key_sha256: str
    trust: Optional[str]
    agent_id: str
    hostname: str
    certificate: str
    ca: str
    certificate_ends: float
    certificate_begun: float
    access_token: str
    access_begun: float
    access_ends: float
    refresh_token: str
    refresh_ends: float
    interval_ms: int
    refreshing: bool = False


class Folder:
    """The folder of one agent, held by one process at a time."""

    def __init__(self, path: "os.PathLike[str] | str") -> None:
        self.path = Path(path)
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_file: Optional[int] = None
        self._writing = threading.Lock()

    @property
    def key_file(self) -> Path:
        return self.path / "agent.key"

    @property
    def next_key_file(self) -> Path:
        """Of an enrolment that is under way."""
        return self.path / "agent.key.next"

    @property
    def certificate_file(self) -> Path:
        return self.path / "agent.pem"

    @property
    def ca_file(self) -> Path:
        """The root of the house."""
        return self.path / "ca.pem"

    @property
    def state_file(self) -> Path:
        return self.path / "state.json"

    def hold(self) -> None:
        """Two processes that refresh would end each other's tokens, so the second one is refused."""
        if fcntl is None or self._lock_file is not None:
            return
        handle = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise ConfigurationError(f"another process works with {self.path}") from None
        self._lock_file = handle

    def let_go(self) -> None:
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def __enter__(self) -> "Folder":
        self.hold()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.let_go()

    def write(self, path: Path, text: str) -> None:
        """Whole or not at all, on the disk before this returns, readable by its owner alone."""
        new = path.with_name(path.name + ".new")
        with self._writing:
            handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.chmod(new, 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
            self._sync()

    def _sync(self) -> None:
        if os.name != "posix":
            return
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def save(self, state: State) -> None:
        self.write(self.state_file, json.dumps({"version": 1, **asdict(state)}, indent=1) + "\n")

    def save_certificate(self, state: State) -> None:
        """For TLS libraries, which want files. What counts is in the state."""
        self.write(self.certificate_file, state.certificate)
        self.write(self.ca_file, state.ca)

    def take_key(self, state: State) -> None:
        """The key of this state is in its place from now on, also where an enrolment was killed before its last step."""
        if self.next_key_file.exists() and digest_of(self.next_key_file.read_text()) == state.key_sha256:
            os.replace(self.next_key_file, self.key_file)

    def load(self) -> State:
        try:
            read: Any = json.loads(self.state_file.read_text(encoding="utf-8"))
            if read.pop("version") != 1:
                raise ConfigurationError(f"{self.state_file} was written by another version")
            return State(**read)
        except FileNotFoundError:
            raise EnrolmentNeeded(f"no agent lives in {self.path}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise ConfigurationError(f"{self.state_file} cannot be read: {problem}") from None


def digest_of(key_pem: str) -> str:
    return hashlib.sha256(key_pem.encode()).hexdigest()
