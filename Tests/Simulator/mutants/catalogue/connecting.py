"""Coming in, and what a connection may then ask for."""

from mutant import expression, mutant, statement, text

from .places import CONNECT, CONNECTING, HISTORY, IDENTITIES, JOIN, ROUTE, SEND

MUTANTS = [
    mutant(
        "cap-unchecked",
        "A connection is opened however many its user has.",
        expression(CONNECTING, '.sizeBelow("connections", «settings.connectionsPerUser»)', "Int.max"),
        by="capHolds"),
    mutant(
        "cap-counts-dead",
        "At the cap, connections that are counted and dead keep their place until the sweep comes.",
        expression(CONNECT, "if «!dead.isEmpty» {", "false"),
        by="rightAnswer capHolds"),
    mutant(
        "cap-clears-the-living",
        "At the cap, every connection of the user is taken for dead.",
        expression(CONNECTING, "«Set(counted).subtracting(live.map(\\.id))»", "Set(counted)"),
        by="leaseKept memberMissing capHolds"),
    mutant(
        "freed-place-unseen",
        "At the cap, a place that was freed meanwhile is not seen.",
        expression(CONNECTING, "guard «counted.count >= settings.connectionsPerUser» else", "true"),
        by="rightAnswer"),
    mutant(
        "wheel-row-later",
        "The lease's row is written in a call of its own behind the connection: dying between leaves one that nobody looks at.",
        text(
            CONNECTING, "try await table.transact(actions)",
            "if MUTANT {\n"
            "                    try await table.transact([actions[0], actions[2]])\n"
            "                    try await table.transact([actions[1]])\n"
            "                } else {\n"
            "                    ORIGINAL\n"
            "                }"),
        text(CONNECTING, "= «outcomes[2]» {", "outcomes[outcomes.count - 1]"),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "wheel-row-by-token",
        "The lease's row is in the minute in which the token ends.",
        expression(CONNECTING, "let minute = Keys.minute(of: «connection.expiresAt»)\n        let isAccepted", "connection.tokenExpiresAt"),
        by="wheelReaches ghostBound"),
    mutant(
        "identity-of-another",
        "An instance that has seen one connection takes every other for the same user's.",
        expression(IDENTITIES, "users.withLock { «$0[id]» }", "$0.values.first"),
        text(
            ROUTE, "let user = User(connection.tenantID, connection.userID)\n        if known",
            "let user = MUTANT ? known ?? User(connection.tenantID, connection.userID) : User(connection.tenantID, connection.userID)\n"
            "        if known"),
        text(
            ROUTE, "return «Admission(connection: connection, items: session.items, keys: wanted, now: now)»",
            "{\n"
            "            var connection = connection\n"
            "            if MUTANT { (connection.tenantID, connection.userID) = (user.tenantID, user.id) }\n"
            "            return ORIGINAL\n"
            "        }()"),
        by="presenceIsMembership tenantIsolated ackedOnce memberMissing"),
    mutant(
        "token-rooms-ignored",
        "A token that lists rooms lets its connection into every other.",
        expression(JOIN, "guard «sender.connection.allows(request.roomID)» else", "true"),
        by="refusedWhereDue"),
    mutant(
        "speaks-unjoined",
        "Who is not in a room may speak in it.",
        expression(SEND, "guard «rooms.contains(id.text)» else { throw .client(.notJoined) }\n            return addressee", "true"),
        by="refusedWhereDue"),
    mutant(
        "reads-unjoined",
        "Who is not in a room may read what was said there.",
        expression(HISTORY, "guard «sender.connection.rooms.contains(id.text)» else", "true"),
        by="refusedWhereDue tenantIsolated"),
]
