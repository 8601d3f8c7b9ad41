"""What `make package` leaves in dist: zips that provided.al2023 can run, and functions that start at once."""

import os
import re
import shutil
import socket
import statistics
import stat
import subprocess
import time
import zipfile

import pytest

from deployment import DIST
from server import ROOT, environment

HANDLERS = re.search(r"^HANDLERS := (.+)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
START_MILLISECONDS = 15
STARTS = 20
ROUNDS = 20

# Each is called by the name that a newer glibc's headers give it; here the last five do not exist but for the package's own.
CALLS = """
#include <stdint.h>
#include <stdio.h>
double hypot(double, double), fmod(double, double);
float hypotf(float, float), fmodf(float, float);
uint32_t arc4random(void);
long __isoc23_strtol(const char *, char **, int);
unsigned long __isoc23_strtoul(const char *, char **, int);
long long __isoc23_strtoll(const char *, char **, int);
unsigned long long __isoc23_strtoull(const char *, char **, int);
int __isoc23_sscanf(const char *, const char *, ...);
int main(int count, char **words) {
    int a = 0, b = 0, read = __isoc23_sscanf("7 8", "%d %d", &a, &b);
    printf("%g %g %g %g %d ", hypot(3, 3 + count), hypotf(3, 3 + count), fmod(7, 3 + count), fmodf(7, 3 + count), arc4random() != arc4random());
    printf("%ld %lu ", __isoc23_strtol("-12", 0, 10), __isoc23_strtoul("ff", 0, 16));
    printf("%lld %llu %d %d %d", __isoc23_strtoll("-13", 0, 10), __isoc23_strtoull("14", 0, 0), read, a, b);
}
"""

SOURCE = """
#include <math.h>
int EVP_sha256(void) { return 1; }
int main(int count, char **words) { return (int)hypotf((float)count, 1) + (words == 0); }
"""


@pytest.mark.parametrize("name", HANDLERS)
def test_a_zip_holds_the_executable_that_lies_beside_it(name):
    with zipfile.ZipFile(DIST / f"{name}.zip") as archive:
        (entry,) = archive.infolist()
        executable = archive.read(entry)
    assert entry.filename == "bootstrap" and entry.external_attr >> 16 == stat.S_IFREG | 0o755
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert executable == (DIST / name / "bootstrap").read_bytes() and executable.startswith(b"\x7fELF")
    assert (DIST / f"{name}.zip").stat().st_size <= 12_000_000


@pytest.fixture
def package(monkeypatch):
    """The script as a module."""
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader

    loader = SourceFileLoader("package", str(ROOT / "deploy/package"))
    module = module_from_spec(spec_from_loader("package", loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    return module


def test_packaged_executables_need_only_what_the_image_has(package):
    assert [fault for name in HANDLERS for fault in package.faults(DIST / name / "bootstrap")] == []


def test_what_the_image_lacks_is_named(package, tmp_path):
    """An executable linked without the script's care: this machine's glibc, libcrypto shared, its symbols exported."""
    (tmp_path / "main.c").write_text(SOURCE)
    subprocess.run(
        ["clang", "-o", "program", "main.c", "-rdynamic", "-lm", "-Wl,--no-as-needed", "-lcrypto"], cwd=tmp_path, check=True)
    faults = package.faults(tmp_path / "program")
    assert "exports EVP_sha256, which a loaded library would take for its own" in faults
    assert "needs libcrypto.so.3, which the image does not promise" in faults
    # Where hypotf has no newer version, the machine's glibc is one that the image has.
    newer = "(GLIBC_2.35) hypotf" in re.sub(r" +", " ", subprocess.run(
        ["objdump", "-T", tmp_path / "program"], capture_output=True, text=True, check=True).stdout)
    assert ("needs hypotf of glibc 2.35; the image has 2.34" in faults) == newer


def test_newer_names_of_glibc_are_taken_to_older_ones(package, tmp_path):
    (tmp_path / "main.c").write_text(CALLS)
    around = [f"-Wl,{each}" if each.startswith("--") else each for each in package.older_glibc(tmp_path)]
    subprocess.run(["clang", "-fno-builtin", "-o", "program", "main.c", *around, "-lm"], cwd=tmp_path, check=True)
    assert package.faults(tmp_path / "program") == []
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout == "5 5 3 3 1 -12 255 -13 14 2 7 8"
    assert sum(f"{name}(" in CALLS for name in package.NEWER) == len(package.NEWER)


@pytest.mark.parametrize("name", ["Connect", "SendMessage"])
def test_a_function_asks_for_its_first_event_at_once(name):
    """From exec to the first GET …/next, measured on this side of the socket: the median of a round of starts. Of several rounds
    the best counts, as the machine may be doing something else."""
    settings = environment(
        MUSTER_JWT_SECRET="a secret of the length that it must have", MUSTER_TABLE="table", AWS_REGION="eu-west-1",
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", FANOUT_QUEUE_URL="http://127.0.0.1:9/queue")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        settings["AWS_LAMBDA_RUNTIME_API"] = f"127.0.0.1:{listener.getsockname()[1]}"
        medians: list[float] = []
        while min(medians, default=START_MILLISECONDS + 1) > START_MILLISECONDS:
            assert len(medians) < ROUNDS, medians
            medians.append(1000 * statistics.median(start(DIST / name / "bootstrap", settings, listener) for _ in range(STARTS)))


def start(executable, settings, listener) -> float:
    before = time.perf_counter()
    with subprocess.Popen([executable], env=settings, stdin=subprocess.DEVNULL) as process:
        try:
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(4096)
                took = time.perf_counter() - before
        finally:
            process.kill()
    assert request.startswith(b"GET /2018-06-01/runtime/invocation/next ")
    return took


def test_an_unpackaged_handler_is_refused_before_anything_is_uploaded(tmp_path):
    for each in DIST.glob("*.zip"):
        os.symlink(each, tmp_path / each.name)
    (tmp_path / "Connect.zip").unlink()
    shutil.copy(ROOT / "Makefile", tmp_path / "Connect.zip")
    done = subprocess.run(
        [ROOT / "deploy/deploy"], env=environment(DIST=str(tmp_path)), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"deploy: {tmp_path / 'Connect.zip'} is missing or no package: run make package\n"
