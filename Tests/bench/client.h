/* The bench's client: as little work per delivery as a WebSocket client can do, so that the server is what is measured. */

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum protocol { MUSTER, NATS, NCHAN, WS, RAW };
enum state { UPGRADING, JOINING, READY };

/* Every body is this many bytes: the marker, the message's number in eight hexadecimal digits, and padding. */
enum { BODY = 64, NUMBER_DIGITS = 8 };
#define MARKER "@bench:@"

/* Messages in flight at most, and a power of two. */
enum { FLIGHT = 1 << 20, ACKS_WAITING = 256 };

struct connection {
    int socket, room, place;
    enum state state;
    bool publisher, dirty, watched;
    uint32_t delivered, sent;
    unsigned char *rest, *out;
    size_t kept, rest_capacity, queued, out_capacity;
    /* When the messages that are not acknowledged yet were due, oldest first. */
    double *due;
    uint32_t acked, asked;
};

struct options {
    enum protocol protocol;
    const char *mode, *tokens;
    int port, rooms, members, senders, outstanding, runs, at_once, probes, receive_buffer;
    double rate, warm, seconds;
    bool spin;
};

extern struct options options;
extern struct connection *connections;
extern int connection_count, ready_count;
/* When the bytes that are being read were received. */
extern double instant;

/* connections.c */
struct connection *member(int room, int place);
struct connection *sender(int room, int place);
void prepare(int members, int publishers);
void connect_next(void);
void connect_all(void);
void close_all(void);
void watch(struct connection *connection, bool on);
void turn(double timeout);
void quiet(double seconds);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* wire.c */
void queue_request(struct connection *connection);
void queue_join(struct connection *connection);
void queue_message(struct connection *connection, uint32_t number);
void queue_bytes(struct connection *connection, const void *bytes, size_t count);
void queue_text(struct connection *connection, const char *text, size_t length, int opcode);
void received(struct connection *connection, unsigned char *from, unsigned char *end);

/* cases.c */
void run_case(void);
void on_delivery(struct connection *connection, uint32_t number);
void on_ack(struct connection *connection);
void on_heartbeat(void);

/* figures.c */
double now(void);
void measured_processes(const char *list);
double server_cpu(void);
double server_resident(void);
double own_cpu(void);
void note_latency(double seconds);
double percentile(double share);
void forget_latencies(void);
