"""How long a connection lives: its lease, its token, and that nothing wakes it again."""

from mutant import expression, mutant, statement, text

from .places import CONNECTING, CONNECTION, REPOSITORY, ROUTE

LIVE = '.all([.itemExists, .absent("ended"), .atLeast("expiresAt", now.seconds + 1)])'

MUTANTS = [
    mutant(
        "lease-outlives-token",
        "A lease is ten minutes whatever the token says.",
        expression(REPOSITORY, "return «min(rounded, tokenExpiresAt)»", "rounded"),
        by="leaseBounded ghostBound onlineIsLive"),
    mutant(
        "shorter-token-ignored",
        "A new token that ends sooner is acknowledged, and the old one goes on counting.",
        expression(
            CONNECTING, "renewed.tokenExpiresAt = «tokenExpiresAt ?? stored.tokenExpiresAt»",
            "max(tokenExpiresAt ?? stored.tokenExpiresAt, stored.tokenExpiresAt)"),
        by="leaseBounded goneStaysGone rightAnswer leaseKept"),
    mutant(
        "shorter-token-without-row",
        "A new token that ends sooner gets no earlier row in the wheel.",
        expression(CONNECTING, "let isShorter = «renewed.expiresAt < stored.expiresAt»", "false"),
        by="wheelReaches ghostBound"),
    mutant(
        "token-end-unnoticed",
        "A frame after the token's end gets what one on an ended connection gets.",
        expression(ROUTE, "guard «connection.tokenExpiresAt > now» else", "true"),
        by="goneStaysGone rightAnswer leaseKept"),
    mutant(
        "token-end-leaves-socket",
        "A connection whose token is over is told so and stays.",
        expression(ROUTE, "return «fail(.tokenExpired, afterward: { await self.removeExpired(id) })»", "fail(.tokenExpired)"),
        by="tokenEnds"),
    mutant(
        "renewed-without-condition",
        "A renewal that arrives late writes a connection that was deleted meanwhile.",
        expression(CONNECTING, "clauses, if: «.all([.live(at: now), unchanged] + (isShorter ? [] : [later]))»", "nil"),
        by="neverResurrected noOrphans"),
    mutant(
        "expired-is-served",
        "A frame on a connection whose lease is over is served until the sweep comes.",
        expression(ROUTE, "guard «connection.isLive(at: now)» else", "connection.ended == nil"),
        by="goneStaysGone neverResurrected leaseKept"),
    mutant(
        "expired-is-renewed",
        "A frame on a connection whose lease is over begins it anew.",
        expression(ROUTE, "guard «connection.isLive(at: now)» else", "connection.ended == nil"),
        expression(CONNECTING, f"«{LIVE}»", '.all([.itemExists, .absent("ended")])'),
        by="goneStaysGone neverResurrected leaseKept"),
    mutant(
        "expiry-left-to-ttl",
        "A connection lives as long as its item is there.",
        expression(CONNECTION, "{ «ended == nil && expiresAt > now» }", "ended == nil"),
        by="ghostBound neverResurrected onlineIsLive"),
    mutant(
        "lease-never-renewed",
        "Frames other than heartbeats do not begin the lease anew.",
        expression(ROUTE, "case .afterward: renewal = «self.renewal(of: admission)»", "nil"),
        by="rightAnswer goneStaysGone memberMissing neverStuck leaseKept"),
    mutant(
        "renewal-late",
        "A lease is begun anew only once the whole of it is spent.",
        expression(ROUTE, "settings.presenceTTL.milliseconds / «4»", "1"),
        by="leaseKept goneStaysGone memberMissing neverStuck"),
]
