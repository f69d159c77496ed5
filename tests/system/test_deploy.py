"""What deploy/ ships: rules that promtool takes and tests, and queries that say something of a gateway that is at work."""

import json
import re
import subprocess
import threading

import pytest
import yaml

from support import upstream as answers
from support.agent import online
from support.control import Control
from support.gateway import api_key, free_port, public_route, upstream_config
from support.prometheus import DEPLOY, INSTALLED, Prometheus
from support.wait import pass_time, seconds, until

pytestmark = pytest.mark.skipif(not INSTALLED, reason="Prometheus is not installed (tools/setup test)")
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
KEY = "key-of-admin-" + "0123456789abcdef" * 2


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=seconds(60), check=False)
    return done.returncode, done.stdout + done.stderr


def rules():
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def names_in(expression):
    """Of the series that it reads: what stands before braces, brackets or an operator and is no function or label."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|on|ignoring|without)\s*\([^)]*\)", "", expression)
    return {name for name in re.findall(r"(?<![\w:])([a-z_][a-z0-9_:]*_[a-z0-9_:]+)(?![\w:]|\s*\()", bare)} | set(re.findall(r"\bup\b", bare))


def test_configuration_and_rules_are_taken_and_fire():
    assert promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")[0] == 0
    code, said = promtool("test", "rules", DEPLOY / "prometheus" / "tests" / "rules.yml")
    assert code == 0, said
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    tested = yaml.safe_load((DEPLOY / "prometheus" / "tests" / "rules.yml").read_text())["tests"]
    assert {test["name"] for test in tested} == alerts, "each alert is made to fire"


def test_each_alert_has_its_page():
    page = (DEPLOY.parent / "docs" / "operations" / "incidents.md").read_text()
    headings = {line[3:] for line in page.splitlines() if line.startswith("## ")}
    for rule in rules():
        if "alert" not in rule:
            continue
        file, anchor = rule["annotations"]["runbook_url"].split("#")
        assert file == "docs/operations/incidents.md" and anchor in headings, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_dashboards_are_what_file_provisioning_takes():
    assert len(DASHBOARDS) == 6
    assert len({json.loads(file.read_text())["uid"] for file in DASHBOARDS}) == len(DASHBOARDS)
    sources = {source["uid"] for source in yaml.safe_load(
        (DEPLOY / "grafana" / "provisioning" / "datasources" / "gatehouse.yml").read_text())["datasources"]}
    assert sources == {"prometheus", "loki", "jaeger"}
    for file in DASHBOARDS:
        board = json.loads(file.read_text())
        assert board["panels"] and "dashboard" not in board, "raw, not wrapped as the API takes it"
        assert board["refresh"] == "30s" and board["time"] == {"from": "now-1h", "to": "now"}
        for panel in board["panels"]:
            assert panel["type"] in ("timeseries", "stat", "table") and panel["datasource"]["uid"] in sources
    provider = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "dashboards" / "gatehouse.yml").read_text())
    assert provider["providers"][0]["type"] == "file"


def test_grafana_may_alert_by_the_same_rules():
    done = subprocess.run([DEPLOY.parent / "tools" / "grafana_alerts", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    provided = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "alerting" / "gatehouse.yml").read_text())
    assert provided["apiVersion"] == 1
    made = [rule for group in provided["groups"] for rule in group["rules"]]
    assert {rule["title"]: rule["data"][0]["model"]["expr"] for rule in made} == {
        rule["alert"]: rule["expr"] for rule in rules() if "alert" in rule}
    assert len({rule["uid"] for rule in made}) == len(made) and all(len(rule["uid"]) <= 40 for rule in made)
    for rule in made:
        assert [step["refId"] for step in rule["data"]] == ["A", "B", "C"] and rule["condition"] == "C"
        assert "$value " not in str(rule["annotations"]) and rule["noDataState"] == "OK"


SAID = {"state": "processing", "invocations": [{"status": "success", "duration_ms": 250}],
        "llm_calls": [{"model": "small-1", "duration_ms": 200, "input_tokens": 90, "output_tokens": 12}]}


def work(operator, agent):
    """What an agent's day is made of, once."""
    agent.ask("POST", f"/api/v1/agents/{agent.id}/heartbeat", SAID)
    operator.ask("POST", "/api/v1/notifications", {"recipient": agent.id, "notification_type": "news", "body": {}})
    operator.ask("POST", "/api/v1/tasks", {"title": "Look at the sky", "assignee": agent.id})
    agent.ask("GET", "/api/v1/messages/receive?max=1&lease=60")
    operator.ask("POST", "/api/v1/plans", {"name": "sky", "steps": [{"id": "look", "type": "data_retrieval"}]})
    for step in agent.ask("POST", "/api/v1/plans/claim", {"max": 1}).json().get("steps", []):
        agent.ask("POST", f"/api/v1/plans/{step['plan_id']}/steps/{step['step_id']}/complete", {"lease": step["lease"]})


