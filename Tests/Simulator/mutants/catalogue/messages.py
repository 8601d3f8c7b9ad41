"""A message is stored before it is acknowledged, once, under the next number of its room or conversation."""

from mutant import expression, mutant, statement, text

from .places import APPENDING, KEYS, LIMITS, REPOSITORY, ROOMS, SPEECH

# Behind a reply the id is known already.
SUPPORT = [
    text(
        APPENDING, "extension AppendOutcome {\n    /// What a row",
        "extension ChatRepository {\n"
        "    public func append(_ draft: Draft, named messageID: String, at now: Timestamp) async throws(TableError) -> AppendOutcome {\n"
        "        try await append([Submission(draft: draft, messageID: messageID, sentAt: now)], knowing: nil)[0]\n"
        "    }\n"
        "}\n\nORIGINAL"),
]

APPEND = "let outcome = try await services.engine { () async throws(TableError) in\n            try await services.repository.append"

MUTANTS = [
    mutant(
        "message-overwritten",
        "A message is written at the head that was read, whatever is there by now.",
        expression(APPENDING, "return [.put(item, if: «.itemAbsent»)]", "nil"),
        expression(APPENDING, 'number(new))], if: «.equals("seq", .number(old))»', "nil"),
        by="seqGapless ackedOnce storedBeforeAck"),
    mutant(
        "head-raised-blindly",
        "The head goes up without a look whether the message before it is there.",
        expression(APPENDING, 'number(new))], if: «.equals("seq", .number(old))»', "nil"),
        by="seqGapless"),
    mutant(
        "head-behind-message",
        "The head is written in a call of its own behind the message: dying between leaves a room that nobody can speak in.",
        text(
            APPENDING, "isWritten = «try await commit(actions(of: plan))»",
            "try await { () async throws(TableError) -> Bool in\n"
            "                let all = actions(of: plan)\n"
            "                guard MUTANT else { return try await commit(all) }\n"
            "                guard try await commit(Array(all.dropLast())) else { return false }\n"
            "                return try await commit([all[all.count - 1]])\n"
            "            }()"),
        by="seqGapless rightAnswer neverStuck storedBeforeAck"),
    mutant(
        "stale-head-retried",
        "After a conflict the message is tried again at the head that was read before it.",
        statement(APPENDING, "items = read\n                «known = nil»", ""),
        by="rightAnswer"),
    mutant(
        "ack-of-failed-write",
        "A message whose transaction failed is acknowledged.",
        expression(APPENDING, "return «isWritten ? plan.outcomes : nil»", "plan.outcomes"),
        by="storedBeforeAck ackedOnce"),
    mutant(
        "ack-before-store",
        "A message to a room is acknowledged under the number it should get, and stored behind the reply.",
        text(
            SPEECH, APPEND,
            "if MUTANT, case .room = stream, let head = try? await services.repository.head(stream) {\n"
            "            var bits = RandomBits(services.random)\n"
            "            let messageID = ULID.make(at: now, using: &bits)\n"
            "            let ack = Acknowledgement(destination: addressee.destination, messageID: messageID, seq: head.seq + 1, sentAt: now)\n"
            "            return Said(acknowledgement: ack) {\n"
            "                guard case .stored(let message)? = try? await services.repository.append(draft, named: messageID, at: now)\n"
            "                else { return }\n"
            "                await fanOut(message, stream)?()\n"
            "            }\n"
            "        }\n"
            "        ORIGINAL"),
        by="storedBeforeAck ackedOnce"),
    mutant(
        "unanswered-is-done",
        "A write that failed without an answer counts as done.",
        text(
            ROOMS, "} catch .transactionFailed {\n            return false",
            "} catch .unavailable where MUTANT {\n            return true\n        ORIGINAL"),
        by="storedBeforeAck ackedOnce memberMissing"),
    mutant(
        "unanswered-is-retried",
        "A write that failed without an answer is tried again, though it may have happened.",
        text(REPOSITORY, "} catch .conflict {", "} catch .unavailable where MUTANT {\n            ORIGINAL"),
        by="ackedOnce"),
    mutant(
        "duplicates-forgotten",
        "A clientMessageId is remembered for no time at all.",
        expression(LIMITS, "static let deduplication: Seconds = «600»", "0"),
        by="duplicateIsSame ackedOnce"),
    mutant(
        "duplicates-remembered-apart",
        "The row that remembers a clientMessageId is written in a call of its own behind the message.",
        text(
            APPENDING, "+ («submission.deduplicationRow(of: message).map { [$0] } ?? []»)",
            "MUTANT ? [] : ORIGINAL"),
        text(
            APPENDING, "isWritten = try await commit(actions(of: plan))\n",
            "ORIGINAL"
            "            if MUTANT, isWritten {\n"
            "                for (message, submission) in plan.messages {\n"
            "                    if let row = submission.deduplicationRow(of: message) { try await table.transact([row]) }\n"
            "                }\n"
            "            }\n"),
        text(
            APPENDING, "puts(of: message, submission) + [head])\n            queues.leave(partition)",
            "puts(of: message, submission) + [head])\n"
            "            if MUTANT, let row = submission.deduplicationRow(of: message) { try await table.transact([row]) }\n"
            "            queues.leave(partition)"),
        by="ackedOnce duplicateIsSame"),
    mutant(
        "duplicates-per-room",
        "A clientMessageId is remembered per room and not per sender: who uses another's is told that theirs was stored.",
        expression(
            KEYS, 'Key(«"SENT#\\(stream.partition)#\\(KeyText.encode(sender.text))"», "ID#',
            '"SENT#\\(stream.partition)"'),
        by="duplicateIsSame storedBeforeAck ackedOnce"),
    mutant(
        "duplicates-per-conversation",
        "A clientMessageId is remembered per conversation and not per sender in it.",
        expression(KEYS, "sender == low ? 0 : 1", "0"),
        by="storedBeforeAck ackedOnce duplicateIsSame"),
    mutant(
        "duplicates-per-sender",
        "A clientMessageId is remembered per sender and not per room.",
        expression(
            KEYS, 'Key(«"SENT#\\(stream.partition)#\\(KeyText.encode(sender.text))"», "ID#',
            '"SENT#\\(KeyText.encode(sender.text))"'),
        by="storedBeforeAck ackedOnce duplicateIsSame tenantIsolated"),
    mutant(
        "duplicate-told-again",
        "A duplicate is told to the room once more.",
        text(
            SPEECH, "return Said(acknowledgement: ack)\n        case .stored",
            "return Said(\n"
            "                acknowledgement: ack,\n"
            "                afterward: MUTANT ? addressee.destination.flatMap { destination in\n"
            "                    fanOut(Message(destination: destination, messageID: messageID, seq: seq, senderID: speaker.id, body: body, sentAt: sentAt), stream)\n"
            "                } : nil)\n"
            "        case .stored"),
        by="toldOnce duplicateIsSame ackedOnce"),
    mutant(
        "duplicate-unsaid",
        "A duplicate is not said to be one.",
        expression(SPEECH, "ack.duplicate = «true»", "false"),
        by="duplicateIsSame"),
    mutant(
        "duplicate-takes-a-number",
        "Of messages that are written together, those behind a duplicate get a number too high.",
        text(APPENDING, "outcomes.append(earlier)\n", "ORIGINAL                if MUTANT { seq += 1 }\n"),
        by="seqGapless", within=13_000),
]
