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

    def __init__(self, folder=None):
        self.own = None if folder else tempfile.TemporaryDirectory(prefix="gatehouse-wine-")
        self.folder = folder or self.own.name

    def environment(self, user):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "WINEPREFIX": str(self.folder), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=",
                "USER": user, "LANG": "C.UTF-8"}

    def start(self, program, *arguments, user="ada", umask=-1, **streams):
        return subprocess.Popen([LOADER, str(BUILD / program), *map(str, arguments)], env=self.environment(user),
                                umask=umask, **streams)

    def run(self, program, *arguments, user="ada", umask=-1, stdin=b""):
        """The outcome; the first run in a prefix makes it, which takes its time."""
        return subprocess.run([LOADER, str(BUILD / program), *map(str, arguments)], env=self.environment(user),
                              umask=umask, input=stdin, capture_output=True, check=False, timeout=seconds(120))

    def close(self):
        if self.own:
            subprocess.run([SERVER, "-k"], env=self.environment("ada"), check=False)
            self.own.cleanup()