@pytest.fixture
def at_work(start, configure, make_upstream, tmp_path):
    """A gateway under load of every kind that a dashboard shows, and the Prometheus that scrapes it."""
    well, failing = make_upstream(), make_upstream(answers.close_without_answer)
    routes = [public_route("/failing", upstream="failing"), public_route("/limited", rate_limit=[{"requests": 1, "per": "1h", "by": "client_ip"}]),
              {"match": {"path_prefix": "/closed"}, "upstream": "backend", "access": "authenticated"}, public_route("/")]
    config = configure([well, upstream_config(failing, "failing")], routes, auth={"api_keys": [api_key("admin", KEY, ["admin"])]},
                       tls={"certificate": "internal"}, allowed_hosts=["localhost", "127.0.0.1"])
    config["telemetry"]["traces"] = {"otlp_endpoint": f"http://127.0.0.1:{free_port()}"}
    config["listeners"][0]["serve"] = ["gateway", "api"]
    gateway = start(config)
    stop = threading.Event()

    def load():
        control = Control(gateway, key=KEY)
        agent = online(control, "build-7")
        while not stop.is_set():
            work(control, agent)
            for path in ("/", "/failing", "/limited", "/closed", "/elsewhere"):
                gateway.get(path)
            control.get("/api/v1/users")
            pass_time(0.05)
    worker = threading.Thread(target=load)
    worker.start()
    prometheus = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{gateway.port('admin')}")
    try:
        yield prometheus
    finally:
        stop.set()
        worker.join()
        prometheus.stop()


def test_every_query_says_something(at_work):
    expressions = {target["expr"].replace("$__rate_interval", "5s").replace("$instance", ".*")
                   for file in DASHBOARDS for panel in json.loads(file.read_text())["panels"] for target in panel["targets"]}
    assert len(expressions) > 50
    silent = set(expressions)

    def all_answer():
        silent.difference_update({each for each in silent if at_work.query(each)})
        return not silent
    try:
        until(all_answer, "every query of the dashboards", timeout=60, pause=1)
    finally:
        assert not silent, "\n".join(sorted(silent))
    records = {rule["record"] for rule in rules() if "record" in rule} - {"gatehouse:database_journal:oldest_seconds"}
    for record in records:
        until(lambda name=record: at_work.query(name), record, timeout=30, pause=1)
    for rule in rules():
        for name in names_in(rule["expr"]) - {"gatehouse:database_journal:oldest_seconds"}:
            assert at_work.query(name), f"{rule.get('alert') or rule['record']} reads {name}, which there is not"
        at_work.query(rule["expr"])


def queries_of_manuals():
    """What stands in the tables of docs/ whose second column is a query."""
    for page in sorted((DEPLOY.parent / "docs" / "operations").glob("*.md")):
        asking = False
        for line in page.read_text().splitlines():
            cells = re.split(r"(?<!\\) \| ", line.strip("| ")) if line.startswith("|") else []
            if cells[:2] == ["question", "query"]:
                asking = True
            elif not cells:
                asking = False
            elif asking and not cells[0].startswith("---"):
                yield page.name, cells[1].strip("`")


def test_every_query_of_the_manuals_is_taken_and_reads_what_there_is(at_work):
    queries = list(queries_of_manuals())
    assert len(queries) > 15 and len({page for page, _ in queries}) == 2
    until(lambda: at_work.query("http_requests_total"), "a scrape", timeout=30, pause=1)
    for page, query in queries:
        at_work.query(query)
        for name in names_in(query):
            assert name in documented(), f"{page}: {query} reads {name}, which no page names"


def documented():
    """Names of metrics, with what a histogram adds to them."""
    names = set(re.findall(r"`([a-z_][a-z0-9_]*)`", (DEPLOY.parent / "docs" / "operations" / "metrics.md").read_text()))
    return names | {name + end for name in names for end in ("_bucket", "_sum", "_count")}


def test_the_service_may_little():
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=30", str(DEPLOY / "systemd" / "gatehouse.service")],
                          capture_output=True, text=True, timeout=seconds(60), check=False)
    assert done.returncode == 0, done.stdout
    assert "exposure level" in done.stdout
