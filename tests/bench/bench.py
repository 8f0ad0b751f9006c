#!/usr/bin/env python3
"""The benchmarks behind tests/bench/run.sh: each starts real nodes, measures, and puts the figure
beside a limit that was measured on the same machine in the same run."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "simnet")]

from harness import Node, Swarm, until  # noqa: E402

SWARM_NODES = 10
SWARM_SECONDS = 60
WRK_SECONDS = 5
POST_SECONDS = 2  # longer runs meet EZ_POOL_SIGNER_MAX: all notes are signed by one node's key
WRK_CONNECTIONS = 32
COINBASE_BLOCKS = 20000
SIGNED_BLOCKS, SIGNED_ENTRIES = 100, 100  # 10,000 signed transactions
HASHES_OF_A_COINBASE_BLOCK = 4  # header, transaction id, leaf, view
WAIT_SECONDS = 600


class Bench:
    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.results = []
        self.limits = {}
        os.environ["EZP2P_BIN"] = str(self.build / "ezp2p")

    # ---- limits ---------------------------------------------------------------------------

    def measure_limits(self):
        out = subprocess.run([self.build / "tests/bench/limits", self.build], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
        for line in out.splitlines():
            figure = json.loads(line)
            self.limits[figure["name"]] = figure["value"]
            self.add("limit_" + figure["name"], figure["value"], figure["unit"])
        self.limits["sha256_blocks"] = self.openssl_sha256()
        self.add("limit_sha256_blocks", self.limits["sha256_blocks"], "1/s")

    @staticmethod
    def openssl_sha256():
        """SHA-256 compressions per second on one core, by OpenSSL, which uses the processor's SHA
        instructions where it has them."""
        out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "16384", "-evp",
                              "sha256"], text=True, check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
        bytes_per_s = float(re.search(r"^\+F:\d+:sha256:([\d.]+)$", out, re.IGNORECASE
                                      | re.MULTILINE).group(1))
        return bytes_per_s / 64

    # ---- results --------------------------------------------------------------------------

    def add(self, name, value, unit, limit=None, smaller_is_better=False):
        """Note a figure; `limit` names one that was measured, or is a number. The ratio says how
        near the figure comes to it: 1 is as good as can be."""
        limit = self.limits[limit] if isinstance(limit, str) else limit
        ratio = None
        if limit and value:
            ratio = limit / value if smaller_is_better else value / limit
        row = {"name": name, "value": value, "unit": unit, "limit": limit,
               "ratio": ratio if ratio is None else float(f"{ratio:.4g}")}
        self.results.append(row)
        with open(self.build / "results.jsonl", "a") as file:
            file.write(json.dumps(row) + "\n")
        if not name.startswith("limit_"):
            print(format_row(row), flush=True)

    # ---- figures --------------------------------------------------------------------------

    def swarm(self):
        """Ten processes with traffic, as simnet/run.sh starts them."""
        result = subprocess.run(
            [sys.executable, "-B", ROOT / "simnet/swarm.py", "--binary", self.build / "ezp2p",
             str(SWARM_NODES), "--for", str(SWARM_SECONDS), "--tx-rate", "50", "--json"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment())
        summary = json.loads(result.stdout)
        hop_ms = self.limits["loopback_round_trip"] / 1000
        self.add("swarm_connected", summary["connected_s"], "s")
        for kind in ("block", "tx"):
            for rank in ("p50", "p99"):
                self.add(f"swarm_{kind}_{rank}", summary[f"{kind}_ms"][rank], "ms", hop_ms, True)
        self.add("swarm_copies", summary["copies"], "copies", 1, True)
        self.add("swarm_bytes_between_nodes_per_tx",
                 round(summary["bytes"] / max(summary["tx_accepted"], 1)), "B")
        self.add("swarm_rss_max", summary["rss_mib_max"], "MiB")
        self.add("swarm_tx_lost", summary["tx_accepted"] - summary["tx_in_chain"], "transactions")

    def relay(self):
        """Transactions posted to one node as fast as it takes them, until all ten have them."""
        with nodes_folder() as folder:
            swarm = Swarm(folder).grow(SWARM_NODES, lambda index: range(max(index - 3, 0), index))
            try:
                swarm.wait_connected(peers=3)
                start = time.monotonic()
                accepted = self.post(swarm[0], POST_SECONDS)
                posted_s = time.monotonic() - start
                until(lambda: all(node.pool_count() == accepted for node in swarm),
                      "everyone has all of them", WAIT_SECONDS)
                took = time.monotonic() - start
            finally:
                swarm.stop()
        self.add("relay_posted_to_one", accepted / posted_s, "1/s", "ed25519_signatures")
        # Each of the ten checks each signature, on the processors they share.
        self.add("relay_into_all_ten", accepted / took, "1/s",
                 self.limits["ed25519_verifications_all_cores"] / SWARM_NODES)

    def sync(self):
        self.sync_of("sync_coinbase_blocks", COINBASE_BLOCKS, 0)
        self.sync_of("sync_signed_transactions", SIGNED_BLOCKS, SIGNED_ENTRIES)

    def sync_of(self, name, blocks, entries):
        """An empty node syncs from one that has the chain, over loopback."""
        chain = self.make_chain(blocks, entries)
        with nodes_folder() as folder:
            shutil.copytree(chain, folder / "source")
            source, fresh = Node(folder / "source"), None
            try:
                source.start()
                self.add(name + "_source_rss", source.resident_kib() / 1024, "MiB")
                fresh = Node(folder / "fresh", "--peer", source.listen)
                fresh.start()
                start = fresh.started_at
                until(lambda: fresh.height() == blocks + 1, "it is synced", WAIT_SECONDS, 0.02)
                took = time.monotonic() - start
                rss = fresh.resident_kib() / 1024
            finally:
                for node in filter(None, (source, fresh)):
                    node.stop()
        if entries:
            self.add(name, blocks * entries / took, "1/s", "ed25519_verifications_all_cores")
        else:
            self.add(name, blocks / took, "1/s",
                     self.limits["sha256_96_bytes_libsodium"] / HASHES_OF_A_COINBASE_BLOCK)
        self.add(name + "_rss", rss, "MiB")

    def make_chain(self, blocks, entries):
        """A data directory with a mined chain, made once and kept."""
        folder = self.build / "chains" / f"{blocks}x{entries}"
        if not folder.exists():
            print(f"mining {blocks} blocks with {entries} entries each, once", file=sys.stderr)
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            subprocess.run([self.build / "tests/bench/make_chain", draft, str(blocks), str(entries),
                            str(os.cpu_count())], check=True)
            draft.rename(folder)
        return folder

    def http(self):
        with nodes_folder() as folder:
            node = Node(folder / "node").start()
            try:
                for path in ("/livez", "/v1/status", "/v1/blocks/1"):
                    rate, _ = wrk(node, path, WRK_SECONDS)
                    self.add(f"http_get {path}", rate, "1/s", "loopback_round_trips")
                start = time.monotonic()
                accepted = self.post(node, POST_SECONDS)
                self.add("http_post /transactions/new", accepted / (time.monotonic() - start), "1/s",
                         "ed25519_signatures")
                self.add("http_post_per_file_sync", accepted / POST_SECONDS, "1/s", "file_syncs")
            finally:
                node.stop()

    @staticmethod
    def post(node, seconds):
        """Post with wrk; returns how many entries the node has taken in."""
        before = node.pool_count()
        wrk(node, "/transactions/new", seconds, HERE / "post.lua")
        return node.pool_count() - before

    def memory(self):
        with nodes_folder() as folder:
            node = Node(folder / "empty").start()
            self.add("memory_idle_empty", node.resident_kib() / 1024, "MiB")
            node.stop()
            shutil.copytree(self.make_chain(COINBASE_BLOCKS, 0), folder / "full")
            node = Node(folder / "full").start()
            self.add(f"memory_idle_{COINBASE_BLOCKS}_blocks", node.resident_kib() / 1024, "MiB")
            node.stop()

    def miner(self):
        with nodes_folder() as folder:
            node = Node(folder / "miner", "--mine").start()
            try:
                rates = []
                hashes, then = miner_hashes(node), time.monotonic()
                for _ in range(5):
                    time.sleep(1)
                    more, now = miner_hashes(node), time.monotonic()
                    rates.append((more - hashes) / (now - then))
                    hashes, then = more, now
            finally:
                node.stop()
        # With the first half of the header hashed once, a proof costs one compression. OpenSSL
        # works on one stream; a miner that works on two at once can be faster.
        self.add("miner_hashes_one_thread", max(rates), "1/s", "sha256_blocks")


def miner_hashes(node):
    return int(re.search(r"^ezp2p_miner_hashes_total (\d+)$", node.get("/metrics").text,
                         re.MULTILINE).group(1))


def wrk(node, path, seconds, script=None):
    """(requests per second, p99 text) of wrk against a node."""
    command = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{seconds}s", "--latency"]
    if script:
        command += ["-s", script]
    out = subprocess.run([*command, f"http://{node.http}{path}"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    latency = re.search(r"99%\s+(\S+)", out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), latency and latency.group(1)


def clean_environment():
    return {key: value for key, value in os.environ.items() if not key.startswith("EZP2P_")}


@contextlib.contextmanager
def nodes_folder():
    with tempfile.TemporaryDirectory(prefix="ezp2p-bench-") as folder:
        yield pathlib.Path(folder)


def format_number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def format_row(row):
    ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2%}"
    return (f"{row['name']:<40} {format_number(row['value']):>12} {row['unit']:<13}"
            f"{format_number(row['limit']):>14} {ratio:>9}")


FIGURES = ["swarm", "relay", "sync", "http", "memory", "miner"]


def main(build, names):
    unknown = set(names) - set(FIGURES)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    bench = Bench(build)
    (bench.build / "results.jsonl").unlink(missing_ok=True)
    bench.measure_limits()
    print(f"{'figure':<40} {'value':>12} {'unit':<13}{'limit':>14} {'of it':>9}")
    for name in names or FIGURES:
        getattr(bench, name)()
    print("\nlimits of this machine")
    for row in bench.results:
        if row["name"].startswith("limit_"):
            print(f"{row['name'][6:]:<40} {format_number(row['value']):>12} {row['unit']}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
