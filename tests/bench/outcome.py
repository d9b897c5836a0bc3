"""What a benchmark found, on which machine and with which versions: as one document and as one table."""

import os
import pathlib
import platform
import re
import statistics
import subprocess

MEASURES = ("wall", "cpu", "rss")
RIVAL = "duckdb"


def machine():
    """The processor and what else figures depend on."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": found[1].strip() if found else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages * page / 2**30, 1),
        "system": platform.platform(),
    }


def versions(claimlake, **others):
    """The version of the binary as it says itself, and those of others."""
    said = subprocess.run([claimlake, "--version"], check=True, capture_output=True, text=True)
    return {"claimlake": said.stdout.split()[-1], "python": platform.python_version()} | others


def spread(runs):
    """Median, minimum and maximum of each measure."""
    values = {measure: [run[measure] for run in runs] for measure in MEASURES}
    return {
        measure: {"median": statistics.median(of), "min": min(of), "max": max(of)} for measure, of in values.items()
    }


def document(megabytes, runs, tenth, machine, versions):
    """All figures. `runs` has the runs of each contestant, `tenth` one of a tenth of the claims of some.
    Ratios are to the rival's median: 0.5 is half of what the rival takes."""
    spreads = {name: spread(of) for name, of in runs.items()}
    rival = spreads[RIVAL]
    ratios = {
        name: {measure: of[measure]["median"] / rival[measure]["median"] for measure in MEASURES}
        for name, of in spreads.items()
        if name != RIVAL
    }
    growth = {name: spreads[name]["rss"]["median"] / of["rss"] for name, of in tenth.items()}
    return {
        "machine": machine,
        "versions": versions,
        "megabytes": megabytes,
        "spread": spreads,
        "ratios_to_duckdb": ratios,
        "memory_to_a_tenth": growth,
        "runs": runs,
        "tenth": tenth,
    }


def table(found):
    """The document as lines of text: where it was measured, then a line for each contestant."""
    where, size = found["machine"], found["megabytes"]
    named = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    yield f"{where['processor']}, {where['cores']} cores, {where['memory_gib']} GiB, {where['system']}"
    yield f"{named}; {size:.0f} MB, median (minimum to maximum) of runs in turn"
    yield (
        f"{'':12} {'runs':>4} {'wall s':>22} {'CPU s':>22} {'MB/s':>7} {'MB/CPU-s':>8} {'RSS MiB':>7}"
        f" {'wall/DuckDB':>11} {'CPU/DuckDB':>10} {'RSS/tenth':>9}"
    )
    for name, of in found["spread"].items():
        seconds = [
            f"{of[measure]['median']:.2f} ({of[measure]['min']:.2f} to {of[measure]['max']:.2f})"
            for measure in ("wall", "cpu")
        ]
        ratios = found["ratios_to_duckdb"].get(name, {"wall": 1, "cpu": 1})
        growth = found["memory_to_a_tenth"].get(name)
        yield (
            f"{name:12} {len(found['runs'][name]):4} {seconds[0]:>22} {seconds[1]:>22}"
            f" {size / of['wall']['median']:7.1f} {size / of['cpu']['median']:8.1f} {of['rss']['median']:7.0f}"
            f" {ratios['wall']:11.2f} {ratios['cpu']:10.2f} {'' if growth is None else format(growth, '.2f'):>9}"
        )
