"""`online` and whoever counts connections: only what lives counts."""

from mutant import expression, mutant

from .places import CONNECTING, ONLINE

MUTANTS = [
    mutant(
        "online-counts-expired",
        "Who is online is who has not been ended, whatever the lease says.",
        expression(ONLINE, "let connection = Connection(item: item), «connection.isLive(at: now)» {", "connection.ended == nil"),
        by="onlineIsLive"),
    mutant(
        "online-counts-listed",
        "A user's connections are as many as are listed, living or not.",
        expression(ONLINE, "connections: «connections.count», lastSeen", "candidate.ids.count"),
        by="onlineIsLive"),
    mutant(
        "seen-by-oldest",
        "A user was last seen by the connection that has been silent longest.",
        expression(ONLINE, "«connections.map(\\.lastSeen).max()»", "connections.map(\\.lastSeen).min()"),
        by="onlineIsLive"),
    mutant(
        "direct-to-expired",
        "A direct message counts and tries connections whose lease is over.",
        expression(CONNECTING, ".filter { «$0.isLive(at: now)» }.sorted", "$0.ended == nil"),
        by="directDelivered deadNotPosted"),
]
