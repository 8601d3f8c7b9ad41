"""Four paths end a connection: the first of them does it, whole, and none touches another."""

from mutant import expression, mutant, statement, text

from .places import BROADCASTER, BROADCAST_ENDING, DIRECTORY, ENDING, SERVICES

MUTANTS = [
    mutant(
        "claim-revives-connection",
        "A late end of a connection that is long deleted makes a row that nobody deletes.",
        expression(ENDING, "= [«.itemExists», .absent(\"ended\")]\n        switch", '.absent("ended")'),
        by="neverResurrected noOrphans"),
    mutant(
        "gone-post-ends-young",
        "A 410 ends a connection that is still inside $connect.",
        statement(
            ENDING, 'case .ifConnectedBy(let then): «conditions.append(.atMost("connectedAt", then.milliseconds))»', "_ = then"),
        by="youngSurvives"),
    mutant(
        "gone-post-ends-user",
        "A 410 ends every connection of the user, those that came back too.",
        text(
            BROADCAST_ENDING, "claimed.append(connection)\n                }",
            "claimed.append(connection)\n"
            "                    guard MUTANT else { continue }\n"
            "                    for other in try await repository.liveConnections(of: connection.user, at: clock.now()) {\n"
            "                        if case .claimed(let one) = try await repository.claimEnd(other.id, .stale, .ifConnectedBy(connectedBy)) {\n"
            "                            claimed.append(one)\n"
            "                        }\n"
            "                    }\n"
            "                }"),
        by="leaseKept memberMissing goneStaysGone"),
    mutant(
        "gone-post-ends-sender",
        "A 410 on a message's post ends the connection that sent it.",
        text(
            BROADCASTER, "order.done(position)\n        await endStale(«gone»)\n    }\n\n    /// Sends a direct",
            "MUTANT && !gone.isEmpty ? [sender].compactMap { $0 } : gone"),
        by="leaseKept memberMissing goneStaysGone"),
    mutant(
        "failed-post-ends",
        "A post that timed out or was throttled counts as a 410.",
        text(
            DIRECTORY, "«await poster.post(frame, to: connections, inRoomOf: members.count)».gone",
            "await { () async -> Delivery in\n"
            "                var told = ORIGINAL\n"
            "                if MUTANT { told.gone += told.failed }\n"
            "                return told\n"
            "            }()"),
        by="leaseKept memberMissing goneStaysGone"),
    mutant(
        "deleted-before-left",
        "A connection is deleted before its rooms are left: dying between leaves a ghost that nothing leads to.",
        text(
            BROADCAST_ENDING, "try await leaveRooms(connection, reason, &decided)",
            "if MUTANT { try await repository.finishEnd(connection) }\n                ORIGINAL"),
        by="noOrphans ghostBound"),
    mutant(
        "leaves-left-to-sweep",
        "The leaves of a connection that ends are decided and left to the sweep, which finds none on the local server.",
        statement(BROADCAST_ENDING, "await publish(decided)", ""),
        by="presencePublished ghostBound presenceAlternates"),
    mutant(
        "first-room-only",
        "A connection that ends leaves the first of its rooms.",
        expression(BROADCAST_ENDING, "in «connection.rooms.sorted()» {", "Array(connection.rooms.sorted().prefix(1))"),
        by="noOrphans ghostBound"),
    mutant(
        "user-counts-ended",
        "A connection that ended stays in its user's set.",
        expression(ENDING, "if «connections.contains(ending.id.text)» {", "false"),
        by="rightAnswer noOrphans capHolds"),
    mutant(
        "user-deleted-whole",
        "The end of one connection deletes its user's set with the others in it.",
        text(
            ENDING, "if connections.count == 1, !isKept {",
            "if MUTANT { actions.append(.delete(userKey, if: nil)) } else if connections.count == 1, !isKept {"),
        by="capHolds directDelivered noOrphans"),
    mutant(
        "user-deleted-under-newcomer",
        "A user's set is deleted with the last connection in it although another has come meanwhile.",
        expression(
            ENDING, 'Condition.all([«.sizeEquals("connections", 1)», .contains', '.exists("connections")'),
        by="capHolds directDelivered noOrphans"),
    mutant(
        "user-left-empty",
        "Of a user's last two connections, ended together, neither deletes the user's item.",
        expression(ENDING, '«.not(.sizeEquals("connections", 1))»,', '.exists("connections")'),
        by="noOrphans"),
    mutant(
        "wheel-row-left",
        "An ended connection's row stays in the wheel.",
        expression(ENDING, "for minute in «ending.wheelMinutes.sorted()» {", "[] as [Int64]"),
        by="noOrphans"),
    mutant(
        "last-run-half-ended",
        "After a crash of the server, what the last run had begun to end is left as it is.",
        statement(
            SERVICES, "try await broadcaster.clear(id, User(connection.tenantID, connection.userID))",
            "try await broadcaster.end(id, .expired)"),
        by="wheelReaches noOrphans ghostBound memberMissing leaseKept"),
]
