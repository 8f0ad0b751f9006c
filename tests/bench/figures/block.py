"""A block of 1,000 known transactions through one core alone, beside hashing its merkle root."""
import json
import subprocess


def run(report):
    out = subprocess.run([report.build / "tests/bench/bench_block"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        figure = json.loads(line)
        report.add(figure["name"], figure["value"], figure["unit"], figure["limit"], True)
