"""`muster load`: what it counts is true, and what goes wrong is said. Issue 3, Deliver 4."""

import json
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from proxies import FaultyProxy, Proxy, certificate
from server import BINARY, SECRET, environment, muster
from tokens import token
from waiting import wait_for

SMALL = ["--rooms", "3", "--members", "5", "--rate", "60", "--duration", "2", "--ramp", "1"]


def load(*arguments: str, timeout: float = 40, **variables: str) -> subprocess.CompletedProcess:
    return muster("load", *SMALL, *arguments, timeout=timeout, **variables)


def against(url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return load("--url", url, *arguments, **{"MUSTER_JWT_SECRET": SECRET} | variables)


def one_line(run: subprocess.CompletedProcess, *words: str):
    """It failed with one line on stderr that has these words."""
    assert (run.returncode, run.stdout) == (1, ""), run
    assert re.fullmatch(r"muster: [^\n]+\n", run.stderr), run.stderr
    assert all(word in run.stderr for word in words), run.stderr


@pytest.fixture
def quick(servers):
    """A server that takes as much as comes."""
    return servers("in-process", "--rate-limit", "0", "--log-level", "info")


def test_a_run_of_its_own_finds_nothing_wrong_and_reports_everything(tmp_path):
    json_path, html_path = tmp_path / "run.json", tmp_path / "run.html"
    run = load("--json", str(json_path), "--html", str(html_path), "--body-size", "200", TMPDIR=str(tmp_path))
    assert run.returncode == 0, run
    assert "ok: nothing lost" in run.stdout
    report = json.loads(json_path.read_text())
    assert (report["ok"], report["faults"]) == (True, [])
    assert report["plan"] == {"rooms": 3, "members": 5, "rate": 60.0, "duration": 2.0, "ramp": 1.0, "bodySize": 200}
    assert report["connections"] == {"wanted": 15, "joined": 15, "failed": {}, "dropped": {}}
    messages, deliveries = report["messages"], report["deliveries"]
    assert (messages["sent"], messages["acked"], messages["refused"], messages["unanswered"]) == (120, 120, {}, 0)
    assert (deliveries["expected"], deliveries["received"]) == (480, 480)
    assert deliveries["lost"] == deliveries["duplicated"] == deliveries["outOfOrder"] == deliveries["foreign"] == 0
    assert set(report["presence"].values()) == {0}
    assert report["latency"]["ack"]["count"] == 120 and report["latency"]["delivery"]["count"] == 480
    assert 0 < report["latency"]["delivery"]["p50"] <= report["latency"]["delivery"]["p99"] <= report["latency"]["delivery"]["max"]
    measured = [second for second in report["seconds"] if second["phase"] in ("measuring", "draining")]
    assert sum(second["received"] for second in measured) == 480 and sum(second["sent"] for second in measured) == 120
    assert report["server"]["residentIdle"] > 0
    page = html_path.read_text()
    assert page.count("<svg") == 5 and "<script" not in page and "://" not in page.replace(report["url"], "")
    # Neither the server's folder nor a server is left.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.html", "run.json"]
    lines = run.stderr.splitlines()
    assert any(re.match(r"measuring  15/15 connections  \S+ sent  \S+ delivered .* p50 .* p99 .* 0 lost", line) for line in lines), lines


def test_it_gives_the_server_back_as_it_was(quick, tmp_path):
    run = against(quick.url, "--tenant", "loaded", "--json", str(tmp_path / "run.json"))
    assert run.returncode == 0, run
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["server"] is None and report["url"] == quick.url + "/"
    wait_for(lambda: quick.online("loaded")["count"] == 0)


@pytest.mark.parametrize("fault, expected", [
    ({"drop": 10}, {"lost": "drop"}),
    ({"double": 7}, {"duplicated": "double"}),
    ({"swap": 9}, {"outOfOrder": "swap"}),
    ({"drop": 11, "double": 13}, {"lost": "drop", "duplicated": "double"}),
])
def test_what_a_proxy_does_to_messages_is_counted_exactly(quick, tmp_path, fault, expected):
    with FaultyProxy(quick.port, **fault) as proxy:
        run = against(f"ws://127.0.0.1:{proxy.port}", "--drain", "2", "--json", str(tmp_path / "run.json"))
        done = dict(proxy.done)
    assert run.returncode == 1, run
    deliveries = json.loads((tmp_path / "run.json").read_text())["deliveries"]
    found = {name: deliveries[name] for name in ("lost", "duplicated", "outOfOrder", "foreign")}
    # A message that was held and for which no next one came is lost.
    assert sum(done.values()) > 10
    if "swap" in fault:
        found["outOfOrder"] += found.pop("lost")
        found["lost"] = 0
    assert found == {"lost": 0, "duplicated": 0, "outOfOrder": 0, "foreign": 0} | {name: done[what] for name, what in expected.items()}
    assert "failed: " in run.stdout


def test_crossing_deliveries_may_be_allowed(quick, tmp_path):
    # The last message of each connection is never held back: a room's 40 messages give each of two members 20.
    with FaultyProxy(quick.port, swap=3) as proxy:
        run = muster(
            "load", "--rooms", "1", "--members", "2", "--rate", "30", "--duration", "2", "--unordered", "--url", f"ws://127.0.0.1:{proxy.port}",
            "--json", str(tmp_path / "run.json"), "--drain", "2", timeout=30, MUSTER_JWT_SECRET=SECRET)
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["deliveries"]["outOfOrder"] > 5
    assert not any("order" in fault for fault in report["faults"]), report["faults"]
    assert (run.returncode == 0) == (report["faults"] == []), run


class TestRefusal:
    def test_a_port_where_nobody_listens(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            one_line(against(f"ws://127.0.0.1:{held.getsockname()[1]}"), "cannot connect to ws://127.0.0.1", "Connection refused")

    def test_a_name_that_does_not_exist(self):
        one_line(against("ws://nobody.invalid/"), "cannot connect to ws://nobody.invalid/")

    def test_a_token_that_is_not_accepted(self, quick):
        one_line(against(quick.url, MUSTER_JWT_SECRET="another secret of enough bytes for it"), "HTTP 401 Unauthorized")
        one_line(load("--url", quick.url, "--token", "x.y.z"), "HTTP 401 Unauthorized")
        one_line(load("--url", quick.url + "/?token=x.y.z"), "HTTP 401 Unauthorized")

    def test_a_path_that_is_none(self, quick):
        one_line(against(quick.management.replace("http", "ws")), "HTTP 404 Not Found")

    def test_a_room_that_is_not_allowed(self, quick):
        one_line(load("--url", quick.url, "--token", token("eve", "acme", rooms=["other"])), "joinRoom: forbidden")

    def test_a_listener_that_says_nothing(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            one_line(against(f"ws://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "1"), "timed out")

    def test_plain_tcp_where_tls_was_asked_for(self, quick):
        one_line(against(f"wss://localhost:{quick.port}"), f"wss://localhost:{quick.port}/ does not let a client in")

    def test_no_token_at_all(self, quick, tmp_path):
        one_line(load("--url", quick.url, "--data", str(tmp_path)), "--token", "--jwt-secret")


def test_a_server_that_dies_is_told_and_what_was_measured_is_kept(quick, tmp_path):
    path = tmp_path / "run.json"
    command = [BINARY, "load", "--rooms", "3", "--members", "5", "--rate", "60", "--duration", "30", "--ramp", "1", "--url", quick.url, "--json", str(path)]
    with subprocess.Popen(
            command, env=environment(MUSTER_JWT_SECRET=SECRET), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        seen = 0
        for line in process.stderr:
            seen += line.startswith("measuring")
            if seen == 2:
                quick.process.kill()
                break
        started = time.monotonic()
        out, _ = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == 1
    assert "failed: the server ended every connection" in out
    report = json.loads(path.read_text())
    assert report["deliveries"]["received"] > 100
    assert sum(report["connections"]["dropped"].values()) == 15
    assert report["presence"] is None


@pytest.mark.parametrize("signals", [1, 2])
def test_interrupted_it_reports_and_takes_its_server_along(tmp_path, signals):
    command = [BINARY, "load", "--rooms", "2", "--members", "3", "--rate", "50", "--duration", "60"]
    with subprocess.Popen(
            command, env=environment(TMPDIR=str(tmp_path)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("measuring"):
                break
        children = Path(f"/proc/{process.pid}/task")
        server = {int(pid) for task in children.iterdir() for pid in (task / "children").read_text().split()}
        assert len(server) == 1
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "failed: interrupted" in out
    assert not any(Path(f"/proc/{pid}").exists() for pid in server)
    assert list(tmp_path.iterdir()) == []


def test_killed_it_takes_its_server_along(tmp_path):
    command = [BINARY, "load", "--rooms", "2", "--members", "3", "--rate", "50", "--duration", "60"]
    with subprocess.Popen(
            command, env=environment(TMPDIR=str(tmp_path)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("measuring"):
                break
        server = {int(pid) for task in Path(f"/proc/{process.pid}/task").iterdir() for pid in (task / "children").read_text().split()}
        process.kill()
        process.communicate(timeout=5)
    wait_for(lambda: not any(_runs(pid) for pid in server), what="the server's end")


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_over_tls_with_an_authority_of_ones_own(quick, tmp_path):
    authority, context = certificate(tmp_path)
    with Proxy(quick.port, tls=context) as proxy:
        url = f"wss://localhost:{proxy.port}"
        run = against(url, "--ca", str(authority), "--json", str(tmp_path / "run.json"))
        assert run.returncode == 0, run
        assert json.loads((tmp_path / "run.json").read_text())["deliveries"]["received"] == 480
        assert against(url, CURL_CA_BUNDLE="", SSL_CERT_FILE=str(authority)).returncode == 0
        assert against(url, CURL_CA_BUNDLE=str(authority)).returncode == 0
        # More than once: its end must not race with OpenSSL's.
        for _ in range(5):
            one_line(against(url), "does not let a client in", "certificate")
        # The authority vouches for another name.
        one_line(against(f"wss://127.0.0.1:{proxy.port}", "--ca", str(authority)), "does not let a client in", "127.0.0.1")
        one_line(against(url, "--ca", str(tmp_path / "nothing.pem")), "does not let a client in")


def test_tokens_that_are_given_are_used_in_turn(quick, tmp_path):
    path = tmp_path / "tokens"
    path.write_text("".join(token(f"user-{number}", "acme", rooms=["team-*"]) + "\n" for number in range(15)))
    run = load("--url", quick.url, "--tokens", str(path), "--room-prefix", "team-", "--json", str(tmp_path / "run.json"))
    assert run.returncode == 0, run
    assert json.loads((tmp_path / "run.json").read_text())["presence"]["ghosts"] == 0
    path.write_text("".join(token(f"user-{number}", "acme") + "\n" for number in range(4)))
    run = load("--url", quick.url, "--tokens", str(path), "--json", str(tmp_path / "run.json"))
    assert run.returncode == 0, run
    assert json.loads((tmp_path / "run.json").read_text())["presence"] is None
    assert "presence was not judged" in run.stdout


def test_refused_messages_are_told_by_their_code(servers, tmp_path):
    server = servers("in-process", "--rate-limit", "1", "--log-level", "info")
    run = against(server.url, "--rate", "300", "--json", str(tmp_path / "run.json"))
    assert run.returncode == 1
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["messages"]["refused"]["rate_limited"] > 400
    assert report["messages"]["acked"] + report["messages"]["refused"]["rate_limited"] == report["messages"]["sent"] == 600
    assert report["deliveries"]["lost"] == 0


def test_too_few_descriptors_are_found_before_the_start():
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    run = subprocess.run(
        [BINARY, "load", "--rooms", "10", "--members", "100"], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10,
        preexec_fn=lower)
    one_line(run, "1100 file descriptors are needed", "256", "ulimit -Hn")


def test_idle_connections_are_kept_alive(servers, tmp_path):
    server = servers("in-process", "--presence-ttl", "4", "--log-level", "info")
    # The second message is the first one of its sender, who has said nothing for longer than the lease.
    run = muster(
        "load", "--rooms", "1", "--members", "2", "--rate", "0.2", "--duration", "12", "--url", server.url, "--json", str(tmp_path / "run.json"),
        timeout=40, MUSTER_JWT_SECRET=SECRET)
    assert run.returncode == 0, run
    assert json.loads((tmp_path / "run.json").read_text())["messages"]["acked"] == 2


def test_on_a_terminal_the_progress_is_one_line_that_changes(quick):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
            [BINARY, "load", *SMALL, "--url", quick.url], env=environment(MUSTER_JWT_SECRET=SECRET), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 4096):
                text += part
        except OSError:
            # The terminal's other end is closed.
            pass
        os.close(ours)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
    assert b"\n" not in text and text.count(b"\rmeasuring") >= 2 and text.endswith(b"\r\x1b[K"), text


def test_several_source_addresses(quick):
    run = against(quick.url, "--source", "127.0.0.1,127.0.0.2,127.0.0.3")
    assert run.returncode == 0, run
    one_line(against(quick.url, "--source", "192.0.2.1"), "192.0.2.1", "--source")


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_a_report_that_cannot_be_written(tmp_path, flag):
    one_line(load(flag, str(tmp_path / "missing" / "report")), "cannot write", "No such file or directory")
    one_line(load(flag, str(tmp_path)), "cannot write", "directory")
    run = load(flag, "/dev/full")
    assert run.returncode == 1
    assert "ok: nothing lost" in run.stdout
    assert "cannot write /dev/full: No space left on device" in run.stderr


@pytest.mark.parametrize("arguments", [
    ["--rooms", "0"], ["--members", "none"], ["--rate", "-1"], ["--rate", "1e3"], ["--rate", "nan"], ["--duration", "0"], ["--duration", "soon"],
    ["--url", "http://127.0.0.1"], ["--url", "ws://"], ["--body-size", "47"], ["--body-size", "16385"], ["--ramp", "-1"], ["--drain", "x"],
    ["--room-prefix", "a b"], ["--tenant", "a/b"], ["--threads", "0"], ["now"], ["--unordered=maybe"], ["--jwt-secret", "short", "--url", "ws://h"],
], ids=" ".join)
def test_wrong_usage(arguments):
    run = muster("load", *arguments)
    assert (run.returncode, run.stdout) == (64, ""), run
    assert re.fullmatch(r"muster: [^\n]+\n", run.stderr), run.stderr


def test_flags_have_variables_and_help_says_what_the_rate_is(tmp_path):
    run = muster(
        "load", timeout=30, MUSTER_ROOMS="1", MUSTER_MEMBERS="2", MUSTER_RATE="10", MUSTER_DURATION="1", MUSTER_JSON=str(tmp_path / "run.json"))
    assert run.returncode == 0, run
    assert json.loads((tmp_path / "run.json").read_text())["messages"]["sent"] == 10
    run = muster("load", "--help")
    assert run.returncode == 0
    assert re.search(r"--rate N +messages per second in all rooms together", run.stdout)
