"""What tells one tenant, user or room from another."""

from mutant import expression, mutant

from .places import KEYS, STREAM_KEYS

MUTANTS = [
    mutant(
        "conversation-without-tenant",
        "Two users' conversation is the same in every tenant.",
        expression(
            STREAM_KEYS, '«"DM#\\(tenant.text)#\\(KeyText.encode(low.text))#\\(KeyText.encode(high.text))"»',
            '"DM#\\(KeyText.encode(low.text))#\\(KeyText.encode(high.text))"'),
        by="tenantIsolated seqGapless"),
    mutant(
        "user-without-tenant",
        "A user's connections are counted, and told, across tenants.",
        expression(
            KEYS, '{ «"USER#\\(user.tenantID.text)#\\(KeyText.encode(user.id.text))"» }', '"USER#\\(KeyText.encode(user.id.text))"'),
        by="tenantIsolated capHolds"),
    mutant(
        "room-without-tenant",
        "A room is the same in every tenant.",
        expression(KEYS, 'partition = «"ROOM#\\(tenantID.text)#\\(id.text)"»', '"ROOM#\\(id.text)"'),
        by="tenantIsolated"),
    mutant(
        "index-without-tenant",
        "Who is online, and everyone, is so across tenants.",
        expression(KEYS, '{ «"TENANT#\\(tenant.text)#\\(shard)"» }', '"TENANT#\\(shard)"'),
        by="tenantIsolated onlineIsLive"),
    mutant(
        "due-rows-without-room",
        "The rows that remind of a connection's leaves from several rooms are one.",
        expression(KEYS, '«"CONN#\\(id.text)#ROOM#\\(room.text)"»', '"CONN#\\(id.text)"'),
        by="presencePublished noOrphans ghostBound"),
]
