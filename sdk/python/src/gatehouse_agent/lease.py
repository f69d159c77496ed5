"""A lease that is renewed as long as work goes on."""

from __future__ import annotations

import contextvars
import threading
from types import TracebackType
from typing import Callable, Optional, Type

from .errors import GatehouseError, LeaseLost, NotFound, PermissionDenied
from .session import log


class LeaseKeeper:
    """Within `with`, renews at each third of the lease. `renew` answers for how many seconds it is good."""

    def __init__(self, renew: Callable[[], float], seconds: float) -> None:
        self._renew, self._seconds = renew, seconds
        self.lost = threading.Event()
        self._stop = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> "LeaseKeeper":
        context = contextvars.copy_context()  # renewals belong to the trace of the work
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="gatehouse-lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)  # a renewal that is under way may end after the work

    def _run(self) -> None:
        while not self._stop.wait(max(0.05, self._seconds / 3)):
            try:
                self._seconds = self._renew()
            except (LeaseLost, PermissionDenied, NotFound) as problem:
                log.warning("a lease is lost: %s", problem)
                self.lost.set()
                return
            except GatehouseError as problem:
                log.warning("a lease was not renewed: %s", problem)
            except Exception:
                log.exception("a lease was not renewed")
