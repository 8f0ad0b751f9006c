"""How long it takes to choose a block's entries from a full pool."""
import json
import subprocess

ENTRIES = 60000


def run(report):
    """The floor is to copy what was chosen, entry by entry, into a body."""
    out = subprocess.run([report.build / "tests/bench/bench_pool", str(ENTRIES)], text=True,
                         check=True, stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        figure = json.loads(line)
        report.add(f"pool_add_{figure['name']}", figure["add_us"], "us")
        report.add(f"pool_select_{figure['name']}", figure["select_us"] / 1000, "ms",
                   figure["copy_us"] / 1000, True)
