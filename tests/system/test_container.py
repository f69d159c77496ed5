"""Recipes of deploy/container, deploy/compose and deploy/kubernetes: what they promise of rights, probes and ports, and that the binary
lives with no more than they give it."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from support.gateway import BINARY, ROOT, run, write_config
from support.wait import seconds

DEPLOY = ROOT / "deploy"
PROBE = ["/usr/bin/gatehouse", "health", "--config", "/etc/gatehouse/gatehouse.yaml"]


def instructions(file):
    """[(word, rest)] of a Containerfile: comments gone, continuations joined."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def recipe():
    lines = instructions(DEPLOY / "container" / "Containerfile")
    last = max(index for index, (word, _) in enumerate(lines) if word == "FROM")
    return {"stages": [rest for word, rest in lines if word == "FROM"], "all": lines, "last": lines[last:]}


def only(recipe, word):
    (found,) = [rest for each, rest in recipe["last"] if each == word]
    return found


def test_the_image_is_small_in_what_it_holds_and_may(recipe):
    assert len(recipe["stages"]) == 2 and recipe["stages"][1].endswith("/debian:bookworm-slim"), "the compiler stays behind"
    assert only(recipe, "USER") == "10001:10001", "numeric, so that runAsNonRoot can be judged"
    words = [word for word, _ in recipe["last"]]
    assert "ADD" not in words and "ENV" not in words and "ARG" not in words
    assert all(rest.startswith(("--from=build", "--chmod=0644 deploy/", "deploy/")) for word, rest in recipe["last"] if word == "COPY")
    assert words.index("USER") > max(index for index, word in enumerate(words) if word in ("RUN", "COPY")), "built as root, run as nobody"
    assert only(recipe, "VOLUME") == "/var/lib/gatehouse" and only(recipe, "EXPOSE") == "8443"
    for source in (rest.split()[0] for word, rest in recipe["all"] if word == "COPY" and not rest.startswith("--")):
        assert (ROOT / source).exists(), source


def test_its_probe_asks_at_the_agreed_times(recipe):
    options, _, command = only(recipe, "HEALTHCHECK").partition(" CMD ")
    assert set(options.split()) == {"--interval=30s", "--timeout=10s", "--retries=3", "--start-period=40s"}
    assert json.loads(command) == PROBE, "a list: there need be no shell"


def test_what_is_not_built_of_is_ignored():
    ignored = (ROOT / ".containerignore").read_text()
    assert {"build", "data", ".git", ".env", "**/secrets"} <= set(ignored.split()) and (ROOT / ".dockerignore").read_text() == ignored


def boxes():
    """May this user make namespaces?"""
    tried = subprocess.run(["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"], capture_output=True, check=False) if shutil.which("bwrap") else None
    return tried is not None and tried.returncode == 0


@pytest.mark.skipif(not boxes(), reason="no namespaces are to be had, or no bubblewrap (tools/setup test)")
def test_the_binary_lives_as_the_recipe_has_it(recipe):
    """Read-only root, the recipe's user, no capability, a network of its own: alive, and ready by the recipe's own probe."""
    user = only(recipe, "USER").split(":")[0]
    config = str(DEPLOY / "container" / "gatehouse.yaml")
    serve = [config if word == "/etc/gatehouse/gatehouse.yaml" else word for word in json.loads(only(recipe, "CMD"))]
    script = f"""set -e
        grep -E '^CapEff:\\s*0+$' /proc/self/status
        if touch /usr/written 2>/dev/null; then exit 9; fi
        {BINARY} {' '.join(serve)} >/tmp/out 2>&1 & pid=$!
        for _ in $(seq 100); do {BINARY} health --config {config} && break; sleep 0.2; done
        {BINARY} health --ready --config {config}
        id -u; kill -TERM $pid; wait $pid; cat /tmp/out"""
    done = subprocess.run(["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/var/lib", "--dir", "/var/lib/gatehouse",
                           "--ro-bind", str(BINARY), str(BINARY), "--unshare-all", "--uid", user, "--gid", user, "--cap-drop", "ALL", "sh", "-c", script],
                          capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alive\nready\n10001\n" in done.stdout and "read-only" not in done.stdout.lower()


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed (tools/setup test)")
def test_compose_takes_the_file():
    done = subprocess.run(["docker-compose", "-f", "compose.yaml", "config"], cwd=DEPLOY / "compose", capture_output=True, text=True,
                          timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == {"migrate", "gatehouse", "postgres", "prometheus", "alertmanager"}


def test_compose_confines_each_service_and_opens_one_port(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] not in ("root", "0"), name
        assert "privileged" not in service and "cap_add" not in service and "network_mode" not in service, name
        assert not service["image"].endswith(":latest")
        assert service.get("ports", []) == (["8443:8443"] if name == "gatehouse" else []), name
        if name != "migrate":
            probe = service["healthcheck"]
            assert (probe["interval"], probe["timeout"], probe["retries"], probe["start_period"]) == ("30s", "10s", 3, "40s"), name
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or key.endswith("_FILE") and value.startswith("/run/secrets/"), key
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / "compose" / source).exists() and volume.endswith(":ro"), volume
    assert compose["services"]["gatehouse"]["healthcheck"]["test"][1:] == PROBE
    assert compose["networks"]["data"]["internal"]


def test_the_configurations_are_good(tmp_path):
    (tmp_path / "secret").write_text("0" * 8 + tmp_path.name)
    manifest = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "configmap.yaml").read_text())["data"]["gatehouse.yaml"]
    texts = [(DEPLOY / folder / "gatehouse.yaml").read_text() for folder in ("container", "compose", "debian")] + [manifest]
    for text in texts:
        write_config(tmp_path / "gatehouse.yaml", text.replace("/run/secrets/postgres_password", str(tmp_path / "secret")))
        done = run("config", "check", tmp_path / "gatehouse.yaml")
        assert done.returncode == 0, done.stderr


