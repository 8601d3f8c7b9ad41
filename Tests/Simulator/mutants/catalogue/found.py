"""Faults that the service had, which the simulator found, put back: each has to be found again. Others of them stand with their
subjects: `freed-place-unseen`, `moved-past-shorter`, `moved-over-shorter`."""

from mutant import expression, mutant

from .places import PRESENCE, SWEEP

MUTANTS = [
    mutant(
        "late-write-undoes",
        "A leave or join whose answer never came, and which takes effect late, undoes what was done after it.",
        expression(
            PRESENCE, '«changes.map { .equals("changes", .number($0)) } ?? .absent("changes")»',
            'version.map { .equals("version", .number($0)) } ?? .absent("version")'),
        by="memberMissing leftIsOut", within=4000),
    mutant(
        "other-row-left",
        "Of a connection with two rows in the wheel the sweep deletes the one that the connection notes, and not the one it came by.",
        expression(SWEEP, ".ifExpired(now), wheelMinute: «lease.minute»)", "nil"),
        by="sweptClean noOrphans", within=8000),
]
