"""A real RabbitMQ on loopback, in a folder of its own, with a port mapper of its own; nothing of it outlives close()."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.ports import free_port
from support.wait import seconds, until

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
INSTALLED = PROGRAM.exists() and shutil.which("epmd") is not None


class RabbitMq:
    """One broker. `settings` is the text of its rabbitmq.conf, in which {port} stands for a free port."""

    def __init__(self, settings):
        self.folder = Path(tempfile.mkdtemp(prefix="gatehouse-rabbitmq-"))
        self.port, mapper_port = free_port(), free_port()
        config = self.folder / "rabbitmq.conf"
        config.write_text(settings.replace("{port}", str(self.port)))
        self.log_file = self.folder / "output"
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "ERL_EPMD_PORT": str(mapper_port),
               "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": f"gatehouse{self.port}@localhost",
               "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_CONFIG_FILE": str(config),
               "RABBITMQ_CONF_ENV_FILE": "/dev/null", "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
               "RABBITMQ_MNESIA_BASE": str(self.folder / "data"), "RABBITMQ_LOG_BASE": str(self.folder / "log"),
               "RABBITMQ_LOGS": "-", "RABBITMQ_PID_FILE": str(self.folder / "pid"),
               "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}
        with self.log_file.open("wb") as output:
            # In a group of its own, for the scripts around it start others.
            self._mapper = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "epmd", "-port", str(mapper_port), "-address", "127.0.0.1"],
                                            stdout=output, stderr=output, env=env, cwd=self.folder)
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", PROGRAM], stdout=output, stderr=output, env=env,
                                            cwd=self.folder, start_new_session=True)
        try:
            until(self._is_ready, f"RabbitMQ\n{self.output()}", 120, 0.1)
        except AssertionError:
            print(self.output()[-4000:])
            self.close()
            raise

    def _is_ready(self):
        assert self.process.poll() is None, self.output()[-4000:]
        return "Server startup complete" in self.output()

    def output(self):
        return self.log_file.read_text(errors="replace")

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(seconds(30))
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self._mapper.kill()
        self._mapper.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
