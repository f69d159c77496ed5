"""A real PostgreSQL 15 on loopback: TLS with a CA of its own, a role that may no more than Gatehouse needs, a database for
each test, and a life that can be interrupted."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import typing
from pathlib import Path

from support.gateway import run, write_config
from support.ports import free_port
from support.tls import Authority
from support.wait import seconds, until

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
INSTALLED = (PROGRAMS / "initdb").exists()
ROLE, PASSWORD = "gatehouse", "in the house"
PASSWORD_VARIABLE = "GATEHOUSE_DB_PASSWORD"


def _as_ordinary_user():
    """The server refuses root, and ends when we do, however that comes about."""
    user = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "QUIT", *user]


class Held(typing.NamedTuple):
    """A lock. Does anybody wait for one? And nobody shall any longer."""

    waiting: typing.Callable
    let_go: typing.Callable


class Postgres:
    """One server, without fsync: it never loses power. It listens on 127.0.0.1, for which its certificate of `ca` is good,
    and on 127.0.0.2, for which it is not; `other_ca` signed nothing. `settings` are those of postgresql.conf."""

    def __init__(self, role=ROLE, **settings):
        # Not in a folder of pytest's: those are closed to the user the server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="gatehouse-postgres-"))
        self.data, self.log_file = self.folder / "data", self.folder / "log"
        self.port = free_port()
        self._databases = itertools.count(1)
        self.process = None
        authority = Authority(self.folder / "ca")
        self.ca, self.other_ca = authority.certificate, Authority(self.folder / "other", "Other Root").certificate
        certificate, key = authority.issue("server", ("localhost", "127.0.0.1"))
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, "nobody", "nogroup")
        done = subprocess.run([*_as_ordinary_user(), PROGRAMS / "initdb", "-D", self.data, "-U", "postgres", "--auth=trust",
                               "--encoding=UTF8", "--locale=C", "--no-sync"], capture_output=True, text=True, cwd="/",
                              timeout=seconds(120), check=False)
        assert done.returncode == 0, done.stderr
        (self.data / "pg_hba.conf").write_text("local all all trust\n"
                                               "hostssl all all 127.0.0.0/8 scram-sha-256\n"
                                               "host all all 127.0.0.0/8 scram-sha-256\n")
        chosen = {"listen_addresses": "127.0.0.1,127.0.0.2", "port": self.port, "unix_socket_directories": self.folder,
                  "fsync": "off", "max_connections": 100, "shared_buffers": "32MB", "ssl": "on",
                  "ssl_cert_file": certificate, "ssl_key_file": key} | settings
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in chosen.items())
        self.start()
        if role:
            self.psql(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")

    # --- how it is reached ---

    def make_database(self):
        """The name of a new, empty database in which the role owns the schema, and nothing else."""
        name = f"house{next(self._databases)}"
        self.psql(f"CREATE DATABASE {name}")
        self.psql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC", f"GRANT CONNECT ON DATABASE {name} TO {ROLE}")
        self.psql("REVOKE ALL ON SCHEMA public FROM PUBLIC", f"ALTER SCHEMA public OWNER TO {ROLE}", database=name)
        return name

    def make_database_on(self, folder):
        """The same, with its tables on the disk of `folder`, which is given to the server."""
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        name = self.make_database()
        self.psql(f"CREATE TABLESPACE {name} LOCATION '{folder}'", f"ALTER DATABASE {name} SET TABLESPACE {name}")
        return name

    def drop_databases_on(self, folder):
        space, names = self.psql("SELECT t.spcname, string_agg(d.datname, ' ') FROM pg_tablespace t "
                                 "JOIN pg_database d ON d.dattablespace = t.oid "
                                 f"WHERE pg_tablespace_location(t.oid) = '{folder}' GROUP BY 1").split("|")
        self.psql(*[f"DROP DATABASE {name} WITH (FORCE)" for name in names.split()], f"DROP TABLESPACE {space}")

    def url(self, database, host="127.0.0.1", ca=None, password="", **parameters):
        """storage.url; with a password DATABASE_URL. `parameters` come besides the usual ones, or instead; None: left out."""
        words = {"sslmode": "verify-full", "sslrootcert": ca or self.ca} | parameters
        return (f"postgresql://{ROLE}{':' + password if password else ''}@{host}:{self.port}/{database}?"
                + "&".join(f"{name}={value}" for name, value in words.items() if value is not None))

    def storage(self, database, **changes):
        """The key `storage` of gatehouse.yaml. The password comes by `env`."""
        return {"url": self.url(database), "password": f"${{env:{PASSWORD_VARIABLE}}}"} | changes

    env = {PASSWORD_VARIABLE: PASSWORD}

    def migrate(self, directory, config):
        """Brings the database of a configuration to the schema of the binary."""
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "gatehouse.yaml"
        write_config(file, config)
        done = run("migrate", "up", "--config", file, env=self.env)
        assert done.returncode == 0, done.stderr

    # --- what it holds ---

    def psql(self, *statements, database="postgres", user="postgres", timeout=60):
        """Runs each statement, by default as the superuser; what psql prints, columns divided by |, rows by line feeds."""
        words = [word for each in statements for word in ("-c", each)]
        return self._psql(words, database, user, timeout=timeout)

    @contextlib.contextmanager
    def held(self, statement, database="postgres"):
        """Within it, the lock of the statement is held, or until it is let go."""
        holds = "SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'"
        holder = subprocess.Popen([PROGRAMS / "psql", "-XAtq", "-h", self.folder, "-p", str(self.port), "-U", "postgres",
                                   "-d", database, "-c", f"BEGIN; {statement}; SELECT pg_sleep(600)"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env=os.environ | {"PGAPPNAME": "holder"})

        def let_go():
            self.psql(f"SELECT pg_terminate_backend(pid) FROM ({holds}) AS holders")
            holder.wait(seconds(30))

        try:
            until(lambda: self.psql(f"{holds} AND wait_event = 'PgSleep'"), "the lock to be held", timeout=30)
            yield Held(waiting=lambda: self.psql("SELECT 1 FROM pg_locks WHERE NOT granted"), let_go=let_go)
        finally:
            let_go()

    def psql_script(self, text):
        """Runs what somebody would type into psql."""
        return self._psql([], "postgres", "postgres", text)

    def _psql(self, words, database, user, text=None, timeout=60):
        done = subprocess.run([PROGRAMS / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port),
                               "-U", user, "-d", database, *words], input=text, capture_output=True, text=True,
                              timeout=seconds(timeout), check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def connections(self, database):
        """How many the role has open there, as the server counts them."""
        return int(self.psql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND usename = '{ROLE}'"))

    def end_connections(self, database):
        """Ends those of the role, and waits until they are gone; how many it were."""
        pids = self.psql(f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND usename = '{ROLE}'").split()
        if pids:
            these = f"FROM pg_stat_activity WHERE pid IN ({','.join(pids)})"
            self.psql(f"SELECT pg_terminate_backend(pid) {these}")
            until(lambda: self.psql(f"SELECT count(*) {these}") == "0", "connections to end", timeout=20)
        return len(pids)

    def set(self, name, value):
        """A setting for all, while it runs; None as it was at first."""
        self.psql(f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'",
                  "SELECT pg_reload_conf()")
        if value is not None:
            until(lambda: self.psql(f"SHOW {name}") == str(value), f"{name} = {value}", timeout=20)

    # --- its life ---

    def start(self):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen([*_as_ordinary_user(), PROGRAMS / "postgres", "-D", self.data],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        until(self.answers, "PostgreSQL to answer", timeout=60)

    def answers(self):
        assert self.process.poll() is None, f"PostgreSQL ended:\n{self.log_file.read_text(errors='replace')[-4000:]}"
        return subprocess.run([PROGRAMS / "pg_isready", "-q", "-t", "5", "-h", self.folder, "-p", str(self.port)],
                              timeout=seconds(30), check=False).returncode == 0

    def stop(self, number=signal.SIGINT):
        """SIGINT ends connections first, as a restart does; SIGQUIT just goes."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(seconds(60))
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def use_infra(self, folder):
        """Serves with what `gatehouse ca infra` made: over the network, only the client's certificate opens it."""
        if os.geteuid() == 0:
            for path in (folder.parent, folder, *folder.iterdir()):
                shutil.chown(path, "nobody", "nogroup")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"include '{folder}/postgresql.tls.conf'\n")
        (self.data / "pg_hba.conf").write_text("local all all trust\nhostssl all gatehouse all cert\n")
        self.restart()

    def pause(self):
        """It hangs: connections stay open, and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def kill(self):
        """-9, all of it at once: what comes next recovers from its log."""
        self.process.send_signal(signal.SIGSTOP)  # so that no more children come
        self._signal_all(signal.SIGKILL, first=False)
        self.process.kill()
        self.process.wait(seconds(60))
        self.process = None

    def _signal_all(self, number, first=True):
        if first:
            self.process.send_signal(number)  # so that no more children come
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        for pid in map(int, children.split()):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def ensure_running(self):
        """Whatever a test did to it."""
        if self.process is None:
            self.start()
        else:
            self.resume()

    def close(self):
        if self.process is not None:
            self.resume()
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)
