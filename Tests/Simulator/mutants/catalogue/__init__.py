"""Every mutant, by subject, in the order of the table. `SUPPORT` is what some of
them need beside them, whichever is on."""

from . import connecting, delivery, ending, engines, found, keys, kicks, leases, messages, presence, queries, reading, recovery, sweep

SUBJECTS = {
    "Presence": presence.MUTANTS,
    "Connecting and what a frame may do": connecting.MUTANTS,
    "Leases and tokens": leases.MUTANTS,
    "Ending a connection": ending.MUTANTS,
    "Removing a user": kicks.MUTANTS,
    "The sweep, the stream and TTL": sweep.MUTANTS,
    "Storing messages": messages.MUTANTS,
    "Coming back": recovery.MUTANTS,
    "Fan-out and direct messages": delivery.MUTANTS,
    "Who is online": queries.MUTANTS,
    "Pages and strong reads": reading.MUTANTS,
    "Keys": keys.MUTANTS,
    "The engines' own parts": engines.MUTANTS,
    "Found by the simulator, and put back": found.MUTANTS,
}

MUTANTS = [mutant for mutants in SUBJECTS.values() for mutant in mutants]
SUPPORT = reading.SUPPORT + messages.SUPPORT
