/* Sockets: opening them, reading what is there, and writing what was queued once per turn. */

#define _GNU_SOURCE
#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024, READ = 256 * 1024, ROOM_FOR_REST = 256 * 1024 };

struct connection *connections;
int connection_count, ready_count;
double instant;
static int poller = -1, started, members_count;
static int *dirty, dirty_count;
static double last_bytes;

/* Connections of a room follow one another, so that a room's members are spread over the server's threads. */
struct connection *member(int room, int place) { return &connections[room * options.members + place]; }

struct connection *sender(int room, int place) {
    return options.protocol == NCHAN ? &connections[members_count + room * options.senders + place] : member(room, place);
}

void prepare(int members, int publishers) {
    poller = epoll_create1(0);
    members_count = members, connection_count = members + publishers;
    connections = calloc(connection_count, sizeof *connections);
    dirty = calloc(connection_count, sizeof *dirty);
    for (int i = 0; i < connection_count; i++) {
        struct connection *connection = &connections[i];
        connection->publisher = i >= members;
        connection->room = connection->publisher ? (i - members) / options.senders : i / options.members;
        connection->place = connection->publisher ? (i - members) % options.senders : i % options.members;
        connection->due = calloc(strncmp(options.mode, "acks", 4) == 0 ? ACKS_WAITING : 1, sizeof(double));
    }
}

void queue_bytes(struct connection *connection, const void *bytes, size_t count) {
    if (connection->queued + count > connection->out_capacity) {
        connection->out_capacity = 2 * (connection->queued + count);
        connection->out = realloc(connection->out, connection->out_capacity);
    }
    memcpy(connection->out + connection->queued, bytes, count);
    connection->queued += count;
    if (!connection->dirty) connection->dirty = true, dirty[dirty_count++] = connection - connections;
}

static void flush(void) {
    int left = 0;
    for (int i = 0; i < dirty_count; i++) {
        struct connection *connection = &connections[dirty[i]];
        ssize_t sent = send(connection->socket, connection->out, connection->queued, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) fail("send: %s", strerror(errno));
        if (sent > 0) {
            connection->queued -= sent;
            memmove(connection->out, connection->out + sent, connection->queued);
        }
        if (connection->queued) dirty[left++] = dirty[i];
        else connection->dirty = false;
    }
    dirty_count = left;
}

void watch(struct connection *connection, bool on) {
    if (connection->watched == on) return;
    connection->watched = on;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
    if (epoll_ctl(poller, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, connection->socket, &event)) fail("epoll_ctl: %s", strerror(errno));
}

/* The handshake of TCP on loopback ends in the kernel, whatever the server does; so this does not wait. */
void connect_next(void) {
    struct connection *connection = &connections[started++];
    connection->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->socket < 0) fail("socket: %s", strerror(errno));
    int on = 1;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (options.receive_buffer)
        setsockopt(connection->socket, SOL_SOCKET, SO_RCVBUFFORCE, &options.receive_buffer, sizeof options.receive_buffer);
    /* Closing resets, so that no port is left waiting for the next case. */
    setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof address)) fail("connect: %s", strerror(errno));
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    watch(connection, true);
    queue_request(connection);
}

void connect_all(void) {
    double deadline = now() + 120;
    while (ready_count < connection_count) {
        while (started < connection_count && started - ready_count < options.at_once) connect_next();
        turn(0.1);
        if (now() > deadline) fail("%d of %d connections were let in", ready_count, connection_count);
    }
}

void close_all(void) {
    for (int i = 0; i < started; i++) close(connections[i].socket);
}

/* Waits for events at most so many seconds, reads each ready socket once, and sends what was queued meanwhile. */
void turn(double timeout) {
    static unsigned char buffer[ROOM_FOR_REST + READ];
    static struct epoll_event events[EVENTS];
    flush();
    if (options.spin || timeout < 0) timeout = 0;
    if (dirty_count && timeout > 1e-3) timeout = 1e-3;
    struct timespec limit = { (time_t)timeout, (long)(1e9 * (timeout - (time_t)timeout)) };
    int count = epoll_pwait2(poller, events, EVENTS, &limit, NULL);
    if (count < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
        for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        ssize_t got = recv(connection->socket, buffer + ROOM_FOR_REST, READ, 0);
        instant = now();
        if (got < 0 && errno == EAGAIN) continue;
        if (got <= 0) fail("connection %d of room %d: %s", connection->place, connection->room, got ? strerror(errno) : "closed by the server");
        size_t kept = connection->kept;
        if (kept > ROOM_FOR_REST) fail("a frame of more than %d bytes", ROOM_FOR_REST);
        if (kept) memcpy(buffer + ROOM_FOR_REST - kept, connection->rest, kept);
        received(connection, buffer + ROOM_FOR_REST - kept, buffer + ROOM_FOR_REST + got);
    }
    if (count > 0) last_bytes = instant;
    flush();
}

/* Until nothing has come for so long. */
void quiet(double seconds) {
    double deadline = now() + 60;
    last_bytes = now();
    while (now() - last_bytes < seconds) {
        turn(0.02);
        if (now() > deadline) fail("the server does not become quiet");
    }
}
