"""The ten heaviest translation units of the last build, for information (a file out of ccache weighs nothing)."""

LISTED = 10


def report(build):
    try:
        lines = (build / ".ninja_log").read_text().splitlines()
    except OSError:
        return []
    times = {}
    for line in lines:
        fields = line.split("\t")
        if len(fields) == 5 and fields[3].endswith(".o"):
            times[fields[3]] = max(int(fields[1]) - int(fields[0]), times.get(fields[3], 0))
    heaviest = sorted(times.items(), key=lambda item: -item[1])[:LISTED]
    return [f"heaviest translation units of {build.name}:"] * bool(heaviest) + [
        f"  {milliseconds / 1000:6.1f} s  {name}" for name, milliseconds in heaviest]
