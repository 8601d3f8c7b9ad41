"""Faults that the service had, which the simulator found, put back: each has to be found again."""

from mutant import expression, mutant

from .places import CONNECTING, PRESENCE, SWEEP, WHEEL

MUTANTS = [
    mutant(
        "freed-place-unseen",
        "A connect is refused as one too many though a place was freed meanwhile.",
        expression(CONNECTING, "guard «counted.count >= settings.connectionsPerUser» else", "true"),
        by="rightAnswer"),
    mutant(
        "late-write-undoes",
        "A leave or join whose answer never came, and which takes effect late, undoes what was done after it.",
        expression(
            PRESENCE, '«changes.map { .equals("changes", .number($0)) } ?? .absent("changes")»',
            'version.map { .equals("version", .number($0)) } ?? .absent("version")'),
        by="memberMissing leftIsOut"),
    mutant(
        "shorter-lease-moved",
        "The sweep takes the row of a lease that became shorter for the old one of a longer, and deletes it.",
        expression(WHEEL, 'if: .all([.absent("ended"), «.atLeast("expiresAt", connection.expiresAt.seconds)»]))', ".all([])"),
        expression(WHEEL, 'let isSame = «due.mark.map { Condition.equals("mark", .string($0)) } ?? .absent("mark")»', ".all([])"),
        by="wheelReaches ghostBound"),
    mutant(
        "other-row-left",
        "Of a connection with two rows in the wheel the sweep deletes the one that the connection notes, and not the one it came by.",
        expression(SWEEP, ".ifExpired(now), wheelMinute: «lease.minute»)", "nil"),
        by="noOrphans"),
]
