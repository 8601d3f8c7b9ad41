/* Usage: client --protocol P --port N --pids LIST --mode messages|acks|unread|idle|connect [--rooms N] … ; a line of JSON for each run. */

#define _GNU_SOURCE
#include "client.h"
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct options options = {
    .mode = "messages", .rooms = 10, .members = 100, .senders = 1, .outstanding = 4, .runs = 1, .at_once = 64, .warm = 0.5, .seconds = 2,
};

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("client: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static enum protocol protocol_named(const char *name) {
    static const char *names[] = { "muster", "nats", "nchan", "ws", "raw" };
    for (int i = 0; i < 5; i++) if (strcmp(names[i], name) == 0) return i;
    fail("no protocol %s", name);
}

int main(int count, char **arguments) {
    static const struct option known[] = {
        { "protocol", 1, 0, 'P' }, { "port", 1, 0, 'p' }, { "pids", 1, 0, 'i' }, { "mode", 1, 0, 'm' }, { "rooms", 1, 0, 'r' },
        { "members", 1, 0, 'n' }, { "senders", 1, 0, 's' }, { "outstanding", 1, 0, 'o' }, { "rate", 1, 0, 'R' }, { "warm", 1, 0, 'w' },
        { "seconds", 1, 0, 't' }, { "runs", 1, 0, 'N' }, { "at-once", 1, 0, 'a' }, { "tokens", 1, 0, 'T' }, { "probes", 1, 0, 'b' },
        { "receive-buffer", 1, 0, 'B' }, { "spin", 0, 0, 'S' }, { 0 },
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 'P': options.protocol = protocol_named(optarg); break;
        case 'p': options.port = atoi(optarg); break;
        case 'i': measured_processes(optarg); break;
        case 'm': options.mode = optarg; break;
        case 'r': options.rooms = atoi(optarg); break;
        case 'n': options.members = atoi(optarg); break;
        case 's': options.senders = atoi(optarg); break;
        case 'o': options.outstanding = atoi(optarg); break;
        case 'R': options.rate = atof(optarg); break;
        case 'w': options.warm = atof(optarg); break;
        case 't': options.seconds = atof(optarg); break;
        case 'N': options.runs = atoi(optarg); break;
        case 'a': options.at_once = atoi(optarg); break;
        case 'T': options.tokens = optarg; break;
        case 'b': options.probes = atoi(optarg); break;
        case 'B': options.receive_buffer = atoi(optarg); break;
        case 'S': options.spin = true; break;
        default: return 64;
        }
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    prctl(PR_SET_TIMERSLACK, 1);
    run_case();
    return 0;
}
