"""A house without a running process: what verbs see of it, on either engine."""

import contextlib
import json
import sqlite3

from support.control import house_config
from support.gateway import run, write_config


class House:
    """Its configuration and its data directory; `postgres` is the server its database is on, None: SQLite."""

    def __init__(self, directory, postgres=None, database=None):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.postgres, self.env = postgres, dict(postgres.env) if postgres else {}
        changes = {"storage": postgres.storage(database or postgres.make_database())} if postgres else {}
        self.config = house_config(directory, **changes)
        self.config_file = directory / "gatehouse.yaml"
        write_config(self.config_file, self.config)
        self.data = directory / "data"

    def verb(self, *arguments, stdin=None, timeout=60):
        return run(*arguments, "--config", self.config_file, env=self.env, stdin=stdin, timeout=timeout)

    def done(self, *arguments, **options):
        result = self.verb(*arguments, **options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def refused(self, text, *arguments, code=1, **options):
        result = self.verb(*arguments, **options)
        assert result.returncode == code, result
        assert text in result.stderr, result.stderr
        return result.stderr

    def migrate(self):
        self.done("migrate", "up")
        return self

    def database(self):
        """Its name on the server."""
        return self.config["storage"]["url"].split("/")[3].split("?")[0]

    def grow(self, rows=500):
        """So many rows more, each of them long."""
        values = ", ".join(f"('id{i}', 'x', 0, '{'p' * 200}', 'r', 'd', 0)" for i in range(rows))
        sql = f"INSERT INTO journal_rejects VALUES {values}"
        if self.postgres:
            self.postgres.psql(sql, database=self.database())
        else:
            with contextlib.closing(sqlite3.connect(self.data / "gatehouse.db", isolation_level=None)) as database:
                database.execute(sql)

    def users(self):
        return {user["name"] for user in json.loads(self.done("user", "list", "--json"))}

    def keys(self):
        return {key["name"] for key in json.loads(self.done("key", "list", "--json"))}

    def files(self):
        """Of what counts, with their content."""
        return {str(path.relative_to(self.data)): path.read_bytes()
                for pattern in ("keys/*", "fallback_db/*", "ca.pem") for path in self.data.glob(pattern)
                if path.name != "seal.lock"}

    def add_user(self, name):
        self.done("user", "add", name, "--role", "user", "--password-stdin", stdin="plain as day\n")

    def backup(self, name="state.backup", *arguments, **options):
        file = self.directory / name
        self.done("backup", file, *arguments, **options)
        return file
