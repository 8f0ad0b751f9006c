"""Signature checks a second on one thread: by tables of known keys, and of keys never seen before."""
import json
import subprocess


def run(report):
    out = subprocess.run([report.build / "tests/bench/verify_rate"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    rates = {row["name"]: row["value"] for row in map(json.loads, out.splitlines())}
    libsodium = rates.pop("libsodium")
    for name, rate in rates.items():
        report.add(f"signatures_{name}", rate, "1/s", libsodium)
