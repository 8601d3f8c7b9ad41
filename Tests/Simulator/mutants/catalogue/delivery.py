"""Whom a message goes to: every member but the sending connection, and both sides of a conversation."""

from mutant import expression, mutant, statement, text

from .places import DIRECTORY, FANOUT, ONLINE, SEND, SPEECH

MUTANTS = [
    mutant(
        "members-read-first",
        "The members are read before the message is written: who joined between neither knows of it nor gets it.",
        text(
            SPEECH, "let outcome = try await services.engine",
            "var early: [ConnectionID]?\n"
            "        if MUTANT, case .room(let room) = stream {\n"
            "            early = try? await services.repository.members(room).map(\\.connectionID).filter { $0 != connection }\n"
            "        }\n"
            "        let told = early\n"
            "        ORIGINAL"),
        text(
            SPEECH, "Said(acknowledgement: ack, afterward: «fanOut(message, stream)»)",
            "told == nil ? ORIGINAL : { @Sendable in await services.broadcaster.deliver(message, in: stream, to: told ?? []) }"),
        by="memberMissesNothing"),
    mutant(
        "sender-gets-own",
        "A message comes back to the connection that sent it.",
        expression(DIRECTORY, ".filter { «$0 != except» }", "$0 != except || users == nil"),
        by="senderExcluded"),
    mutant(
        "presence-to-itself",
        "Who comes is told that they have come.",
        expression(DIRECTORY, ".filter { «$0 != except» }", "$0 != except || users != nil"),
        by="senderExcluded"),
    mutant(
        "sender-user-left-out",
        "A message goes to none of its sender's connections.",
        expression(
            DIRECTORY, "«members.map(\\.connectionID).filter { $0 != except }»",
            "members.filter { member in !members.contains { $0.connectionID == except && $0.userID == member.userID } }.map(\\.connectionID)"),
        by="memberMissesNothing"),
    mutant(
        "one-connection-per-user",
        "A message goes to one connection of each user.",
        expression(
            DIRECTORY, "«members.map(\\.connectionID)».filter",
            "Dictionary(members.map { ($0.userID, $0.connectionID) }) { first, _ in first }.values.sorted()"),
        by="memberMissesNothing"),
    mutant(
        "direct-to-first-connection",
        "A direct message goes to the first connection of its user.",
        expression(SPEECH, "all += «others»", "Array(others.prefix(1))"),
        by="directDelivered"),
    mutant(
        "direct-without-copy",
        "The sender's other connections get no copy of a direct message.",
        expression(SPEECH, "in «receiver == speaker.id ? [receiver] : [receiver, speaker.id]» {", "[receiver]"),
        by="directDelivered"),
    mutant(
        "direct-to-sender",
        "A direct message's copy goes to the connection that sent it too.",
        expression(SPEECH, "live.map(\\.id).filter { «$0 != connection» }", "true"),
        by="senderExcluded"),
    mutant(
        "delivered-counts-copies",
        "What an ack says was delivered counts the sender's copies.",
        statement(SPEECH, "if user == receiver { receivers = others.count }", "receivers += others.count"),
        by="directDelivered"),
    mutant(
        "everyone-in-one-shard",
        "A message to everyone goes to one shard of the tenant's index.",
        expression(
            ONLINE, "for shard in 0..<«Limits.indexShards» {\n            try await items", "1"),
        by="everyoneReached directDelivered memberMissesNothing"),
    mutant(
        "everyone-by-anybody",
        "Whoever likes may speak to everyone.",
        expression(
            SEND, "if addressee == .everyone, «!sender.connection.roles.contains(\"admin\")» {",
            "false"),
        by="refusedWhereDue"),
    mutant(
        "failed-shard-forgotten",
        "A shard of a large room's fan-out whose posts failed does not come again.",
        expression(FANOUT, "isDone: «delivery.failed.isEmpty», gone", "true"),
        by="memberMissesNothing"),
]
