"""What the Python agents of this example have in common: they come with a one-time token, or open their folder, and work.

  python3 analyze.py --folder state/analyze --url https://localhost:8455 --ca ca.pem --token-file token
"""

import argparse
import logging
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "sdk/python/src"))

from gatehouse_agent import Agent  # noqa: E402


def main(work):
    parser = argparse.ArgumentParser()
    for name in ("folder", "url", "ca", "token-file"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(name)s: %(message)s")
    agent = Agent.open_or_enrol(given.folder, given.url, pathlib.Path(given.token_file).read_text().strip(), ca_file=given.ca)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    with agent:
        agent.plans.run(work, wait=5, on_report=lambda report: print(
            f"{agent.name}: {report.step_id} {report.outcome} in {report.duration_ms} ms", flush=True))
