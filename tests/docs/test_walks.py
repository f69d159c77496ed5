"""Walks through the manuals: their blocks, one after another, against a house that runs as the page says."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import pebble  # noqa: E402
from support.gateway import BINARY, Gatehouse, write_config  # noqa: E402
from support.house import House  # noqa: E402
from support.ports import free_port  # noqa: E402
from support.upstream import Upstream  # noqa: E402
from support.wait import pass_time, until  # noqa: E402

_FENCE = re.compile(r"^```(\w+)(?: (walk))?\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Page:
    """The blocks of a page, with ports that are free here instead of those it names."""

    def __init__(self, name, ports):
        text = (ROOT / "docs" / name).read_text()
        for written, free in ports.items():
            text = text.replace(str(written), str(free))
        self.blocks = [(match[1], match[3]) for match in _FENCE.finditer(text) if match[2]]
        self.yaml = next((match[3] for match in _FENCE.finditer(text) if match[1] == "yaml"), None)


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_authentication(tmp_path):
    with_backend = Upstream()
    ports = {8443: free_port(), 9901: free_port(), 8000: with_backend.port}
    page = Page("authentication.md", ports)
    (tmp_path / "gatehouse.yaml").write_text(page.yaml)
    config = {"listeners": [{"name": "admin", "bind": f"127.0.0.1:{ports[9901]}"}]}
    house = Gatehouse(tmp_path, None, ["--config", "gatehouse.yaml"], ready=False)
    house.config = config
    try:
        house.wait_until_ready()
        environment = {**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}",
                       "NODE_EXTRA_CA_CERTS": str(tmp_path / "data/ca.pem")}
        shell = "set -euo pipefail\n" + "\n".join(block for language, block in page.blocks if language == "sh")
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"username": "ada"' in done.stdout
        python = next(block for language, block in page.blocks if language == "python")
        done = subprocess.run([sys.executable, "-c", python], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.stdout == "ada\n", done.stderr
        script = tmp_path / "walk.mjs"
        script.write_text(next(block for language, block in page.blocks if language == "js"))
        done = subprocess.run(["node", str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.stdout == "ada\n", done.stderr
    finally:
        house.close()
        with_backend.stop()


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_audit(tmp_path):
    page = Page("operations/audit.md", {})
    shell = "set -euxo pipefail\n" + "\n".join(block for language, block in page.blocks if language == "sh")
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "user.create user:" in done.stdout and '"type": "key"' in done.stdout
    assert "3 checkpoints and 2 records that were kept elsewhere fit\nthe audit log is what it was" in done.stdout
    assert "wrong: record 0 is not the one that was recorded" in done.stdout


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_enrolment(tmp_path):
    ports = {9901: free_port()}
    page = Page("pki.md", ports)
    config = {"listeners": [{"name": "admin", "bind": f"127.0.0.1:{ports[9901]}", "serve": ["health", "metrics", "api"]}],
              "routes": []}
    house = Gatehouse(tmp_path, config, ready=False)
    try:
        house.wait_until_ready()
        shell = "set -euo pipefail\n" + "".join(block for _, block in page.blocks if "enrol-token" in block or "crl_check_all" in block)
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
        assert done.returncode == 0, done.stdout + done.stderr
        text = subprocess.run(["openssl", "x509", "-in", tmp_path / "agent.pem", "-noout", "-ext", "subjectAltName"],
                              capture_output=True, text=True, check=True).stdout
        assert "URI:spiffe://example.org/agent/7" in text
        assert done.stdout == "agent.pem: OK\n", "by both lists"
    finally:
        house.close()


def walk_beside_a_house(page_name, tmp_path):
    """What the page's commands print, whose admin listener is that of a house with the API."""
    ports = {9901: free_port()}
    page = Page(page_name, ports)
    config = {"listeners": [{"name": "admin", "bind": f"127.0.0.1:{ports[9901]}", "serve": ["health", "metrics", "api"]}],
              "routes": []}
    house = Gatehouse(tmp_path, config, ready=False)
    try:
        house.wait_until_ready()
        shell = "set -euo pipefail\n" + "".join(block for _, block in page.blocks)
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    finally:
        house.close()


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_agents(tmp_path):
    told = walk_beside_a_house("agents.md", tmp_path)
    assert '"interval_ms":5000' in told and '"reports":1' in told
    lines = told.splitlines()
    assert any("build-7" in line and "retired" in line for line in lines), lines
    assert "skipped agents.agent-002: has no hostname" in lines, lines


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_messages(tmp_path):
    lines = walk_beside_a_house("messages.md", tmp_path).splitlines()
    assert '"status":201' in lines[0] and "task.assigned" in lines and "Look at the sky" in lines[-1], lines
    assert [line for line in lines if " done " in line and "question" in line], lines


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_kill_switch(tmp_path):
    told = walk_beside_a_house("kill-switch.md", tmp_path)
    lines = [line.split() for line in told.splitlines()]
    assert ["messages", "sent", "1", "would", "end"] in lines and ["messages", "sent", "1", "ended", "0", "left"] in lines, told
    assert "\ncomplete, after" in told and "0 open before, 0 after; its credentials are refused" in told, told


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_agents_quickstart(tmp_path):
    (tmp_path / "checkout").symlink_to(ROOT)
    told = walk_beside_a_house("agents-quickstart.md", tmp_path)
    assert "100.0 %  3 of 3  completed" in told and "100.0 %  1 of 1  completed" in told, told
    shown = [line.split()[:5] for line in told.splitlines() if line.startswith("  ")]
    assert [line[2:5] for line in shown if line[0] in ("query", "analyze", "synthesize")] == [
        ["completed", "0.89", "0.92"], ["completed", "0.91", "0.89"], ["completed", "0.87", "0.90"]], told


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_plans(tmp_path):
    told = walk_beside_a_house("plans.md", tmp_path)
    assert '"outcome":"completed"' in told and '{"stations": 3}' in told
    assert "100.0 %  3 of 3  completed" in told and "Storage backend: SQLite\nPlans: 1\nSteps: 3\n" in told


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_secrets(tmp_path):
    page = Page("secrets.md", {})
    house = House(tmp_path)
    house.config["vault"] = {"variables": "env/"}
    write_config(house.config_file, house.config)
    house.migrate()
    (tmp_path / "password.txt").write_text("plain as day\n")
    (tmp_path / ".env").write_text("DEBUG=false\nJWT_SECRET_KEY=Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6Hd3Gf0Ya\n")  # secret-scan: allow made for this test
    shell = "set -euxo pipefail\n" + "\n".join(block for language, block in page.blocks if language == "sh")
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plain as day\nada\n" in done.stdout and "database\nmail\n" in done.stdout
    assert "not in the vault" in done.stdout and "sealed as version 1, read back, equal" in done.stdout
    assert "version 1 of team/token" in done.stderr and "version 1 of team/signing" in done.stderr
    assert "team/token: random, every 30d, overlap 1d" in done.stdout and "rotate    succeeded   attempt 1 version 1" in done.stdout
    assert "Jq8Zs5Lw2Xc9Vb4Nm7Rt1Kp6Hd3Gf0Ya" in done.stdout and "sealed with the new data key" in done.stderr
    assert "the master key is new" in done.stderr
    assert "# JWT_SECRET_KEY (migrated" in (tmp_path / ".env").read_text()


