"""The engines' own parts: the queue of large rooms, and what the local server keeps in memory."""

from mutant import expression, mutant, statement, text

from .places import COMMIT_ORDER, FANOUT_POSTER, LAST_RUN, ROOM_INDEX

MUTANTS = [
    mutant(
        "queue-refusal-dropped",
        "Whom the queue would not take the frame for does not get it.",
        expression(FANOUT_POSTER, "return «await direct.post(frame, to: left)»", "Delivery()"),
        by="memberMissesNothing presencePublished"),
    mutant(
        "order-not-kept",
        "Fan-outs leave the local server as they come, not as they were committed.",
        expression(COMMIT_ORDER, "guard «!isFirst(position, elseWaiting: nil)» else", "false"),
        by="localOrder"),
    mutant(
        "order-wakes-nobody",
        "A fan-out that has left lets the next one wait.",
        statement(COMMIT_ORDER, "left.waiters + next\n        }\n        «for waiter in released { waiter.resume() }»", ""),
        by="neverStuck memberMissesNothing presencePublished"),
    mutant(
        "index-keeps-socket",
        "Who has left a room goes on hearing it.",
        statement(ROOM_INDEX, "{ «leave(item.key.pk, member.connectionID)» }", ""),
        by="deadNotPosted senderExcluded memberMissing"),
    mutant(
        "index-keeps-user",
        "Who has left a room stays on the roster.",
        expression(ROOM_INDEX, ".set(userID, «new»)", "new ?? old"),
        by="memberMissing onlineIsLive ghostBound"),
    mutant(
        "last-run-failure-passed-over",
        "The server starts although a connection of the last run could not be ended.",
        text(LAST_RUN, "if let failure { throw failure }", "if let failure, !MUTANT { throw failure }"),
        by="ghostBound memberMissing noOrphans"),
]
