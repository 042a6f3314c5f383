"""Adds a row for each bundle to the table of boards: python3 bench-board-row.py RESULTS TABLE BUNDLE...

RESULTS is a folder of JSON that scripts/bench-board.sh brought back. The row is that of the number of threads
with the lowest p90 end to end; it goes below the last row of the table that holds the marker.
"""

import datetime
import json
import sys
from pathlib import Path

MARKER = "<!-- rows of scripts/bench-board.sh end here -->"


def read(path):
    return json.loads(path.read_text()) if path.is_file() else None


def stage(report, name):
    return next(s for s in report["stages"] if s["stage"] == name)["wall"]


def hottest(state):
    return max(state["temperatures_c"].values(), default=None)


def row(results, bundle, day):
    found = [read(path) for path in sorted(results.glob(f"{bundle}-kiosk-*.json"))]
    if not found:
        sys.exit(f"bench-board-row: no result for {bundle} in {results}")
    best = min(found, key=lambda report: stage(report, "end_to_end")["p90_ms"])
    threads = best["models"]["threads"]
    network = read(results / f"{bundle}-network-{threads}.json")
    peer = read(results / f"{bundle}-onnxruntime-{threads}.json")
    machine, heat = best["machine"], [hottest(best[when]) for when in ("before", "after")]
    ms = lambda value: f"{value:.1f}"
    cells = [
        machine["board"] or machine["cpu"]["name"],
        ", ".join(best["after"]["governors"]) or "not told",
        "not told" if None in heat else f"{heat[0]:.0f} → {heat[1]:.0f}",
        f"{bundle} `{best['models']['bundle_sha256'][:8]}`",
        f"{threads}, {best['models']['kernel']}",
        ms(stage(best, "end_to_end")["p50_ms"]),
        ms(stage(best, "end_to_end")["p90_ms"]),
        ms(stage(network, "network")["p50_ms"]),
        ms(peer["wall"]["p50_ms"]) if peer else "left out",
        f"{best['start']['cold_ms']:.0f}",
        f"{best['memory']['peak_bytes'] / 1e6:.0f}" if best["memory"] else "not told",
        f"{best['drift']['ratio']:.2f}" if best["drift"] else "not told",
        "; ".join(best["doubts"]) or "none",
        f"{best['program']['version']}, {day}",
    ]
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |\n"


results, table, bundles = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
text = table.read_text()
if text.count(MARKER) != 1:
    sys.exit(f"bench-board-row: expected the line '{MARKER}' once in {table}")
day = datetime.date.today().isoformat()
rows = "".join(row(results, bundle, day) for bundle in bundles)
table.write_text(text.replace(MARKER, rows + MARKER))
print(rows, end="")
