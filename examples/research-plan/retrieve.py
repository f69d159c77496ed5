"""Finds readings of a region in data/air.csv. Quality: the share of readings that are there; confidence: by the number of stations."""

import csv
import pathlib

from worker import main
from gatehouse_agent import NotRetryable, Outcome

DATA = pathlib.Path(__file__).resolve().parent / "data/air.csv"
METRICS = ("pm10", "pm25", "no2")
STATIONS_WANTED = 3


def query(step):
    region = step.metadata["region"]
    with DATA.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == region]
    if not rows:
        raise NotRetryable(f"there are no stations in {region}")
    readings = [{"station": row["station"], "hour": int(row["hour"]), **{name: float(row[name]) for name in METRICS if row[name]}}
                for row in rows]
    there = sum(len(reading) - 2 for reading in readings)
    quality = there / (len(rows) * len(METRICS))
    stations = sorted({row["station"] for row in rows})
    confidence = quality * min(1, len(stations) / STATIONS_WANTED)
    return Outcome({"stations": stations, "readings": readings}, reference=DATA.as_uri(), confidence=round(confidence, 3),
                   quality=round(quality, 3))


if __name__ == "__main__":
    main(query)
