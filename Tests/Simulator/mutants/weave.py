"""Makes a copy of the sources in which every mutant is compiled in beside the real thing and one is chosen at run time.

The real sources know nothing of it. Only files that differ from the last weaving are written, so that the next build is short.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from mutant import Edit, Mutant

COPIED = ("Package.swift", "Sources", "Handlers", "Tests")
PASSED_OVER = {"__pycache__", ".pytest_cache"}
SWITCH_FILE = "Sources/ChatModel/Mutant.swift"
VARIABLE = "MUSTER_MUTANT"


class WeaveError(Exception):
    """A record of the catalogue that does not fit the sources."""


# An edit with the name of its mutant, or what it is for.
Named = tuple[str, Edit]


@dataclass
class Piece:
    """A part of a file that some edits stand in for, with the smaller ones inside it."""

    start: int
    end: int
    edits: list["Named"] = field(default_factory=list)
    inner: list["Piece"] = field(default_factory=list)


def case(name: str) -> str:
    """A mutant's case in Swift."""
    first, *rest = name.split("-")
    return first + "".join(word.capitalize() for word in rest)


def locate(source: str, name: str, edit: Edit) -> tuple[int, int]:
    count = source.count(edit.context)
    if count != 1:
        raise WeaveError(f"{name}: its text stands {count} times in {edit.file}, not once:\n{edit.context}")
    at = source.index(edit.context)
    start, end = edit.piece
    return at + start, at + end


def pieces(source: str, edits: list[Named]) -> list[Piece]:
    """The edited parts of a file in their order, those inside others within them."""
    found: dict[tuple[int, int], Piece] = {}
    for name, edit in edits:
        place = locate(source, name, edit)
        found.setdefault(place, Piece(*place)).edits.append((name, edit))
    outer: list[Piece] = []
    for piece in sorted(found.values(), key=lambda piece: (piece.start, -piece.end)):
        level = outer
        while level and level[-1].end >= piece.end and level[-1].start <= piece.start:
            level = level[-1].inner
        if level and level[-1].end > piece.start:
            names = [name for name, _ in level[-1].edits + piece.edits]
            raise WeaveError(f"{', '.join(names)}: they cut into each other")
        level.append(piece)
    return outer


def rewritten(source: str, pieces: list[Piece], start: int, end: int) -> str:
    """The source from `start` to `end` with its pieces replaced."""
    result, at = "", start
    for piece in pieces:
        woven = rewritten(source, piece.inner, piece.start, piece.end)
        for name, edit in sorted(piece.edits, key=lambda one: one[1].form.value):
            woven = edit.woven(woven, f"Mutant.isOn(.{case(name)})")
        result += source[at : piece.start] + woven
        at = piece.end
    return result + source[at:end]


def woven(source: str, edits: list[Named]) -> str:
    result = rewritten(source, pieces(source, edits), 0, len(source))
    return result if "import ChatModel\n" in result else "import ChatModel\n" + result


def switches(mutants: list[Mutant]) -> str:
    """The file that says which mutant is on."""
    cases = "\n".join(f'    case {case(mutant.name)} = "{mutant.name}"' for mutant in mutants)
    return f"""import Glibc

/// A seeded bug of the catalogue in Tests/Simulator/mutants; {VARIABLE} names the one that is on.
public enum Mutant: String, Sendable {{
{cases}

    private static let chosen: Mutant? = {{
        guard let value = unsafe getenv("{VARIABLE}") else {{ return nil }}
        let name = unsafe String(cString: value)
        guard !name.isEmpty else {{ return nil }}
        guard let mutant = Mutant(rawValue: name) else {{
            print("{VARIABLE} is '\\(name)': there is no such mutant")
            exit(64)
        }}
        return mutant
    }}()

    public static func isOn(_ mutant: Mutant) -> Bool {{ chosen == mutant }}
}}
"""


def files(root: Path) -> dict[str, Path]:
    """What is copied, by its path within the repository."""
    found = {}
    for name in COPIED:
        top = root / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not PASSED_OVER & set(path.relative_to(root).parts):
                found[str(path.relative_to(root))] = path
    return found


def contents(root: Path, mutants: list[Mutant], support: list[Edit]) -> dict[str, bytes]:
    """Every file of the woven tree."""
    edits: dict[str, list[Named]] = {}
    for name, edit in [(mutant.name, edit) for mutant in mutants for edit in mutant.edits] + [("support", edit) for edit in support]:
        edits.setdefault(edit.file, []).append((name, edit))
    tree = {name: path.read_bytes() for name, path in files(root).items()}
    for name, of_file in edits.items():
        if name not in tree:
            raise WeaveError(f"{of_file[0][0]}: there is no {name}")
        tree[name] = woven(tree[name].decode(), of_file).encode()
    tree[SWITCH_FILE] = switches(mutants).encode()
    return tree


def weave(root: Path, mutants: list[Mutant], support: list[Edit], tree: Path) -> None:
    """Makes `tree` the woven copy of the repository at `root`."""
    wanted = contents(root, mutants, support)
    tree.mkdir(parents=True, exist_ok=True)
    for path in sorted(tree.rglob("*"), reverse=True):
        name = str(path.relative_to(tree))
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = tree / name
        if path.is_dir():
            shutil.rmtree(path)
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
