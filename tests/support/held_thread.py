"""Holds one thread of another process, as a machine that has no processor for it does (ptrace(2)); the others go on."""

import contextlib
import ctypes
import os
from pathlib import Path

_SEIZE, _INTERRUPT, _DETACH, _WALL = 0x4206, 0x4207, 17, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _ptrace(request, thread):
    if _libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), ctypes.c_void_p(0), ctypes.c_void_p(0)) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def thread_called(process, name):
    for task in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # others end while this reads
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
    raise AssertionError(f"no thread {name}")


@contextlib.contextmanager
def held(process, name):
    """The thread of this name does nothing meanwhile. Enter and leave on one thread."""
    thread = thread_called(process, name)
    _ptrace(_SEIZE, thread)
    try:
        _ptrace(_INTERRUPT, thread)
        os.waitpid(thread, _WALL)
        yield
    finally:
        _ptrace(_DETACH, thread)
