"""What several benchmarks use: folders for nodes, load by wrk, chains that are mined once."""
import collections
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

POST_LUA = pathlib.Path(__file__).resolve().parent / "post.lua"
WRK_CONNECTIONS = 32
WAIT_SECONDS = 600  # for a state that ends a measurement
COINBASE_BLOCKS = 20000


@contextlib.contextmanager
def nodes_folder():
    with tempfile.TemporaryDirectory(prefix="ezp2p-bench-") as folder:
        yield pathlib.Path(folder)


Load = collections.namedtuple("Load", "rate p99_ms bytes_per_s")


def wrk(node, path, seconds, script=None, connections=WRK_CONNECTIONS):
    """What wrk says of requests against a node, as a Load."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if script:
        command += ["-s", script]
    out = subprocess.run([*command, f"http://{node.http}{path}"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)$", out, re.MULTILINE).groups()
    size, prefix = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?)B", out).groups()
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                float(p99) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit],
                float(size) * 1024 ** " KMG".index(prefix or " "))


def post(node, seconds, connections=WRK_CONNECTIONS):
    """Post transactions with wrk; returns how many entries the node has taken in, and the Load."""
    before = node.pool_count()
    load = wrk(node, "/transactions/new", seconds, POST_LUA, connections)
    return node.pool_count() - before, load


def make_chain(build, blocks, entries):
    """A data directory with a mined chain of so many blocks after genesis and signed entries in
    each, made once and kept under `build`."""
    folder = build / "chains" / f"{blocks}x{entries}"
    if not folder.exists():
        print(f"mining {blocks} blocks with {entries} entries each, once", file=sys.stderr)
        draft = folder.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        subprocess.run([build / "tests/bench/make_chain", draft, str(blocks), str(entries),
                        str(os.cpu_count())], check=True)
        draft.rename(folder)
    return folder


def metric(node, name):
    """A metric without labels, from /metrics."""
    return float(re.search(rf"^{re.escape(name)} (\S+)$", node.get("/metrics").text,
                           re.MULTILINE).group(1))
