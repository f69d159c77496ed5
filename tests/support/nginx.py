"""nginx as a backend: files, uploads, chunked pages, its own error pages, and a life that can be interrupted."""

import os
import re
import signal
import socket
import subprocess

from support.ports import free_port
from support.wait import seconds, until

UPLOAD_MAX = 8 * 1024 * 1024


class Nginx:
    """One worker serving `directory`/root. /page.shtml is chunked, PUT below /store/ is kept, the rest is said beside
    its location."""

    def __init__(self, directory, **settings):
        self.name, self.directory, self.port = "nginx", directory, free_port()
        self.root = directory / "root"
        (self.root / "store").mkdir(parents=True)
        self.configure(**settings)
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def configure(self, **settings):
        """`settings` are directives of the server, with _ as nginx writes them."""
        temporary = "".join(f"    {module}_temp_path {self.directory}/{module};\n"
                            for module in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        chosen = "".join(f"        {name} {value};\n" for name, value in settings.items())
        (self.directory / "nginx.conf").write_text(f"""daemon off;
{"user root;" if os.getuid() == 0 else ""}
worker_processes 1;
pid {self.directory}/pid;
error_log {self.directory}/error.log info;
events {{ worker_connections 512; }}
http {{
{temporary}    log_format line '$connection $connection_requests $status $request_method $uri';
    access_log {self.directory}/access.log line;
    sendfile on;
    client_max_body_size {UPLOAD_MAX};
    server {{
        listen 127.0.0.1:{self.port};
        root {self.root};
{chosen}        location ~ [.]shtml$ {{ ssi on; ssi_types *; }}
        location /store/ {{ dav_methods PUT; }}
        location /broken {{ return 500; }}
        location /dead-end {{ proxy_pass http://127.0.0.1:1; }}
        location /hang-up {{ return 444; }}
    }}
}}
""")

    def start(self):
        with (self.directory / "stderr").open("wb") as err:
            self.process = subprocess.Popen(["nginx", "-p", self.directory, "-c", self.directory / "nginx.conf"],
                                            stdin=subprocess.DEVNULL, stdout=err, stderr=err, start_new_session=True)
        until(self.listens, "nginx to listen", timeout=15)

    def listens(self):
        said = (self.directory / "stderr").read_text(errors="replace")
        assert self.process.poll() is None, f"nginx ended with {self.process.returncode}: {said}"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def workers(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def reload(self):
        """New workers with the file as it is now; the old ones finish what they have and close what is idle."""
        before = set(self.workers())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.workers() and not before & set(self.workers()), "nginx to replace its workers", timeout=30)

    def stop(self, number=signal.SIGTERM):
        """SIGTERM closes at once, SIGQUIT when nothing is under way, SIGKILL as a crash does: master and workers."""
        if self.process.poll() is None:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        self.process.wait(seconds(30))

    def logged(self, count, path=""):
        """(connection, request on it, status, method, path) of `count` requests whose path begins so; waits for them,
        since nginx writes its line when the answer has gone."""
        def lines():
            text = (self.directory / "access.log").read_text(errors="replace")
            return [(int(found[1]), int(found[2]), int(found[3]), found[4], found[5])
                    for found in re.finditer(rf"^(\d+) (\d+) (\d+) ([A-Z]+) ({path}\S*)$", text, re.MULTILINE)]
        until(lambda: len(lines()) >= count, f"{count} lines in the log of nginx")
        assert len(lines()) == count, lines()
        return lines()
