"""The store alone: blocks written as a sync writes them, look-ups, the start."""
import json
import subprocess


def run(report):
    out = subprocess.run([report.build / "tests/bench/bench_store"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        figure = json.loads(line)
        # A commit that somebody waits for takes one synchronous write, if it is alone.
        limit = "file_syncs" if figure["name"] == "store_commits_urgent" else None
        report.add(figure["name"], figure["value"], figure["unit"], limit)
