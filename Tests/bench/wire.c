/* What goes over the wire, for each of the servers. */

#define _GNU_SOURCE
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *request_head =
    "Host: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";


void queue_text(struct connection *connection, const char *text, size_t length, int opcode) {
    /* A mask of zeros is a mask. */
    unsigned char head[8] = { 0x80 | opcode, 0x80 | length };
    size_t size = 6;
    if (length > 125) head[1] = 0x80 | 126, head[2] = length >> 8, head[3] = length, memset(head + 4, 0, 4), size = 8;
    queue_bytes(connection, head, size);
    queue_bytes(connection, text, length);
}

static void queue_raw_text(struct connection *connection, const char *text) { queue_bytes(connection, text, strlen(text)); }

void queue_request(struct connection *connection) {
    char line[2048];
    switch (options.protocol) {
    case MUSTER: {
        static FILE *tokens;
        char token[1024];
        if (!tokens && !(tokens = fopen(options.tokens, "r"))) fail("cannot read %s", options.tokens);
        if (!fgets(token, sizeof token, tokens)) fail("too few tokens in %s", options.tokens);
        token[strcspn(token, "\n")] = 0;
        snprintf(line, sizeof line, "GET /?token=%s HTTP/1.1\r\n%s", token, request_head);
        break;
    }
    case NATS: snprintf(line, sizeof line, "GET / HTTP/1.1\r\n%s", request_head); break;
    case NCHAN:
        snprintf(line, sizeof line, "GET /%s?id=r%d HTTP/1.1\r\n%s", connection->publisher ? "pub" : "sub", connection->room, request_head);
        break;
    case WS: snprintf(line, sizeof line, "GET /?room=r%d HTTP/1.1\r\n%s", connection->room, request_head); break;
    case RAW:
        connection->state = JOINING;
        queue_join(connection);
        return;
    }
    queue_raw_text(connection, line);
}

static void ready(struct connection *connection) {
    connection->state = READY;
    ready_count++;
}

void queue_join(struct connection *connection) {
    char text[256];
    int length = 0;
    switch (options.protocol) {
    case MUSTER: length = snprintf(text, sizeof text, "{\"action\":\"joinRoom\",\"roomId\":\"r%d\"}", connection->room); break;
    case NATS:
        length = snprintf(
            text, sizeof text, "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"protocol\":1}\r\nSUB r%d 1\r\nPING\r\n",
            connection->room);
        break;
    case RAW: length = snprintf(text, sizeof text, "%d", connection->room); break;
    case NCHAN: case WS: ready(connection); return;
    }
    queue_text(connection, text, length, options.protocol == NATS ? 2 : 1);
}

void queue_message(struct connection *connection, uint32_t number) {
    char text[256], body[BODY + 1];
    snprintf(body, sizeof body, MARKER "%08x%048d", number, 0);
    int length;
    switch (options.protocol) {
    case MUSTER:
        length = snprintf(text, sizeof text, "{\"action\":\"sendMessage\",\"roomId\":\"r%d\",\"body\":\"%s\"}", connection->room, body);
        break;
    case NATS: length = snprintf(text, sizeof text, "PUB r%d %d\r\n%s\r\n", connection->room, BODY, body); break;
    default: length = snprintf(text, sizeof text, "%s", body);
    }
    queue_text(connection, text, length, options.protocol == NATS ? 2 : 1);
}

static uint32_t number_of(const unsigned char *body) {
    uint32_t number = 0;
    for (const unsigned char *digit = body + 8; digit < body + 8 + NUMBER_DIGITS; digit++)
        number = number << 4 | (*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    return number;
}

static bool starts(const unsigned char *from, const unsigned char *end, const char *text) {
    size_t length = strlen(text);
    return (size_t)(end - from) >= length && memcmp(from, text, length) == 0;
}

/* NATS: one frame holds many lines; a MSG's payload follows its line. */
static void nats_lines(struct connection *connection, unsigned char *from, unsigned char *end) {
    while (from < end) {
        unsigned char *line = memchr(from, '\n', end - from);
        if (!line) fail("nats-server: a line in two frames");
        if (*from == 'M') {
            if (end - line < BODY + 3 || memcmp(line + 1, MARKER, 8)) fail("nats-server: a message in two frames");
            on_delivery(connection, number_of(line + 1));
            line += BODY + 2;
        } else if (starts(from, end, "PONG")) {
            if (connection->state == JOINING) ready(connection);
        } else if (starts(from, end, "PING")) {
            queue_text(connection, "PONG\r\n", 6, 2);
        } else if (starts(from, end, "-ERR")) {
            fail("nats-server: %.*s", (int)(line - from), from);
        }
        from = line + 1;
    }
}

/* Anything that is not a delivery at the place where the last one had its marker. */
static size_t seldom(struct connection *connection, unsigned char *from, unsigned char *end, size_t tail) {
    if (connection->state == JOINING && options.protocol == RAW) { ready(connection); return tail; }
    if (options.protocol == MUSTER) {
        if (starts(from, end, "{\"type\":\"ack\"")) { on_ack(connection); return tail; }
        if (starts(from, end, "{\"type\":\"presence\"")) return tail;
        if (starts(from, end, "{\"type\":\"joined\"")) { ready(connection); return tail; }
        if (starts(from, end, "{\"type\":\"heartbeat\"")) { on_heartbeat(); return tail; }
        if (!starts(from, end, "{\"type\":\"message\"")) fail("muster: %.*s", (int)(end - from), from);
    }
    unsigned char *marker = memmem(from, end - from, MARKER, 8);
    if (!marker) return tail;
    on_delivery(connection, number_of(marker));
    return end - marker;
}

/* All whole frames of what has arrived; the rest is kept for the next time. Frames of a server have no mask. */
void received(struct connection *connection, unsigned char *from, unsigned char *end) {
    static size_t tail = BODY;
    if (connection->state == UPGRADING) {
        unsigned char *head = memmem(from, end - from, "\r\n\r\n", 4);
        if (head) {
            if (!starts(from, end, "HTTP/1.1 101 ")) fail("refused: %.*s", (int)(end - from), from);
            from = head + 4;
            connection->state = JOINING;
            queue_join(connection);
        }
    }
    while (connection->state != UPGRADING && end - from >= 2) {
        size_t length = from[1], head = 2;
        if (length == 126) {
            if (end - from < 4) break;
            length = (size_t)from[2] << 8 | from[3], head = 4;
        } else if (length == 127) {
            if (end - from < 10) break;
            length = 0, head = 10;
            for (int i = 2; i < 10; i++) length = length << 8 | from[i];
        }
        if ((size_t)(end - from) < head + length) break;
        unsigned char *payload = from + head, *after = payload + length;
        if ((*from & 0x0F) == 8) fail("the server closed a connection: %.*s", (int)length, payload);
        if ((*from & 0x0F) == 9) queue_text(connection, (char *)payload, length, 10);
        else if (options.protocol == NATS) nats_lines(connection, payload, after);
        else if (length >= tail && memcmp(after - tail, MARKER, 8) == 0) on_delivery(connection, number_of(after - tail));
        else tail = seldom(connection, payload, after, tail);
        from = after;
    }
    connection->kept = end - from;
    if (connection->kept > connection->rest_capacity) {
        connection->rest_capacity = 2 * connection->kept;
        connection->rest = realloc(connection->rest, connection->rest_capacity);
    }
    memcpy(connection->rest, from, connection->kept);
}
