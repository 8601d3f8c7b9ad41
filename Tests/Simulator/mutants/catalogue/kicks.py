"""Removing a user."""

from mutant import expression, mutant, text

from .places import CONNECTING, DEFAULT, ENDING, KICK

MUTANTS = [
    mutant(
        "kick-forgotten",
        "A connection is opened by a token that its user's kick refused.",
        expression(CONNECTING, "let isAccepted = «Condition.accepts(tokenIssuedAt: tokenIssuedAt)»", "Condition.all([])"),
        by="kickedStaysOut"),
    mutant(
        "kick-second-let-in",
        "A token of the very second of the kick counts as later.",
        expression(CONNECTING, "Condition.accepts(tokenIssuedAt: «tokenIssuedAt»)", "tokenIssuedAt.map { $0 + 1 }"),
        by="kickedStaysOut"),
    mutant(
        "refresh-after-kick",
        "refreshToken takes a token that was refused.",
        expression(
            DEFAULT, "«!services.repository.refuses(sender.user, tokenIssuedAt: identity.issuedAt, by: sender.items)»", "true"),
        by="kickedStaysOut"),
    mutant(
        "refusal-deleted",
        "The end of a user's last connection deletes what refuses the user's tokens.",
        text(ENDING, "let isKept = stored?[refusedUntil] != nil", "let isKept = MUTANT ? false : stored?[refusedUntil] != nil"),
        expression(ENDING, 'ending.id.text), «.absent(refusedUntil)»])', '.exists("connections")'),
        by="kickedStaysOut"),
    mutant(
        "first-connection-only",
        "A kick ends one of the user's connections.",
        expression(KICK, "in await «refusal.connections».concurrently", "Array(refusal.connections.prefix(1))"),
        by="kickedStaysOut"),
    mutant(
        "kicked-stay-members",
        "A kick marks connections as ended, and leaves the rest to the sweep.",
        expression(KICK, "carryOut(«ending.sorted { $0.id < $1.id }», .disconnected", "[]"),
        by="kickedStaysOut noOrphans presencePublished ghostBound rightAnswer capHolds memberMissing presenceIsMembership directDelivered onlyMembers"),
]
