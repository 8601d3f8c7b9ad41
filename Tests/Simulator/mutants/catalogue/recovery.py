"""A member misses nothing, and is told `recovered` only when that is so."""

from mutant import expression, mutant, statement, text

from .places import JOIN, LIST_FRAMES, MESSAGES

MUTANTS = [
    mutant(
        "head-read-first",
        "The head is read before the membership is written: what is said between is neither below it nor posted.",
        text(
            JOIN, "let outcome = try await services.engine { () async throws(TableError) in\n            try await services.repository.join",
            "let early = MUTANT ? try? await services.repository.head(.room(room)) : nil\n        ORIGINAL"),
        text(JOIN, "describe(room, request, sender)", "describe(room, request, sender, early)"),
        text(
            JOIN, "_ sender: Admission\n    ) async throws(TableError) -> JoinedReply {",
            "_ sender: Admission, _ early: StreamHead?\n    ) async throws(TableError) -> JoinedReply {"),
        text(
            JOIN, "let head = «try await repository.head(.room(room))»",
            "try await { () async throws(TableError) in if let early { early } else { ORIGINAL } }()"),
        by="memberMissesNothing"),
    mutant(
        "since-off-by-one",
        "Who lacks the newest message is told to lack nothing.",
        expression(JOIN, "if «since == head.seq» {", "since + 1 >= head.seq"),
        by="recoveredWhole memberMissesNothing"),
    mutant(
        "missed-without-first",
        "What was missed begins one message too late, and is counted so.",
        expression(JOIN, ".after(«since»), limit", "since + 1"),
        expression(JOIN, "last - since == «missed.count»", "missed.count + 1"),
        by="recoveredWhole"),
    mutant(
        "recovered-beyond-head",
        "A client that has more than the room is told to lack nothing.",
        expression(JOIN, "== true, «since <= head.seq» else", "true"),
        by="recoveredWhole"),
    mutant(
        "epoch-ignored",
        "A client of another history is served from this one.",
        expression(JOIN, "guard «epoch == nil || epoch.map({ bytesEqual($0, head.epoch) }) == true», since", "true"),
        by="recoveredWhole"),
    mutant(
        "recovered-though-aged",
        "What has aged out of the gap does not keep it from being the whole.",
        expression(JOIN, "&& «last - since == missed.count»", "true"),
        by="recoveredWhole"),
    mutant(
        "recovered-though-cut",
        "One page of what was missed counts as the whole.",
        expression(JOIN, "let isWhole = «!more && last >= head.seq» &&", "true"),
        by="recoveredWhole"),
    mutant(
        "recovered-though-full",
        "What did not fit into the frame counts as told.",
        expression(LIST_FRAMES, "recovery.recovered && «written == recovery.missed.count»", "true"),
        by="recoveredWhole"),
    mutant(
        "history-after-itself",
        "History after a message begins with that message.",
        expression(
            MESSAGES, "Keys.messageSort(«min(seq, Keys.highestSeq - 1) + 1»)", "min(seq, Keys.highestSeq - 1)"),
        by="recoveredWhole historyExact"),
    mutant(
        "history-before-itself",
        "History before a message ends with that message.",
        expression(MESSAGES, "Keys.messageSort(«min(max(seq - 1, 0), Keys.highestSeq)»)", "min(seq, Keys.highestSeq)"),
        by="historyExact"),
    mutant(
        "history-newest-first",
        "A page of history comes newest first when it is read back from a message.",
        expression(MESSAGES, "ascending ? messages : «messages.reversed()»", "messages"),
        by="historyExact"),
]
