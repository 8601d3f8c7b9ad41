"""Who is in a room: deciding that somebody came or went, noting it, and telling it once."""

from mutant import expression, mutant, statement, text

from .places import BROADCAST_PRESENCE, PRESENCE, ROOMS

MUTANTS = [
    mutant(
        "changes-unchecked",
        "A join or leave is written whatever happened to the user's presence since it was read, so versions fall or repeat.",
        expression(
            PRESENCE, '«changes.map { .equals("changes", .number($0)) } ?? .absent("changes")»',
            '.any([.exists("changes"), .absent("changes")])'),
        by="presenceAlternates memberMissing presenceOnce"),
    mutant(
        "version-by-clock-alone",
        "A presence event's version is the clock, not above the version before, so two in one millisecond are one.",
        expression(PRESENCE, "{ «max((version ?? 0) + 1, now.milliseconds)» }", "now.milliseconds"),
        by="presenceAlternates memberMissing"),
    mutant(
        "further-device-unchecked",
        "A user's further connection enters without a look whether the first is still there: nobody is told of who is in.",
        expression(
            PRESENCE, '«Condition.all([.exists("connections"), unchanged])»', '.any([.exists("changes"), .absent("changes")])'),
        by="presenceAlternates memberMissing presencePublished"),
    mutant(
        "last-device-unchecked",
        "The last connection leaves for its user although another has entered meanwhile.",
        expression(
            PRESENCE, 'let last = «Condition.all([.sizeEquals("connections", 1), .contains("connections", id.text), unchanged])»',
            '.contains("connections", id.text)'),
        by="presenceIsMembership memberMissing"),
    mutant(
        "others-leave-unchecked",
        "One of two connections leaves in silence although the other has left meanwhile: nobody is told.",
        expression(
            PRESENCE,
            'let others = «Condition.all([.contains("connections", id.text), .not(.sizeEquals("connections", 1)), unchanged])»',
            '.contains("connections", id.text)'),
        by="presenceAlternates presencePublished ghostBound"),
    mutant(
        "join-per-connection",
        "Every connection of a user is announced, not the first.",
        text(
            PRESENCE, '[.insert("connections", [id.text]), change], if: others), «nil»)',
            "MUTANT\n"
            "                    ? PresenceEvent(kind: .join, roomID: room.id, userID: userID, version: nextVersion(at: now), at: now)\n"
            "                    : nil"),
        by="presenceIsTrue presenceAlternates presenceOnce"),
    mutant(
        "leave-per-connection",
        "Every connection of a user that goes is announced as the user's leave, not the last.",
        text(
            PRESENCE, '[.delete("connections", [id.text]), change], if: others), «nil»)',
            "MUTANT\n"
            "                    ? PresenceEvent(\n"
            "                        kind: .leave, roomID: room.id, userID: userID, version: nextVersion(at: now), at: now, reason: reason)\n"
            "                    : nil"),
        by="presenceIsTrue presenceAlternates memberMissing"),
    mutant(
        "reason-forgotten",
        "A leave does not say why.",
        expression(PRESENCE, "at: now, reason: «reason»)", "nil"),
        by="presenceIsTrue"),
    mutant(
        "reason-not-noted",
        "The mark of a leave does not say why, so that what the sweep publishes for a dead handler has no reason.",
        expression(
            PRESENCE, '«event.reason.map { .set("reason", .string($0.rawValue)) } ?? .remove("reason")»', '.remove("reason")'),
        by="presenceIsTrue"),
    mutant(
        "mark-not-written",
        "An event is decided without the mark that it is to be published: what a dead handler left is never told.",
        expression(PRESENCE, 'guard «marks» else { return [.remove("pending")', "false"),
        by="presenceIsTrue presencePublished presenceAlternates"),
    mutant(
        "mark-removed-first",
        "The mark is removed before the members are told: a handler that dies between tells nobody.",
        text(
            BROADCAST_PRESENCE, "let told = await tell(pending)",
            "if MUTANT { try? await repository.published(pending) }\n        ORIGINAL"),
        by="presencePublished presenceAlternates"),
    mutant(
        "mark-removed-untold",
        "The mark is removed although the members could not be read.",
        expression(BROADCAST_PRESENCE, '"error": "\\(error)"])\n            return «nil»', "[]"),
        by="presencePublished presenceAlternates"),
    mutant(
        "mark-of-newer-removed",
        "Who has published an older event removes the mark of a newer one.",
        expression(
            PRESENCE, 'if: «.all([.exists("pending"), .equals("version", .number(pending.event.version))])»', '.exists("pending")'),
        by="presencePublished presenceAlternates"),
    mutant(
        "due-row-of-join-missing",
        "A join has no row that reminds the sweep of it.",
        expression(
            ROOMS, "if let pending, «marksPresence» { actions.append(.put(dueRow(pending", "false"),
        by="wheelReaches presencePublished noOrphans"),
    mutant(
        "due-row-of-leave-missing",
        "A leave has no row that reminds the sweep of it.",
        expression(ROOMS, "if «marksPresence» { actions.append(.put(dueRow(decided", "false"),
        by="wheelReaches presencePublished ghostBound noOrphans"),
    mutant(
        "due-row-of-newer-removed",
        "Who has published an older event deletes the row that reminds of a newer one.",
        expression(PRESENCE, 'table.delete(key, if: «.equals("version", .number(version))»)', "nil"),
        by="wheelReaches presencePublished noOrphans"),
    mutant(
        "room-stays-on-connection",
        "A room that was left stays on the connection's list, so that joining it again joins nothing.",
        expression(ROOMS, "if «noting», session.connection?.rooms", "false"),
        by="memberMissing memberMissesNothing noOrphans"),
    mutant(
        "join-of-ended",
        "A connection joins although something has begun to end it, or has ended it.",
        expression(ROOMS, "«.live(at: now)»,\n                            .any(", '.any([.exists("v"), .absent("v")])'),
        by="neverResurrected noOrphans ghostBound memberMissing"),
    mutant(
        "join-answered-unwritten",
        "A join whose transaction failed is answered as done.",
        expression(ROOMS, "return «try await commit(actions) ? .joined(pending) : nil»", "try await commit(actions) ? .joined(pending) : .joined(nil)"),
        by="memberMissing memberMissesNothing"),
]
