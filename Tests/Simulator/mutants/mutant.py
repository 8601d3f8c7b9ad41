"""What a seeded bug is: where it sits in the real sources, and what stands there while it is on."""

import re
from dataclasses import dataclass
from enum import Enum

# In what stands in a file's place: the switch of the mutant itself, and what stood there before.
SWITCH, ORIGINAL = "MUTANT", "ORIGINAL"
OPENING, CLOSING = "«", "»"


class Form(Enum):
    """How two variants of a piece of source become one that has both. The order is the one of wrapping, inside out."""

    EXPRESSION = 1
    STATEMENT = 2
    TEXT = 3


def effect(source: str) -> str:
    return re.match("(try )?(await )?", source)[0]


@dataclass(frozen=True)
class Edit:
    """One place of a mutant. The piece is what stands between « and » of `find`, or all of it; the rest only says where."""

    file: str
    find: str
    mutated: str
    form: Form

    @property
    def context(self) -> str:
        return self.find.replace(OPENING, "").replace(CLOSING, "")

    @property
    def piece(self) -> tuple[int, int]:
        """Where the piece begins and ends in the context."""
        if OPENING not in self.find:
            return 0, len(self.find)
        return self.find.index(OPENING), self.find.index(CLOSING) - 1

    def woven(self, original: str, switch: str) -> str:
        match self.form:
            case Form.EXPRESSION:
                # What tries and waits has to say so in front of the whole.
                effects = [effect(self.mutated), effect(original)]
                mutated, original = self.mutated.removeprefix(effects[0]), original.removeprefix(effects[1])
                return f"{max(effects, key=len)}({switch} ? ({mutated}) : ({original}))"
            case Form.STATEMENT:
                return f"if {switch} {{ {self.mutated} }} else {{ {original} }}"
            case Form.TEXT:
                return self.mutated.replace(SWITCH, switch).replace(ORIGINAL, original)


@dataclass(frozen=True)
class Mutant:
    """A bug that somebody could make. `caught_by` are the invariants that should find it, `within` the seeds they may need."""

    name: str
    wrong: str
    edits: tuple[Edit, ...]
    caught_by: tuple[str, ...]
    within: int = 2000

    def __post_init__(self):
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", self.name):
            raise ValueError(f"{self.name}: a name is words of small letters with hyphens between them")
        if not self.edits or not self.caught_by or not self.wrong.endswith("."):
            raise ValueError(f"{self.name}: it needs a sentence, an edit and an invariant")


def mutant(name: str, wrong: str, *edits: Edit, by: str, within: int = 2000) -> Mutant:
    return Mutant(name, wrong, edits, tuple(by.split()), within)


def expression(file: str, find: str, mutated: str) -> Edit:
    """The piece is an expression, and so is what stands for it."""
    return Edit(file, find, mutated, Form.EXPRESSION)


def statement(file: str, find: str, mutated: str) -> Edit:
    """The piece is whole statements that declare nothing, and so is what stands for it, or nothing."""
    return Edit(file, find, mutated, Form.STATEMENT)


def text(file: str, find: str, mutated: str) -> Edit:
    """What stands for the piece is there in both variants: it asks `MUTANT` where they differ, and `ORIGINAL` is the piece."""
    return Edit(file, find, mutated, Form.TEXT)
