"""What this machine can do at best, measured right before the figures that are put beside it."""
import json
import re
import subprocess


def measure_limits(report):
    out = subprocess.run([report.build / "tests/bench/limits", report.build], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        figure = json.loads(line)
        report.add_limit(figure["name"], figure["value"], figure["unit"])
    report.add_limit("sha256_blocks", openssl_sha256(), "1/s")


def openssl_sha256():
    """SHA-256 compressions per second on one core, by OpenSSL, which uses the processor's SHA
    instructions where it has them."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384", "-evp",
                          "sha256"], text=True, check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    bytes_per_s = float(re.search(r"^\+F:\d+:sha256:([\d.]+)$", out, re.IGNORECASE
                                  | re.MULTILINE).group(1))
    return bytes_per_s / 64
