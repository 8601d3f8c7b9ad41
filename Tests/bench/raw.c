/* The physical limit: one process that calls send() once per member and message, and does nothing else.

   Usage: raw PORT (0: any free one; printed as `raw: listening on PORT`).
   Frames are WebSocket frames of up to 125 bytes without a handshake; the first of a connection is its room's number and is answered. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAXIMUM = 65536, EVENTS = 256, BUFFER = 65536 };

struct room { int *members, count, capacity; };
struct client { int room; unsigned char rest[256]; int kept; };

static struct room rooms[MAXIMUM];
static struct client *clients[MAXIMUM];

static void die(const char *what) { perror(what); exit(1); }

static void send_whole(int socket, const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t sent = send(socket, from, count, MSG_NOSIGNAL);
        if (sent >= 0) { from += sent; count -= sent; continue; }
        if (errno != EAGAIN) return;
        poll(&(struct pollfd){ .fd = socket, .events = POLLOUT }, 1, -1);
    }
}

static void join(int socket, int number) {
    struct room *room = &rooms[number];
    if (room->count == room->capacity) {
        room->capacity = room->capacity ? 2 * room->capacity : 8;
        room->members = realloc(room->members, room->capacity * sizeof(int));
    }
    room->members[room->count++] = socket;
    clients[socket]->room = number;
    send_whole(socket, "\x81\x01J", 3);
}

static void leave(int socket) {
    struct client *client = clients[socket];
    if (client->room >= 0) {
        struct room *room = &rooms[client->room];
        for (int i = 0; i < room->count; i++)
            if (room->members[i] == socket) { room->members[i] = room->members[--room->count]; break; }
    }
    free(client);
    clients[socket] = NULL;
    close(socket);
}

static void frame(int socket, const unsigned char *mask, const unsigned char *payload, int length) {
    struct client *client = clients[socket];
    unsigned char out[128];
    out[0] = 0x81, out[1] = length;
    for (int i = 0; i < length; i++) out[2 + i] = payload[i] ^ mask[i & 3];
    if (client->room < 0) {
        out[2 + length] = 0;
        join(socket, atoi((char *)out + 2) & (MAXIMUM - 1));
        return;
    }
    struct room *room = &rooms[client->room];
    for (int i = 0; i < room->count; i++)
        if (room->members[i] != socket) send_whole(room->members[i], out, 2 + length);
}

static void readable(int socket) {
    static unsigned char buffer[BUFFER];
    struct client *client = clients[socket];
    memcpy(buffer, client->rest, client->kept);
    ssize_t got = recv(socket, buffer + client->kept, BUFFER - client->kept, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) leave(socket);
        return;
    }
    int end = client->kept + got, at = 0;
    while (end - at >= 6) {
        int length = buffer[at + 1] & 0x7F;
        if (length > 125) { leave(socket); return; }
        if (end - at < 6 + length) break;
        frame(socket, buffer + at + 2, buffer + at + 6, length);
        at += 6 + length;
    }
    client->kept = end - at;
    memcpy(client->rest, buffer + at, client->kept);
}

int main(int count, char **arguments) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons(count > 1 ? atoi(arguments[1]) : 0);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("raw: listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("raw: listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poller = epoll_create1(0);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int socket = events[i].data.fd;
            if (socket != listener) { readable(socket); continue; }
            int accepted;
            while ((accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (accepted >= MAXIMUM) { close(accepted); continue; }
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                clients[accepted] = calloc(1, sizeof(struct client));
                clients[accepted]->room = -1;
                epoll_ctl(poller, EPOLL_CTL_ADD, accepted, &(struct epoll_event){ .events = EPOLLIN, .data.fd = accepted });
            }
        }
    }
}
