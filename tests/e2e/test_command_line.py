"""What people see of the program before and after it is a node: options, files, exit codes, signals,
logs. Section 2 and 5 of the contract."""
import json
import os
import pwd
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import unittest

from harness import ROOT, WAIT_SECONDS, NodeCase, binary, run_program, until

EXIT_USAGE, EXIT_DAMAGED, EXIT_IN_USE = 2, 4, 5

# What starts the program by itself must not hand on the harness's own variables.
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("EZP2P_")}


def is_zombie(pid):
    """Ended, and waiting for somebody to ask how."""
    try:
        with open(f"/proc/{pid}/stat") as stat_file:
            return stat_file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Options(NodeCase):
    def effective(self, *arguments, **options):
        """The options in effect, as a list of (name, value) in the order printed."""
        done = run_program(*arguments, "--print-config", **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [tuple(line.split(" = ", 1)) for line in done.stdout.splitlines()]

    def refused(self, *arguments, **options):
        """What is said about something that must not be accepted, by a node and by a check."""
        done = run_program(*arguments, **options)
        self.assertEqual((done.returncode, done.stdout), (EXIT_USAGE, ""), done.stderr)
        check = run_program(*arguments, "--check-config", **options)
        self.assertEqual((check.returncode, check.stderr), (EXIT_USAGE, done.stderr))
        return done.stderr

    def write_config(self, text):
        path = self.directory / "node.conf"
        path.write_text(text)
        return path

    def test_version_and_help_say_what_they_should(self):
        self.assertRegex(run_program("--version").stdout, r"^ezp2p \d+\.\d+\.\d+\n$")
        text = run_program("--help").stdout
        for option in ("--peer HOST:PORT", "--listen ADDR:PORT", "--mine[=THREADS]", "verify"):
            self.assertIn(option, text)

    def test_every_limit_is_printed_with_its_value(self):
        printed = {line.split()[0]: line.split()[1]
                   for line in run_program("--print-limits").stdout.splitlines()}
        header = (ROOT / "include/ezp2p/base/limits.h").read_text()
        defined = dict(re.findall(r"^#define (EZ_\w+)\s+(\d+)$", header, re.MULTILINE))
        self.assertGreater(len(defined), 40)
        for name, value in defined.items():
            self.assertEqual(printed.get(name), value, name)

    def test_defaults(self):
        options = dict(self.effective(env={"XDG_DATA_HOME": "/somewhere"}))
        self.assertEqual(options, {
            "listen": "0.0.0.0:7333", "http": "127.0.0.1:5000", "data-dir": "/somewhere/ezp2p",
            "network": "classic", "mine": "off", "mine-rate": "unlimited", "outbound": "8",
            "inbound": "64", "relay": "tree", "log-level": "info", "log-format": "text",
            "record-size": "256"})

    def test_flag_wins_over_environment_over_file_over_default(self):
        config = self.write_config("inbound = 1\noutbound = 1\nmine-rate = 1\npeer = f:1\n")
        options = self.effective("--config", config, "--mine-rate", "3",
                                 env={"EZP2P_OUTBOUND": "2", "EZP2P_MINE_RATE": "2",
                                      "EZP2P_PEER": "e:1,[::1]:2"})
        self.assertEqual(dict(options)["inbound"], "1")
        self.assertEqual(dict(options)["outbound"], "2")
        self.assertEqual(dict(options)["mine-rate"], "3")
        self.assertEqual([value for name, value in options if name == "peer"], ["e:1", "[::1]:2"])

    def test_printed_options_are_a_file_that_gives_the_same(self):
        options = self.effective("--peer", "a:1", "--peer", "[::1]:2", "--mine=2", "--listen",
                                 "off", "--http", "[::1]:0", "--http-name", "n.example",
                                 "--data-dir", "/a b", "--log-format", "json")
        config = self.write_config("".join(f"{name} = {value}\n" for name, value in options))
        self.assertEqual(self.effective("--config", config), options)
        self.assertEqual(self.effective(env={"EZP2P_CONFIG": str(config)}), options)

    def test_a_good_configuration_passes_the_check_and_starts_nothing(self):
        config = self.write_config("# nothing special\nmine = on\n")
        data = self.directory / "data"
        done = run_program("--config", config, "--data-dir", data, "--check-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(data.exists())

    def test_errors_in_a_file_name_its_line(self):
        config = self.write_config("mine = on\n\ninbound = many\n")
        self.assertIn(f"{config}:3: inbound: ", self.refused("--config", config))
        self.write_config("# first\nminr = on\n")
        self.assertIn(f"{config}:2: minr: ", self.refused("--config", config))
        self.write_config("mine = on\nwords\n")
        self.assertIn(f"{config}:2: ", self.refused("--config", config))
        config.unlink()
        self.assertIn(str(config), self.refused("--config", config))

    def test_errors_elsewhere_name_the_flag_or_the_variable(self):
        self.assertIn("--inbound: ", self.refused("--inbound", "1025"))
        self.assertIn("--minr", self.refused("--minr"))
        self.assertIn("EZP2P_INBOUND: ", self.refused(env={"EZP2P_INBOUND": "-1"}))
        self.assertIn("EZP2P_MINR", self.refused(env={"EZP2P_MINR": "1"}))
        self.assertIn("--network: ", self.refused("--network", "main"))
        self.assertIn("--relay: ", self.refused("--relay", "pigeon"))
        self.assertIn("--peer: ", self.refused("--peer", "nowhere"))

    def test_unknown_commands_are_refused(self):
        self.assertIn("no such command", self.refused("dance"))
        self.refused("verify", "something")

    def test_without_a_home_in_the_environment_the_user_database_has_one(self):
        options = dict(self.effective(env={"HOME": "", "XDG_DATA_HOME": ""}))
        home = pwd.getpwuid(os.getuid()).pw_dir
        self.assertEqual(options["data-dir"], os.path.join(home, ".local/share/ezp2p"))


class Files(NodeCase):
    def test_endpoints_are_there_while_the_node_runs(self):
        node = self.start_node()
        path = node.directory / "endpoints.json"
        text = path.read_text()
        found = json.loads(text)
        self.assertEqual(list(found), ["p2p", "http", "node", "pid"])
        self.assertEqual(found["pid"], node.pid)
        self.assertEqual(found["node"], node.status()["node"])
        node.p2p_socket().close()
        self.assertEqual(node.stop(), 0)
        self.assertFalse(path.exists())

    def test_port_0_picks_a_free_one(self):
        nodes = [self.start_node("--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
                 for _ in range(2)]
        ports = {node.split(where)[1] for node in nodes for where in (node.listen, node.http)}
        self.assertEqual(len(ports - {0}), 4)
        for node in nodes:
            node.p2p_socket().close()
            self.assertEqual(node.status()["p2p"], node.listen)

    def test_an_unspecified_address_is_shown_as_loopback_and_off_as_null(self):
        node = self.start_node(listen="0.0.0.0:0")
        self.assertRegex(node.read_endpoints()["p2p"], r"^127\.0\.0\.1:\d+$")
        silent = self.start_node(listen="off")
        self.assertIsNone(silent.read_endpoints()["p2p"])
        mute = self.start_node(http="off")
        self.assertIsNone(mute.read_endpoints()["http"])

    def test_directory_and_secrets_are_for_their_owner_alone(self):
        node = self.start_node()
        modes = {name: stat.S_IMODE((node.directory / name).stat().st_mode)
                 for name in (".", "key", "http-token", "lock")}
        self.assertEqual(modes, {".": 0o700, "key": 0o600, "http-token": 0o600, "lock": 0o600})
        self.assertEqual([name for name in os.listdir(node.directory) if name.endswith(".new")], [])

    def test_a_node_keeps_its_key(self):
        node = self.start_node()
        before = node.node_id
        node.restart()
        self.assertEqual(node.node_id, before)
        node.kill()
        node.start()
        self.assertEqual(node.node_id, before)

    def test_a_second_node_on_the_directory_is_turned_away(self):
        node = self.start_node()
        second = run_program("--data-dir", node.directory, "--listen", "off", "--http", "off")
        self.assertEqual(second.returncode, EXIT_IN_USE, second.stderr)
        self.assertIn("data-dir-in-use", second.stderr)
        self.assertIn(str(node.pid), second.stderr)
        self.assertEqual(node.read_endpoints()["pid"], node.pid, "the first must not notice")
        self.assertEqual(node.status()["network"], "classic")

    def test_an_address_in_use_is_named(self):
        node = self.start_node()
        for flags in (("--listen", node.listen, "--http", "off"),
                      ("--listen", "off", "--http", node.http)):
            second = run_program("--data-dir", self.directory / "other", *flags)
            self.assertEqual(second.returncode, EXIT_IN_USE, second.stderr)
            self.assertIn("address=" + (flags[1] if flags[1] != "off" else flags[3]),
                          second.stderr)
        self.assertFalse((self.directory / "other" / "endpoints.json").exists())

    def test_a_damaged_key_stops_the_start_and_stays(self):
        node = self.start_node()
        self.assertEqual(node.stop(), 0)
        (node.directory / "key").write_text("not a key\n")
        again = run_program("--data-dir", node.directory, "--listen", "off", "--http", "off")
        self.assertEqual(again.returncode, EXIT_DAMAGED, again.stderr)
        self.assertEqual((node.directory / "key").read_text(), "not a key\n")

    def test_a_damaged_database_stops_the_start(self):
        node = self.start_node()
        self.assertEqual(node.stop(), 0)
        (node.directory / "chain.db").write_bytes(b"no database at all " * 1000)
        again = run_program("--data-dir", node.directory, "--listen", "off", "--http", "off")
        self.assertEqual(again.returncode, EXIT_DAMAGED, again.stderr)

    def test_a_directory_that_cannot_be_made_is_a_failure(self):
        (self.directory / "file").write_text("")
        done = run_program("--data-dir", self.directory / "file" / "data")
        self.assertEqual(done.returncode, 1)
        self.assertIn("data-dir-failed", done.stderr)


class Verify(NodeCase):
    def test_a_sound_chain_passes_stopped_or_running(self):
        node = self.start_node()
        node.mine()
        node.mine()
        running = run_program("verify", "--data-dir", node.directory)
        self.assertEqual(running.returncode, 0, running.stdout + running.stderr)
        self.assertEqual(node.stop(), 0)
        stopped = run_program("verify", "--data-dir", node.directory)
        self.assertEqual((stopped.returncode, stopped.stdout),
                         (0, "sound: 3 blocks, 2 transactions, 1 accounts\n"))

    def test_a_chain_after_kill_9_passes(self):
        node = self.start_node()
        node.mine()
        node.kill()
        done = run_program("verify", "--data-dir", node.directory)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_first_bad_block_is_named(self):
        node = self.start_node()
        node.mine()
        hashes = [node.mine() and node.tip() for _ in range(3)]
        self.assertEqual(node.stop(), 0)
        with sqlite3.connect(node.directory / "chain.db") as database:
            ((body,),) = database.execute("SELECT bytes FROM body WHERE block ="
                                          " (SELECT block FROM chain WHERE height = 3)")
            changed = bytearray(body)
            changed[len(changed) // 2] ^= 1
            database.execute("UPDATE body SET bytes = ? WHERE block ="
                             " (SELECT block FROM chain WHERE height = 3)", (bytes(changed),))
        database.close()
        done = run_program("verify", "--data-dir", node.directory)
        self.assertEqual(done.returncode, EXIT_DAMAGED, done.stdout + done.stderr)
        self.assertIn(f"block 3 ({hashes[0]})", done.stdout)

    def test_where_there_is_no_chain_nothing_is_made(self):
        done = run_program("verify", "--data-dir", self.directory / "none")
        self.assertEqual(done.returncode, 1)
        self.assertFalse((self.directory / "none").exists())


class Signals(NodeCase):
    def test_term_and_int_stop_with_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            node = self.start_node()
            node.send(number)
            self.assertEqual(node.process.wait(WAIT_SECONDS), 0)
            self.assertIn("stopping", node.log_text())
            self.assertIn("stopped", node.log_text())

    def test_a_node_with_peers_stops_and_says_goodbye(self):
        swarm = self.start_swarm(2, "--log-level", "debug")
        swarm.wait_connected()
        self.assertEqual(swarm[1].stop(), 0)
        until(lambda: swarm[0].peer_count() == 0, "the other has noticed")
        self.assertRegex(swarm[0].log_text(), r"goodbye .*reason=shutdown")
        self.assertNotIn("stop-unfinished", swarm[1].log_text())

    def test_the_second_one_ends_it_at_once(self):
        node = self.start_node()
        node.pause()  # so that both arrive before the loop can act upon the first
        node.send(signal.SIGTERM)
        node.send(signal.SIGINT)
        node.resume()
        self.assertEqual(node.process.wait(WAIT_SECONDS), 0)
        self.assertIn("stopped at once", node.log_text())

    def test_a_node_ends_with_the_process_it_was_told_to_end_with(self):
        node = self.make_node()
        program = ("import sys; sys.path[:0] = sys.argv[1:3]\n"
                   "from node_process import NodeProcess\n"
                   "node = NodeProcess(sys.argv[3], sys.argv[4])\n"
                   "node.spawn(); node.wait_ready(60); print(node.pid, flush=True); input()")
        parent = subprocess.Popen(
            [sys.executable, "-B", "-c", program, str(ROOT / "tests/e2e"), str(ROOT / "simnet"),
             str(binary()), str(node.directory)], env=CLEAN, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.addCleanup(parent.stdout.close)
        self.addCleanup(parent.stdin.close)
        child = int(parent.stdout.readline())
        self.assertTrue((node.directory / "endpoints.json").exists())
        parent.kill()
        parent.wait()
        until(lambda: not os.path.exists(f"/proc/{child}") or is_zombie(child), "it has ended")
        self.assertFalse((node.directory / "endpoints.json").exists(), "it stopped in good order")

    def test_a_node_does_not_start_for_a_process_that_is_gone(self):
        done = run_program("--stop-with", os.getppid(), "--data-dir", self.directory / "late")
        self.assertEqual(done.returncode, 0)
        self.assertIn("not-started", done.stderr)
        self.assertFalse((self.directory / "late").exists())

    def test_pipe_and_hup_change_nothing(self):
        node = self.start_node()
        node.send(signal.SIGPIPE)
        node.send(signal.SIGHUP)
        until(lambda: "log-reopened" in node.log_text(), "the log says that it was reopened")
        self.assertEqual(node.status()["network"], "classic")

    def test_hup_reopens_a_log_file_that_was_moved_away(self):
        log = self.directory / "ezp2p.log"
        node = self.start_node("--log-file", log)
        until(lambda: "ready" in log.read_text(), "the node says that it is ready")
        moved = log.rename(self.directory / "ezp2p.log.1")
        node.send(signal.SIGHUP)
        until(lambda: log.exists() and "log-reopened" in log.read_text(), "a new file is begun")
        self.assertNotIn("log-reopened", moved.read_text())
        self.assertEqual(node.log_text(), "", "nothing goes to standard error then")

    def test_the_service_manager_is_told(self):
        address = self.directory / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(address))
            manager.settimeout(WAIT_SECONDS)
            node = self.make_node()
            node.start(env={"NOTIFY_SOCKET": str(address)})
            self.assertEqual(manager.recv(100), b"READY=1")
            node.stop()
            self.assertEqual(manager.recv(100), b"STOPPING=1")


class Logs(NodeCase):
    def test_json_lines_parse_one_by_one(self):
        node = self.start_node("--log-format", "json", "--log-level", "trace")
        node.mine()
        self.assertEqual(node.stop(), 0)
        events = [json.loads(line) for line in node.log_text().splitlines()]
        for event in events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertIn(event["level"], ("error", "warn", "info", "debug", "trace"))
        (ready,) = [event for event in events if event["event"] == "ready"]
        self.assertEqual((ready["p2p"], ready["http"]), (node.listen, node.http))
        self.assertEqual((ready["node"], ready["pid"]), (node.node_id, node.process.pid))

    def test_text_has_one_ready_line(self):
        node = self.start_node()
        node.restart()
        node.stop()
        ready = [line for line in node.log_text().splitlines() if " ready " in line]
        self.assertEqual(len(ready), 2, "one for each start")
        self.assertTrue(all(f"http={node.http}" in line for line in ready))

    def test_a_level_hides_what_is_below_it(self):
        node = self.start_node("--log-level", "error")
        node.mine()
        self.assertEqual(node.stop(), 0)
        self.assertEqual(node.log_text(), "")

    def test_a_log_that_cannot_be_written_is_a_failure(self):
        done = run_program("--log-file", "/nowhere/log", "--data-dir", self.directory / "data")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/log", done.stderr)

    def test_a_reader_that_does_not_read_does_not_hold_up_the_node(self):
        data = self.directory / "data"
        process = subprocess.Popen(
            [binary(), "--data-dir", data, "--listen", "off", "--http", "127.0.0.1:0",
             "--log-level", "trace", "--mine", "--mine-rate", "2000000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=CLEAN)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: (data / "endpoints.json").exists(), "the node is ready")
        process.terminate()
        self.assertEqual(process.wait(WAIT_SECONDS), 0)


class Mining(NodeCase):
    def hashes(self, node):
        return int(re.search(r"^ezp2p_miner_hashes_total (\d+)$", node.get("/metrics").text,
                             re.MULTILINE).group(1))

    def test_a_node_told_to_mine_finds_blocks_by_itself(self):
        node = self.start_node("--mine=2")
        until(lambda: node.height() >= 3, "two blocks are found")
        self.assertTrue(all(element["proof"] < 2**53 for element in node.chain()))

    def test_a_rate_holds_background_work_back_but_not_a_request(self):
        node = self.start_node("--mine", "--mine-rate", "5")
        until(lambda: self.hashes(node) > 0, "it tries at all")
        before = node.height()
        self.assertGreater(node.mine()["index"], before)  # 65536 hashes: hours at that rate


class Client(NodeCase):
    def test_commands_ask_the_node_of_a_directory_or_an_address(self):
        node = self.start_node()
        for where in (("--data-dir", node.directory), ("--http", node.http)):
            status = run_program("status", *where)
            self.assertEqual(status.returncode, 0, status.stderr)
            self.assertEqual(json.loads(status.stdout)["node"], node.node_id)
            self.assertEqual(run_program("peers", *where).returncode, 0)

    def test_mine_and_send_do_what_the_routes_do(self):
        node = self.start_node()
        where = ("--data-dir", node.directory)
        sent = run_program("send", "ada \"the first\"", "bob", "3", *where)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(json.loads(sent.stdout),
                         {"message": "Transaction will be added to Block 2"})
        mined = run_program("mine", *where)
        self.assertEqual(json.loads(mined.stdout)["index"], 2)
        self.assertEqual(node.entries(), [("ada \"the first\"", "bob", 3)])

    def test_a_refusal_is_told_and_fails(self):
        node = self.start_node()
        done = run_program("send", "ez1wrong", "bob", "3", "--data-dir", node.directory)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("detail", json.loads(done.stderr))

    def test_wrong_operands_are_usage_errors(self):
        for words in (("send", "a", "b"), ("send", "a", "b", "1.5"), ("send", "a", "b", "-1"),
                      ("send", "a", "b", str(2**53)), ("status", "now")):
            done = run_program(*words, "--http", "127.0.0.1:1")
            self.assertEqual((done.returncode, done.stdout), (EXIT_USAGE, ""), done.stderr)

    def test_nobody_there_is_a_failure(self):
        self.assertEqual(run_program("status", "--data-dir", self.directory).returncode, 1)
        node = self.start_node()
        node.stop()
        self.assertEqual(run_program("status", "--http", node.http).returncode, 1)


class Descriptors(NodeCase):
    def test_few_of_them_mean_fewer_peers_and_a_warning(self):
        data = self.directory / "data"
        command = f'ulimit -n 150; exec "{binary()}" --data-dir "{data}" --listen 127.0.0.1:0 ' \
                  f'--http 127.0.0.1:0 --inbound 1000'
        process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=CLEAN)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until(lambda: (data / "endpoints.json").exists(), "the node is ready")
        process.terminate()
        log = process.communicate(timeout=WAIT_SECONDS)[1]
        self.assertEqual(process.returncode, 0, log)
        found = re.search(r"few-descriptors limit=150 .*inbound_asked=1000 inbound=(\d+)", log)
        self.assertTrue(found, log)
        self.assertLess(int(found.group(1)), 100)


if __name__ == "__main__":
    unittest.main()