def as_written():
    """What base says without kustomize: its resources, one behind the other."""
    base = DEPLOY / "kubernetes" / "base"
    for file in yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((base / file).read_text())


def by_kind(resources):
    return {each["kind"] if each["metadata"]["name"] != "gatehouse-monitoring" else "Monitoring": each for each in resources}


def kustomized(folder):
    if not shutil.which("kubectl"):
        if folder == "base":
            return by_kind(as_written())
        pytest.skip("kubectl is not installed, and patches are its to apply")
    done = subprocess.run(["kubectl", "kustomize", str(DEPLOY / "kubernetes" / folder)], capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return by_kind(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("folder", ["base", "postgresql"])
def test_kubernetes_runs_it_restricted(folder):
    made = kustomized(folder)
    assert set(made) == {"Namespace", "ServiceAccount", "ConfigMap", "StatefulSet", "Service", "Monitoring", "NetworkPolicy", "PodDisruptionBudget"}
    assert made["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert made["ServiceAccount"]["automountServiceAccountToken"] is False
    pod = made["StatefulSet"]["spec"]["template"]
    spec, labels = pod["spec"], pod["metadata"]["labels"]
    assert spec["automountServiceAccountToken"] is False and spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"} and spec["securityContext"]["runAsUser"] == 10001
    for container in spec["containers"] + spec.get("initContainers", []):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        volumes = {volume["name"] for volume in spec["volumes"]} | {"state"}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    (gatehouse,) = spec["containers"]
    assert gatehouse["livenessProbe"]["httpGet"]["path"] == "/health/live" and gatehouse["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    ports = {port["name"]: port["containerPort"] for port in gatehouse["ports"]}
    binds = {listener["name"]: listener["bind"] for listener in yaml.safe_load(made["ConfigMap"]["data"]["gatehouse.yaml"])["listeners"]}
    assert binds["public"].endswith(f":{ports['https']}") and binds["monitoring"].endswith(f":{ports['monitoring']}")
    for selector in (made["StatefulSet"]["spec"]["selector"]["matchLabels"], made["Service"]["spec"]["selector"],
                     made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], made["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    assert [port["targetPort"] for port in made["Service"]["spec"]["ports"]] == ["https"]
    assert made["Monitoring"]["spec"]["clusterIP"] == "None" and made["Monitoring"]["spec"]["ports"][0]["port"] == ports["monitoring"]
    hosts = yaml.safe_load(made["ConfigMap"]["data"]["gatehouse.yaml"])["allowed_hosts"]
    assert "gatehouse-monitoring.gatehouse.svc" in hosts, "or Prometheus gets 421"
    database = [each for container in spec["containers"] + spec.get("initContainers", []) for each in container.get("env", [])]
    assert all("secretKeyRef" in each["valueFrom"] for each in database) and len(database) == (2 if folder == "postgresql" else 0)
