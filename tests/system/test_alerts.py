"""What deploy/alertmanager ships, in a real Alertmanager: alerts reach a webhook, Slack and PagerDuty, and `gatehouse alert test`
proves it."""

import json
import re
import subprocess
import urllib.request

import pytest
import yaml

from support import upstream as answers
from support.alertmanager import FILE, INSTALLED, Alertmanager, Receiver, everything_on
from support.gateway import run
from support.ports import free_port
from support.prometheus import DEPLOY
from support.prometheus import INSTALLED as PROMETHEUS_INSTALLED
from support.prometheus import Prometheus
from support.wait import seconds, until

pytestmark = pytest.mark.skipif(not INSTALLED, reason="Alertmanager is not installed (tools/setup test)")


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def make_alertmanager(tmp_path, receiver):
    running = []

    def make(change=lambda config: None):
        running.append(Alertmanager(tmp_path / f"alertmanager{len(running)}", receiver, change))
        return running[-1]
    yield make
    for each in running:
        each.stop()


def alert_test(alertmanager, *arguments, **options):
    url = alertmanager if isinstance(alertmanager, str) else alertmanager.url
    return run("alert", "test", "--alertmanager", url, *arguments, timeout=40, **options)


@pytest.mark.parametrize("everything", [False, True])
def test_the_configuration_is_taken(everything, tmp_path):
    text = FILE.read_text()
    if everything:
        text = everything_on(text)
        assert "slack_configs" in yaml.safe_load(text)["receivers"][1]
    (tmp_path / "alertmanager.yml").write_text(text)
    done = subprocess.run(["amtool", "check-config", str(tmp_path / "alertmanager.yml")], capture_output=True, text=True,
                          timeout=seconds(30), check=False)
    assert done.returncode == 0 and "3 receivers" in done.stdout, done.stdout


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_severity_chooses_the_receiver(severity):
    done = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={FILE}", f"severity={severity}"], capture_output=True,
                          text=True, timeout=seconds(30), check=False)
    assert done.stdout.split() == [severity], done.stderr


