"""Loops that read one page, and reads that may be stale where a decision hangs on them."""

from mutant import expression, mutant, text

from .places import CONNECTING, ENDING, MESSAGES, ONLINE, PRESENCE, REPOSITORY, ROOMS, WHEEL

# The loop over pages can be asked for one.
SUPPORT = [
    text(REPOSITORY, "func items(_ query: Query, _ body", "func items(_ query: Query, onePage: Bool = false, _ body"),
    text(REPOSITORY, "} while «query.after != nil»\n", "query.after != nil && !onePage"),
]
ONE_PAGE = ", onePage: MUTANT)"

MUTANTS = [
    mutant(
        "members-first-page",
        "A fan-out goes to the first page of the members.",
        text(ROOMS, "items(query«)» { item in", ONE_PAGE),
        by="presencePublished memberMissesNothing"),
    mutant(
        "roster-first-page",
        "Who joins is told of the first page of the users.",
        text(PRESENCE, '.prefix("USER#"), strong: true)«)» { item in', ONE_PAGE),
        by="memberMissing"),
    mutant(
        "leases-first-page",
        "The sweep takes the first page of the leases that end in a minute.",
        text(WHEEL, '.prefix("CONN#"), strong: true)«)» { item in', ONE_PAGE),
        by="ghostBound wheelReaches"),
    mutant(
        "remains-first-page",
        "Of a connection that TTL deleted the sweep leaves the first page of its rooms.",
        text(ROOMS, "items(Query(.gsi1, pk: Keys.connection(id).pk)«)» { item in", ONE_PAGE),
        by="wheelReaches ghostBound noOrphans"),
    mutant(
        "everyone-first-page",
        "A message to everyone goes to the first page of each shard.",
        text(ONLINE, '.prefix("USER#"))«)» { item in', ONE_PAGE),
        by="everyoneReached directDelivered memberMissesNothing"),
    mutant(
        "history-first-page",
        "History, and what was missed, ends with the first page.",
        expression(MESSAGES, "} while «query.after != nil» && messages.count", "false"),
        by="recoveredWhole historyExact"),
    mutant(
        "online-room-first-page",
        "Who is online in a room is on the first page.",
        expression(ONLINE, "} while «query.after != nil» && users.count", "false"),
        by="onlineIsLive"),
    mutant(
        "online-shard-first-page",
        "Who is online is on the first page of a shard.",
        expression(ONLINE, "query = «result.next».map", "nil as Cursor?"),
        by="onlineIsLive"),
    mutant(
        "members-read-weakly",
        "A fan-out's members may be those of a moment ago.",
        expression(ROOMS, '.prefix("CONN#"), strong: «true», wanted', "false"),
        by="memberMissesNothing presencePublished"),
    mutant(
        "head-read-weakly",
        "The newest message that `joined` names may be that of a moment ago.",
        expression(MESSAGES, "table.get(stream.head, strong: «true»)", "false"),
        by="memberMissesNothing"),
    mutant(
        "roster-read-weakly",
        "The members that `joined` names may be those of a moment ago.",
        expression(PRESENCE, '.prefix("USER#"), strong: «true»)) { item in', "false"),
        by="memberMissing"),
    mutant(
        "history-read-weakly",
        "History may lack what was acknowledged a moment ago.",
        expression(MESSAGES, "ascending: ascending, strong: «true», limit", "false"),
        by="historyExact recoveredWhole"),
    mutant(
        "session-read-weakly",
        "A frame's connection may be that of a moment ago.",
        expression(CONNECTING, "table.get([key] + keys, strong: «true»)", "false"),
        by="goneStaysGone neverResurrected rightAnswer memberMissing"),
    mutant(
        "user-read-weakly",
        "A direct message's receivers may be those of a moment ago.",
        expression(CONNECTING, "table.get(Keys.user(user), strong: «true»)", "false"),
        by="directDelivered"),
    mutant(
        "ended-user-read-weakly",
        "Whether an ended connection is in its user's set is judged by that of a moment ago.",
        expression(ENDING, "table.get(userKey, strong: «true»)", "false"),
        by="noOrphans capHolds rightAnswer"),
]
