"""Programs for Windows, run by Wine: which user they think they have is said each time."""

import os
import pathlib
import subprocess
import tempfile

from support.wait import seconds

LOADER, SERVER = "/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64"
BUILD = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "windows" / "windows"


def path(unix):
    """As programs for Windows see it."""
    return "Z:" + str(unix)


class Prefix:
    """Wine's folder of all that a Windows has: its registry, its users' profiles."""

    def __init__(self, folder=None, umask=-1):
        self.own = None if folder else tempfile.TemporaryDirectory(prefix="gatehouse-wine-")
        self.folder = folder or self.own.name
        # As long as one program runs, the services of a Windows stay; whoever starts them lends them its pipes and its umask.
        silent = {"umask": umask, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.resident = self.start("open_dpapi_blob.exe", stdin=subprocess.PIPE, **silent)
        waits_for_all = self.start("open_dpapi_blob.exe", stdin=subprocess.DEVNULL, **silent)
        assert waits_for_all.wait(seconds(120)) == 1, "it opens nothing, out of nothing"

    def environment(self, user):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "WINEPREFIX": str(self.folder), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=",
                "USER": user, "LANG": "C.UTF-8"}

    def start(self, program, *arguments, user="ada", umask=-1, **streams):
        return subprocess.Popen([LOADER, str(BUILD / program), *map(str, arguments)], env=self.environment(user),
                                umask=umask, **streams)

    def run(self, program, *arguments, user="ada", stdin=b""):
        """The outcome."""
        return subprocess.run([LOADER, str(BUILD / program), *map(str, arguments)], env=self.environment(user),
                              input=stdin, capture_output=True, check=False, timeout=seconds(120))

    def close(self):
        self.resident.stdin.close()
        try:
            self.resident.wait(seconds(10))
        finally:
            if self.own:
                subprocess.run([SERVER, "-k"], env=self.environment("ada"), check=False)
                self.own.cleanup()
