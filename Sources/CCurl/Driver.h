#ifndef CCURL_DRIVER_H
#define CCURL_DRIVER_H

#include "CCurl.h"
#include "Library.h"

#include <pthread.h>
#include <time.h>

struct buffer {
    uint8_t *bytes;
    size_t count, capacity;
};

/// One exchange, from its submission to its answer; its texts and list nodes lie behind it in one piece of memory.
struct transfer {
    struct transfer *next;
    struct origin *origin;
    struct curl_slist *fields;
    char *url, *method;
    const uint8_t *body;
    size_t body_size;
    int64_t deadline;  // milliseconds of the monotonic clock
    uint64_t id;
    void *context;
};

/// Scheme, host and port: what connections are kept, and counted, for.
struct origin {
    struct origin *next;
    struct transfer *first, *last;
    size_t running, length;
    char name[];
};

/// An easy handle with its buffers, used again by one transfer after the other.
struct slot {
    struct slot *next;
    CURL *handle;
    struct transfer *transfer;
    size_t body_limit;
    struct buffer head, body;
    int exceeded;
    char error[ERROR_SIZE];
};

struct ccurl_driver {
    ccurl_options options;
    ccurl_done *done;
    CURLM *multi;
    pthread_t thread;
    struct ccurl_driver *next;  // in the registry, under its mutex

    pthread_mutex_t mutex;  // what follows is handed over under it
    struct transfer *arrived, *arrived_last;
    uint64_t *cancelled;
    size_t cancelled_count, cancelled_capacity;
    int is_polling, is_stopping, is_exiting;

    struct origin *origins;  // and what follows is the thread's own
    struct slot *free, *running;
    size_t waiting;
    int64_t swept;
};

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


/// The driver's thread, from its start to its end.
void *ccurl_run(void *driver);

struct slot *ccurl_slot_make(const ccurl_options *options);
void ccurl_slot_free(struct slot *slot);

/// Sets the handle to what the slot's transfer asks for.
void ccurl_slot_prepare(struct slot *slot, long timeout_ms);

/// Makes the slot fit for the next transfer.
void ccurl_slot_empty(struct slot *slot);

#endif
