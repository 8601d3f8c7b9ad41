"""What finds the ends that nobody reported: the wheel, the due rows, the stream's records."""

from mutant import expression, mutant, statement, text

from .places import BROADCAST_ENDING, CLEANUP, SWEEP, WHEEL

MUTANTS = [
    mutant(
        "cursor-ahead",
        "The sweep notes the minute it is in as swept: leases that end later in it are never looked at.",
        expression(SWEEP, "let settled = «current - Sweep.settledMinutes»", "current + 1"),
        by="wheelReaches ghostBound"),
    mutant(
        "this-minute-only",
        "The sweep looks at the minute it is in, and not at those since the last one.",
        expression(SWEEP, "var minute = «min(swept ?? current - Sweep.firstLookBack, current)»", "current"),
        by="ghostBound wheelReaches presencePublished"),
    mutant(
        "failure-swept-over",
        "The sweep goes on past a minute in which something failed, and notes it as swept.",
        text(
            SWEEP, "if let failure { throw failure }\n        if settled",
            "if let failure, !MUTANT { throw failure }\n        if settled"),
        expression(SWEEP, "let settled = «current - Sweep.settledMinutes»", "current"),
        by="noOrphans ghostBound wheelReaches presencePublished"),
    mutant(
        "renewed-not-moved",
        "The row of a lease that was renewed stays in a minute that is swept.",
        expression(SWEEP, "guard «Keys.minute(of: connection.expiresAt) > lease.minute» else", "false"),
        by="wheelReaches ghostBound"),
    mutant(
        "old-row-deleted-first",
        "The row of a renewed lease is deleted before the new one is written: dying between leaves none.",
        text(
            WHEEL, "try await table.put(leaseRow(due.id, due.user, minute: minute), if: nil)\n        let note",
            "if MUTANT { _ = try await table.delete(Keys.lease(due.id, minute: due.minute), if: nil) }\n        ORIGINAL"),
        by="wheelReaches ghostBound"),
    mutant(
        "move-revives-connection",
        "Moving the row of a connection that was deleted meanwhile makes a row that nobody deletes.",
        expression(WHEEL, 'if: «.all([.absent("ended"), .atLeast("expiresAt", connection.expiresAt.seconds)])»', "nil"),
        by="neverResurrected noOrphans"),
    mutant(
        "moved-past-shorter",
        "A row is moved to where the lease ended when it was read, though a shorter token has come meanwhile.",
        expression(WHEEL, '[.absent("ended"), «.atLeast("expiresAt", connection.expiresAt.seconds)»]', ".itemExists"),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "moved-over-shorter",
        "With a row that is moved goes the one that a shorter token has put in its place.",
        expression(WHEEL, "Keys.lease(due.id, minute: due.minute), if: «isSame»", "nil"),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "half-ended-not-taken-up",
        "The sweep passes over a connection that somebody has begun to end, and died.",
        expression(SWEEP, "connections[lease.id].flatMap { «$0.ended == nil ? $0 : nil» }", "$0"),
        text(SWEEP, "if !connection.isLive(at: now) {", "if MUTANT, connection.ended != nil { return }\n            if !connection.isLive(at: now) {"),
        by="ghostBound noOrphans sweptClean"),
    mutant(
        "absent-left-to-stream",
        "The sweep leaves a connection that TTL deleted to the stream's record.",
        statement(
            SWEEP, "try await services.broadcaster.clear(lease.id, lease.user, wheelMinute: lease.minute)",
            "if candidate.connection != nil { try await services.broadcaster.clear(lease.id, lease.user, wheelMinute: lease.minute) }"),
        by="ghostBound noOrphans"),
    mutant(
        "remains-without-rooms",
        "What is left of a connection that TTL deleted is cleared without looking for its rooms.",
        expression(BROADCAST_ENDING, "carryOut([«try await repository.remains(of: id, user).with(wheelMinute)»], .expired)",
            "EndingConnection(id: id, user: user, rooms: [], wheelMinutes: []).with(wheelMinute)"),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "record-without-rooms",
        "A record of TTL ends a connection without the rooms in its old image, and takes its row from the wheel.",
        expression(CLEANUP, "rooms = «Set(names)»", "[]"),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "due-before-its-time",
        "The sweep publishes what a handler is still publishing.",
        expression(SWEEP, ".filter { «$0.dueAt <= now» }", "true"),
        by="presenceOnce"),
    mutant(
        "due-for-any-version",
        "A row that reminds of an older event publishes the newer one that a handler is still publishing.",
        expression(WHEEL, "guard let event = presence.pending, «event.version == due.version» else", "true"),
        by="noOrphans presenceOnce"),
    mutant(
        "due-row-outlives-event",
        "A row that reminds of an event long published is never dropped.",
        statement(WHEEL, "try await dropDue(due.key, due.version)", ""),
        by="noOrphans"),
]
