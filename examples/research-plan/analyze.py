"""Means, peaks and hours above the limit. Quality is that of the data; confidence: less where stations disagree."""

import statistics

from worker import main
from gatehouse_agent import Outcome


def measure(readings, name, limit):
    values = [reading[name] for reading in readings if name in reading]
    return {"mean": round(statistics.fmean(values), 1), "peak": max(values), "limit": limit, "above": sum(value > limit for value in values),
            "of": len(values), "spread": round(statistics.pstdev(values) / statistics.fmean(values), 3)}


def analyze(step):
    (source,) = step.inputs
    readings = step.result_of(source.step_id)["readings"]
    metrics = {name: measure(readings, name, limit) for name, limit in step.metadata["limits"].items()}
    agreement = 1 - statistics.fmean(each["spread"] for each in metrics.values()) / 2
    return Outcome({"metrics": metrics, "source": source.reference}, confidence=round(source.confidence * agreement, 3),
                   quality=source.quality)


if __name__ == "__main__":
    main(analyze)
