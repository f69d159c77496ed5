"""What docs/storage.md has an administrator type makes a database that Gatehouse runs on."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from support import postgres as postgresql
from support.gateway import BINARY, environment

PAGE = (Path(__file__).resolve().parents[2] / "docs/storage.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def server():
    if not postgresql.INSTALLED:
        pytest.skip("PostgreSQL 15 is not installed (tools/setup test)")
    if not BINARY.exists():
        pytest.skip("build/release/gatehouse is not built")
    running = postgresql.Postgres(role=None)
    yield running
    running.close()


def test_the_commands_of_the_page_make_a_database_that_works(server, tmp_path):
    (sql,), (yaml,), (shell,) = blocks("sql"), blocks("yaml"), blocks("sh")
    server.psql_script(sql.replace("choose a long one", postgresql.PASSWORD))
    assert server.psql("SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = 'gatehouse'") == "f|f|f"
    config = yaml.replace("db.example.com", f"localhost:{server.port}").replace("/etc/gatehouse/db-ca.pem", str(server.ca))
    assert config != yaml
    (tmp_path / "gatehouse.yaml").write_text(config)
    said = []
    for line in shell.splitlines():
        words = shlex.split(line)
        assert words[0] == "build/release/gatehouse"
        done = subprocess.run([BINARY, *words[1:]], cwd=tmp_path, env=environment(server.env), capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, (line, done.stderr)
        said.append(done.stdout)
    assert "CREATE TABLE" in said[0] and "step(s) applied" in said[1] and "pending" not in said[2]
    assert server.psql("SELECT count(*) > 5 FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'gatehouse'",
                       database="gatehouse") == "t"
