"""The seeded bugs of Tests/Simulator/mutants: that they fit the sources, how they are woven in, and what their run makes of a simulator."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = ROOT / "Tests/Simulator/mutants"
sys.path.insert(0, str(MUTANTS))

import catalogue  # noqa: E402
import mutant as forms  # noqa: E402
import weave  # noqa: E402


def woven(source: str, *edits: forms.Edit) -> str:
    names = ["first-bug", "other-bug", "third-bug"]
    return weave.woven("import ChatModel\n" + source, list(zip(names, edits))).removeprefix("import ChatModel\n")


def test_every_mutant_fits_the_sources():
    tree = weave.contents(ROOT, catalogue.MUTANTS, catalogue.SUPPORT)
    for mutant in catalogue.MUTANTS:
        switch = f"Mutant.isOn(.{weave.case(mutant.name)})"
        assert any(switch in tree[edit.file].decode() for edit in mutant.edits), mutant.name


def test_every_mutant_is_expected_of_invariants_that_there_are():
    source = (ROOT / "Tests/Simulator/Simulation/Witness/Invariant.swift").read_text()
    invariants = set(re.findall(r"^    case (\w+)$", source, re.MULTILINE)) | {"trap"}
    unknown = {mutant.name: set(mutant.caught_by) - invariants for mutant in catalogue.MUTANTS}
    assert {name: names for name, names in unknown.items() if names} == {}


def test_names_are_different():
    names = [mutant.name for mutant in catalogue.MUTANTS]
    assert sorted(names) == sorted(set(names))


def test_an_expression_has_both_variants():
    edit = forms.expression("f", "if «isLive» {", "true")
    assert woven("if isLive { serve() }", edit) == "if (Mutant.isOn(.firstBug) ? (true) : (isLive)) { serve() }"


def test_what_waits_says_so_in_front():
    edit = forms.expression("f", "return «try await write()»", "nil")
    assert woven("return try await write()", edit) == "return try await (Mutant.isOn(.firstBug) ? (nil) : (write()))"


def test_a_statement_has_both_variants():
    edit = forms.statement("f", "await publish()", "")
    assert woven("await publish()\n", edit) == "if Mutant.isOn(.firstBug) {  } else { await publish() }\n"


def test_two_mutants_of_one_piece_and_one_around_it():
    around = forms.text("f", "put(item)", "if MUTANT { forget() }\nORIGINAL")
    inner = [forms.expression("f", "put(«item»)", other) for other in ("old", "nil")]
    assert woven("put(item)", around, *inner) == (
        "if Mutant.isOn(.firstBug) { forget() }\n"
        "put((Mutant.isOn(.thirdBug) ? (nil) : ((Mutant.isOn(.otherBug) ? (old) : (item)))))"
    )


@pytest.mark.parametrize("source", ["y", "x x"])
def test_a_text_that_is_not_there_once_names_its_mutant(source):
    with pytest.raises(weave.WeaveError, match="first-bug"):
        woven(source, forms.expression("f", "x", "z"))


def test_mutants_that_cut_into_each_other_are_named():
    with pytest.raises(weave.WeaveError, match="first-bug, other-bug"):
        woven("abc", forms.expression("f", "ab", "x"), forms.expression("f", "bc", "y"))


def test_only_what_changed_is_written_and_nothing_old_stays(tmp_path):
    root, tree = tmp_path / "root", tmp_path / "tree"
    for name in ("Package.swift", "Sources/ChatModel/A.swift", "Sources/ChatModel/B.swift"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    weave.weave(root, [], [], tree)
    os.utime(tree / "Sources/ChatModel/A.swift", (1, 1))
    (root / "Sources/ChatModel/B.swift").unlink()
    weave.weave(root, [], [], tree)
    assert (tree / "Sources/ChatModel/A.swift").stat().st_mtime == 1
    assert sorted(path.name for path in tree.rglob("*.swift")) == ["A.swift", "Mutant.swift", "Package.swift"]


# Finds nothing without a mutant, one bug at seed 300 of the others, and is stopped by one at seed 77.
STAND_IN = """#!/bin/sh
first=${2%-*} last=${2#*-}
case $MUSTER_MUTANT in
  BROKEN) at=5 ;;
  TRAPPED) [ $first -le 77 ] && [ $last -ge 77 ] && kill -TRAP $$; exit 0 ;;
  *) at=300 ;;
esac
if [ $first -le $at ] && [ $last -ge $at ]; then echo "violation: ghostBound seed $at: ann is a ghost"; exit 1; fi
"""


def run(tmp_path, *arguments: str, broken: str = "none", trapped: str = "none") -> subprocess.CompletedProcess:
    stand_in = tmp_path / "simulate"
    script = STAND_IN.replace("BROKEN", broken).replace("TRAPPED", trapped)
    stand_in.write_text(script)
    stand_in.chmod(0o755)
    return subprocess.run(
        [sys.executable, MUTANTS / "run.py", "--simulate", stand_in, *arguments], capture_output=True, text=True, timeout=60
    )


def test_a_mutant_is_caught_by_the_first_seed_that_shows_it(tmp_path):
    result = run(tmp_path, "--only", "last-device-unchecked")
    assert result.returncode == 0, result.stderr
    assert "last-device-unchecked: ghostBound (expected of " in result.stdout and "at seed 300, " in result.stdout


def test_a_mutant_that_is_not_caught_fails_the_run_by_name(tmp_path):
    result = run(tmp_path, "--only", "last-device-unchecked", "--seeds", "299")
    assert result.returncode == 1
    assert result.stderr == "mutants: last-device-unchecked: not caught by 299 seeds\n"


def test_a_mutant_that_stops_the_process_is_caught_at_its_seed(tmp_path):
    result = run(tmp_path, "--only", "last-device-unchecked", trapped="last-device-unchecked")
    assert result.returncode == 0, result.stderr
    assert "last-device-unchecked: trap" in result.stdout and "at seed 77" in result.stdout


def test_a_fault_without_a_mutant_is_no_catch(tmp_path):
    result = run(tmp_path, "--only", "last-device-unchecked", broken="''")
    assert result.returncode == 1
    assert result.stderr == "mutants: without any mutant: ghostBound at seed 5: ann is a ghost\n"


def test_a_mutant_nobody_knows_is_refused(tmp_path):
    result = run(tmp_path, "--only", "nothing")
    assert result.returncode == 1 and "there is no mutant nothing" in result.stderr
