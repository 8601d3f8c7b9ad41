/* What is measured: messages at full speed or at a rate, acknowledgements, idle connections, connecting. */

#define _GNU_SOURCE
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flight { int left; double due; };

static struct flight flights[FLIGHT];
static uint32_t next_number;
static uint64_t deliveries, acks, messages;
static int in_flight, heartbeats, *next_sender;
static bool sending, by_ack, timing;
static double last_probe;

static int receivers(void) { return options.probes ? options.probes : options.members - (options.protocol != NCHAN); }

/* One more message of a room, from the next of its senders. */
static void say(int room, double due) {
    struct connection *from = sender(room, next_sender[room]);
    next_sender[room] = (next_sender[room] + 1) % options.senders;
    uint32_t number = next_number++;
    flights[number & (FLIGHT - 1)] = (struct flight){ receivers(), due };
    if (by_ack) {
        if (from->asked - from->acked >= ACKS_WAITING) fail("more than %d acks are missing", ACKS_WAITING);
        from->due[from->asked++ % ACKS_WAITING] = due;
    }
    from->sent++;
    messages++;
    in_flight++;
    queue_message(from, number);
}

void on_delivery(struct connection *connection, uint32_t number) {
    deliveries++;
    connection->delivered++;
    if (options.probes && connection->place < options.members - options.probes) return;
    struct flight *flight = &flights[number & (FLIGHT - 1)];
    if (timing && !by_ack) note_latency(instant - flight->due);
    if (--flight->left > 0 || by_ack) return;
    in_flight--;
    last_probe = instant;
    if (sending && options.rate == 0) say(connection->room, instant);
}

void on_ack(struct connection *connection) {
    if (!by_ack) return;
    acks++;
    in_flight--;
    if (timing) note_latency(instant - connection->due[connection->acked % ACKS_WAITING]);
    connection->acked++;
    if (sending && options.rate == 0) say(connection->room, instant);
}

void on_heartbeat(void) { heartbeats++; }

/* Sends on schedule, or lets each arrival send the next one; until the given time. */
static void flow(double until) {
    static double start, sent;
    if (options.rate > 0 && start == 0) start = now(), sent = 0;
    if (until == 0) { start = 0; return; }
    while ((instant = now()) < until) {
        double wait = until - instant;
        if (options.rate > 0) {
            while (start + sent / options.rate <= instant) say((int)((uint64_t)sent % options.rooms), start + sent / options.rate), sent++;
            double next = start + sent / options.rate - instant;
            if (next < wait) wait = next;
        }
        turn(wait);
    }
}

/* Every member has every message of the others in their room, once; else what is missing or too much. */
static void account(long *lost, long *twice) {
    *lost = *twice = 0;
    for (int room = 0; room < options.rooms; room++) {
        long said = 0;
        for (int place = 0; place < options.senders; place++) said += sender(room, place)->sent;
        for (int place = 0; place < options.members; place++) {
            struct connection *connection = member(room, place);
            long missing = said - connection->sent - connection->delivered;
            if (missing > 0) *lost += missing;
            else *twice -= missing;
        }
    }
}

static void drain(void) {
    double deadline = now() + 10;
    sending = false;
    while (in_flight > 0 && now() < deadline) turn(0.01);
}

static void print_run(double wall, double cpu, double own, uint64_t count, uint64_t said) {
    long lost, twice;
    account(&lost, &twice);
    printf(
        "{\"seconds\":%.4f,\"messages\":%lu,\"deliveries\":%lu,\"cpu\":%.6f,\"client_cpu\":%.6f,\"p50\":%.3f,\"p99\":%.3f,"
        "\"lost\":%ld,\"duplicated\":%ld}\n",
        wall, (unsigned long)said, (unsigned long)count, cpu, own, percentile(0.5), percentile(0.99), lost, twice);
    fflush(stdout);
}

/* Messages for a while: closed loop without a rate, open loop with one. What is counted are deliveries, or acks. */
static void messages_case(void) {
    connect_all();
    quiet(0.2);
    for (int run = 0; run < options.runs; run++) {
        sending = true;
        flow(0);
        instant = now();
        if (options.rate == 0)
            for (int room = 0; room < options.rooms; room++)
                for (int i = 0; i < options.outstanding; i++) say(room, instant);
        flow(now() + options.warm);
        forget_latencies();
        timing = true;
        uint64_t count = by_ack ? acks : deliveries, said = messages;
        double wall = now(), cpu = server_cpu(), own = own_cpu();
        flow(wall + options.seconds);
        wall = now() - wall, cpu = server_cpu() - cpu, own = own_cpu() - own;
        count = (by_ack ? acks : deliveries) - count, said = messages - said;
        timing = false;
        drain();
        quiet(0.05);
        print_run(wall, cpu, own, count, said);
    }
}

/* Full speed without a client that reads: the kernel keeps what all but a few members of each room get until the window is over,
   so that the server has the machine for itself. The few drive the loop. */
static void unread_case(void) {
    connect_all();
    quiet(0.2);
    for (int run = 0; run < options.runs; run++) {
        for (int i = 0; i < connection_count; i++)
            watch(&connections[i], connections[i].place < options.senders || connections[i].place >= options.members - options.probes);
        uint64_t said = messages;
        double start = now(), cpu = server_cpu(), own = own_cpu();
        instant = start, sending = true;
        for (int room = 0; room < options.rooms; room++)
            for (int i = 0; i < options.outstanding; i++) say(room, instant);
        flow(start + options.seconds);
        drain();
        double wall = last_probe - start;
        cpu = server_cpu() - cpu, own = own_cpu() - own, said = messages - said;
        for (int i = 0; i < connection_count; i++) watch(&connections[i], true);
        quiet(0.2);
        print_run(wall, cpu, own, said * (options.members - 1), said);
    }
}

/* What a connection that does nothing keeps, then a heartbeat of all of them at once. */
static void idle_case(void) {
    double before = server_resident(), start = now();
    connect_all();
    double took = now() - start;
    quiet(1);
    double resident = server_resident() - before;
    printf("{\"connections\":%d,\"resident\":%.0f,\"seconds\":%.3f", connection_count, resident, took);
    if (options.protocol == MUSTER) {
        static const char heartbeat[] = "{\"action\":\"heartbeat\"}";
        start = now();
        for (int i = 0; i < connection_count; i++) queue_text(&connections[i], heartbeat, sizeof heartbeat - 1, 1);
        while (heartbeats < connection_count && now() < start + 30) turn(0.1);
        printf(",\"heartbeats\":%d,\"heartbeat_seconds\":%.3f", heartbeats, now() - start);
    }
    printf("}\n");
}

/* From the first connect to the last joined, so many at a time. */
static void connect_case(void) {
    double start = now(), cpu = server_cpu(), own = own_cpu();
    connect_all();
    double wall = now() - start;
    cpu = server_cpu() - cpu, own = own_cpu() - own;
    printf("{\"connections\":%d,\"seconds\":%.4f,\"cpu\":%.6f,\"client_cpu\":%.6f}\n", connection_count, wall, cpu, own);
}

void run_case(void) {
    next_sender = calloc(options.rooms, sizeof *next_sender);
    bool idle = strcmp(options.mode, "idle") == 0, connecting = strcmp(options.mode, "connect") == 0;
    by_ack = strcmp(options.mode, "acks") == 0;
    prepare(options.rooms * options.members, options.protocol == NCHAN && !idle && !connecting ? options.rooms * options.senders : 0);
    if (idle) idle_case();
    else if (connecting) connect_case();
    else if (strcmp(options.mode, "unread") == 0) unread_case();
    else messages_case();
    close_all();
}