def test_rules_and_inhibitions_speak_of_the_same_alerts():
    alerts = {rule["alert"]: rule for file in (DEPLOY / "prometheus" / "rules").glob("*.yml")
              for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"] if "alert" in rule}
    for rule in yaml.safe_load(FILE.read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            exact = re.fullmatch(r'alertname="(\w+)"', matcher)
            assert not exact or exact[1] in alerts, matcher


def test_a_test_alert_reaches_webhook_slack_and_pagerduty(make_alertmanager, receiver):
    done = alert_test(make_alertmanager(), "--severity", "critical", "--label", "team=platform", "--wait", "30s")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines == [["for", "critical"], ["pagerduty", "sent"], ["slack", "sent"], ["webhook", "sent"]]

    headers, hook = receiver.at("/webhook/alerts")[0]
    assert headers["Authorization"] == "Bearer token-of-the-test", "the credential is read from its file"
    assert hook["status"] == "firing" and hook["receiver"] == "critical" and len(hook["alerts"]) == 1
    labels = hook["alerts"][0]["labels"]
    assert labels["alertname"] == "GatehouseTest" and labels["severity"] == "critical" and labels["team"] == "platform"
    assert f"test={labels['test']};" in done.stderr
    assert "Nothing is wrong" in hook["alerts"][0]["annotations"]["description"]

    (_, slack), = receiver.at("/slack")
    attachment = slack["attachments"][0]
    assert slack["channel"] == "#alerts" and attachment["title"] == "[FIRING] GatehouseTest (critical)"
    assert "A test of the way alerts take" in attachment["text"]

    (_, page), = receiver.at("/pagerduty")
    assert page["routing_key"] == "routing-key-of-the-test" and page["event_action"] == "trigger"
    assert page["payload"]["severity"] == "critical" and page["payload"]["summary"].startswith("GatehouseTest: ")


def test_a_warning_wakes_nobody_and_each_run_arrives_at_once(make_alertmanager, receiver):
    alertmanager = make_alertmanager()
    for _ in range(2):  # the second would wait for group_interval in the group of the first
        done = alert_test(alertmanager, "--wait", "20s")
        assert done.returncode == 0, done.stdout + done.stderr
    assert not receiver.at("/pagerduty")
    assert len({hook["alerts"][0]["labels"]["test"] for _, hook in receiver.at("/webhook/alerts")}) == 2


def test_without_wait_it_says_that_it_was_taken(make_alertmanager, receiver):
    done = alert_test(make_alertmanager(), "--severity", "info")
    assert done.returncode == 0 and done.stdout.startswith("test=") and "--wait" in done.stderr
    until(lambda: receiver.at("/webhook/alerts"), "the webhook", timeout=20)


def test_a_receiver_that_fails_is_told(make_alertmanager, receiver):
    receiver.status = 403
    done = alert_test(make_alertmanager(), "--severity", "info", "--wait", "20s")
    assert done.returncode == 1 and done.stdout.split() == ["for", "info", "webhook", "failed"], done.stdout
    assert "its log says why" in done.stderr


def test_a_missing_credential_fails_its_receiver_alone(make_alertmanager, receiver):
    alertmanager = make_alertmanager(lambda config: config["receivers"][1]["slack_configs"][0].update(api_url_file="/nowhere"))
    done = alert_test(alertmanager, "--wait", "20s")
    assert done.returncode == 1 and "webhook    sent" in done.stdout and "slack      failed" in done.stdout, done.stdout


def test_a_silence_is_told_at_once(make_alertmanager, receiver):
    alertmanager = make_alertmanager()
    silence = alertmanager.amtool("silence", "add", "--author=test", "--comment=quiet", "alertname=GatehouseTest").strip()
    done = alert_test(alertmanager, "--wait", "30s")
    assert done.returncode == 1 and f"amtool silence query {silence}" in done.stderr, done.stderr
    assert not receiver.got


def test_a_route_that_waits_longer_is_told(make_alertmanager):
    def slow(config):
        config["route"]["routes"][1]["group_wait"] = "5m"
    done = alert_test(make_alertmanager(slow), "--wait", "2s")
    assert done.returncode == 1 and "nothing was sent within 2s: group_wait" in done.stderr


def test_who_does_not_answer_as_alertmanager_does(make_upstream):
    nobody = alert_test(f"http://127.0.0.1:{free_port()}")
    assert nobody.returncode == 1 and "Connection refused" in nobody.stderr and "Is it running" in nobody.stderr
    for status, said in ((404, "web.route-prefix"), (401, "--token-file"), (302, "leads elsewhere"), (500, "look into its log")):
        other = make_upstream(answers.normal(status, b"no \x1b[31m"))
        done = alert_test(other.url)
        assert done.returncode == 1 and f"answers {status}" in done.stderr and said in done.stderr, done.stderr
        assert "\x1b" not in done.stderr


@pytest.mark.parametrize("arguments, said", [
    (["--alertmanager", "alerts:9093"], "--alertmanager"), (["--label", "team"], "--label"), (["--label", "9x=y"], "--label"),
    (["--wait", "soon"], "--wait"), (["--wait", "1h"], "--wait"), (["--severity", "bad"], "--severity"),
    (["--token-file", "/nowhere", "--alertmanager", "https://127.0.0.1:1"], "--token-file"), (["--ca", "/nowhere", "--alertmanager", "https://127.0.0.1:1"], "--ca"),
    (["--token-file", "/dev/null", "--alertmanager", "http://192.0.2.1:9093"], "only by https"),
])
def test_wrong_use_ends_with_2(arguments, said):
    done = run("alert", "test", *arguments)
    assert done.returncode == 2 and said in done.stderr, done.stderr


@pytest.mark.skipif(not PROMETHEUS_INSTALLED, reason="Prometheus is not installed (tools/setup test)")
def test_an_alert_of_prometheus_reaches_the_receiver(make_alertmanager, receiver, tmp_path):
    """The whole way: nobody answers where Prometheus scrapes, its rule fires, Alertmanager sends it on."""
    alertmanager = make_alertmanager()
    prometheus = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{free_port()}", alertmanager=alertmanager.url, at_once=True)
    try:
        def down():
            return [hook for _, hook in receiver.at("/webhook/alerts") if hook["alerts"][0]["labels"]["alertname"] == "GatehouseDown"]
        until(down, "GatehouseDown at the webhook", timeout=60, pause=0.2)
        assert down()[0]["receiver"] == "critical"
        assert receiver.at("/pagerduty")
        sources = json.load(urllib.request.urlopen(f"http://127.0.0.1:{prometheus.port}/api/v1/alertmanagers", timeout=seconds(10)))
        assert [each["url"] for each in sources["data"]["activeAlertmanagers"]] == [f"{alertmanager.url}/api/v2/alerts"]
    finally:
        prometheus.stop()