@pytest.mark.skipif(not BINARY.exists(), reason="build/release/gatehouse is not built")
def test_compatibility(tmp_path):
    ports = {8200: free_port(), 9901: free_port()}
    page = Page("compatibility.md", ports)
    (tmp_path / "gatehouse.yaml").write_text(page.yaml)
    house = Gatehouse(tmp_path, None, ["--config", "gatehouse.yaml"], ready=False)
    house.config = {"listeners": [{"name": "admin", "bind": f"127.0.0.1:{ports[9901]}"}]}
    try:
        house.wait_until_ready()
        shell = "set -euo pipefail\n" + "\n".join(block for language, block in page.blocks if language == "sh")
        done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-13:] == [
            '{"user":"ada","password":"..."}', '["mail"]', '{"errors":["permission denied"]}',
            '["create","patch","read","update"]', "2", "one loom", "v2", "1", '{"errors":["permission denied"]}',
            "2", "7200", "secret/data/team/mail", "ada"], done.stdout
    finally:
        house.close()


@pytest.mark.skipif(not BINARY.exists() or not pebble.INSTALLED, reason="build/release/gatehouse is not built, or Pebble not installed")
def test_a_certificate_of_another_ca(tmp_path):
    ports = {":443": free_port(), ":80": free_port(), ":9901": free_port()}
    ca = pebble.Pebble(tmp_path / "pebble", http_port=ports[":80"], tls_port=ports[":443"])
    text = (ROOT / "docs/pki.md").read_text()
    blocks = _FENCE.findall(text[text.index("## A certificate of another CA"):])

    def here(block):
        for written, free in ports.items():
            block = block.replace(written + '"', f':{free}"').replace(written + " ", f":{free} ").replace(written + "/", f":{free}/")
            block = block.replace(written + ",", f":{free},")
        return block.replace('"[::]:', '"127.0.0.1:')
    (config,) = [here(block) for language, walk, block in blocks if language == "yaml"][:1]
    config += f"    directory: {ca.directory}\n    ca_file: {ca.ca_file}\n"
    (tmp_path / "gatehouse.yaml").write_text(config)
    house = Gatehouse(tmp_path, None, ["--config", "gatehouse.yaml"], ready=False)
    house.config = {"listeners": [{"name": "admin", "bind": f"127.0.0.1:{ports[':9901']}"}]}
    try:
        house.wait_until_ready()
        until(lambda: house.metric("gatehouse_acme_client_issued_total") == 1, "a certificate", timeout=30)
        until(lambda: b"the CA gave" in house.stderr_file.read_bytes(), "its log line")
        pass_time(1)
        (shell,) = [here(block) for language, walk, block in blocks if walk]
        done = subprocess.run(["bash", "-c", "set -euo pipefail\n" + shell], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"served": "valid"' in done.stdout and 'gatehouse_acme_client_state{state="valid"} 1' in done.stdout
        assert "issuer=CN = Pebble Intermediate CA" in done.stdout and "notAfter=" in done.stdout, done.stdout
    finally:
        house.close()
        ca.close()
