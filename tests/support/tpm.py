"""A TPM 2.0 in software (swtpm), on a socket in a folder."""

import subprocess

from support.wait import seconds, until


class Tpm:
    def __init__(self, folder):
        self.folder = folder
        (folder / "state").mkdir(parents=True, exist_ok=True)
        self.socket = folder / "tpm"
        self.device = f"swtpm:path={self.socket}"
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder / 'state'}",
             "--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl",
             "--flags", "not-need-init,startup-clear"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.socket.exists, "the TPM's socket", timeout=10)

    def stop(self):
        """It also ends by itself when a client leaves; its state stays."""
        self.process.terminate()
        self.process.wait(seconds(10))
        for path in (self.socket, self.socket.with_name("tpm.ctrl")):
            path.unlink(missing_ok=True)

    def tool(self, name, *arguments):
        """One of tpm2-tools, which are others' idea of the same."""
        done = subprocess.run([f"tpm2_{name}", *map(str, arguments)], capture_output=True, cwd=self.folder, check=False,
                              env={"TPM2TOOLS_TCTI": self.device, "PATH": "/usr/bin:/bin"}, timeout=seconds(20))
        assert done.returncode == 0, (name, done.stderr)
        return done.stdout
