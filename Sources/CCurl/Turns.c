#include "Driver.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEP_MS = 20, IDLE_MS = 60000 };

static void answer(struct ccurl_driver *driver, struct transfer *transfer, const ccurl_answer *answer) {
    driver->done(transfer->context, answer);
    free(transfer);
}

static void fail(struct ccurl_driver *driver, struct transfer *transfer, int code, const char *reason) {
    answer(driver, transfer, &(ccurl_answer){.code = code, .reason = reason});
}

static struct origin *origin_of(struct ccurl_driver *driver, const char *url) {
    const char *end = strstr(url, "://");
    end = end ? strpbrk(end + 3, "/?") : NULL;
    size_t length = end ? (size_t)(end - url) : strlen(url);
    for (struct origin *origin = driver->origins; origin; origin = origin->next)
        if (origin->length == length && memcmp(origin->name, url, length) == 0) return origin;
    struct origin *origin = calloc(1, sizeof *origin + length);
    if (!origin) return NULL;
    memcpy(origin->name, url, length);
    origin->length = length;
    origin->next = driver->origins;
    return driver->origins = origin;
}

static void start(struct ccurl_driver *driver, struct transfer *transfer) {
    int64_t left = transfer->deadline - now_ms();
    if (left <= 0) {
        fail(driver, transfer, CODE_TIMED_OUT, "timed out");
        return;
    }
    struct slot *slot = driver->free;
    if (slot) driver->free = slot->next;
    else slot = ccurl_slot_make(&driver->options);
    if (!slot) {
        fail(driver, transfer, CODE_OUT_OF_MEMORY, "out of memory");
        return;
    }
    slot->transfer = transfer;
    ccurl_slot_prepare(slot, (long)left);
    slot->next = driver->running;
    driver->running = slot;
    transfer->origin->running++;
    int code = curl.multi_add(driver->multi, slot->handle);
    // Only want of memory refuses a handle that is in no multi.
    if (code != 0) abort();
}

static void start_waiting(struct ccurl_driver *driver, struct origin *origin) {
    while (origin->first && origin->running < driver->options.max_connections) {
        struct transfer *transfer = origin->first;
        origin->first = transfer->next;
        driver->waiting--;
        start(driver, transfer);
    }
}

static void finish(struct ccurl_driver *driver, struct slot *slot, int code, const char *reason) {
    struct transfer *transfer = slot->transfer;
    long status = 0;
    curl.getinfo(slot->handle, INFO_RESPONSE_CODE, &status);
    curl.multi_remove(driver->multi, slot->handle);
    struct slot **place = &driver->running;
    while (*place != slot) place = &(*place)->next;
    *place = slot->next;
    transfer->origin->running--;
    if (slot->exceeded) code = CCURL_TOO_LARGE;
    if (code == CODE_OK) {
        answer(driver, transfer, &(ccurl_answer){
            .status = status, .head = slot->head.bytes, .head_size = slot->head.count, .body = slot->body.bytes,
            .body_size = slot->body.count});
    } else {
        fail(driver, transfer, code, reason ? reason : slot->error[0] ? slot->error : curl.strerror(code));
    }
    ccurl_slot_empty(slot);
    slot->next = driver->free;
    driver->free = slot;
}

/// Ends the waiting transfers that `ends` names.
static void drop_waiting(
    struct ccurl_driver *driver, int (*ends)(const struct transfer *, const void *), const void *argument, int code,
    const char *reason) {
    for (struct origin *origin = driver->origins; origin; origin = origin->next) {
        struct transfer **place = &origin->first;
        struct transfer *last = NULL;
        while (*place) {
            struct transfer *transfer = *place;
            if (ends(transfer, argument)) {
                *place = transfer->next;
                driver->waiting--;
                fail(driver, transfer, code, reason);
            } else {
                last = transfer;
                place = &transfer->next;
            }
        }
        origin->last = last;
    }
}

static int is_late(const struct transfer *transfer, const void *now) { return transfer->deadline <= *(const int64_t *)now; }
static int has_id(const struct transfer *transfer, const void *id) { return transfer->id == *(const uint64_t *)id; }
static int is_any(const struct transfer *transfer, const void *unused) {
    (void)transfer, (void)unused;
    return 1;
}

static void cancel(struct ccurl_driver *driver, uint64_t id) {
    for (struct slot *slot = driver->running; slot; slot = slot->next) {
        if (slot->transfer->id != id) continue;
        struct origin *origin = slot->transfer->origin;
        finish(driver, slot, CCURL_CANCELLED, "cancelled");
        start_waiting(driver, origin);
        return;
    }
    drop_waiting(driver, has_id, &id, CCURL_CANCELLED, "cancelled");
}

static void sweep(struct ccurl_driver *driver) {
    int64_t now = now_ms();
    if (driver->waiting == 0 || now - driver->swept < SWEEP_MS) return;
    driver->swept = now;
    drop_waiting(driver, is_late, &now, CODE_TIMED_OUT, "timed out");
}

static void forget_idle_origins(struct ccurl_driver *driver) {
    struct origin **place = &driver->origins;
    while (*place) {
        struct origin *origin = *place;
        if (origin->running || origin->first) {
            place = &origin->next;
        } else {
            *place = origin->next;
            free(origin);
        }
    }
}

static void accept_transfers(struct ccurl_driver *driver, struct transfer *arrived) {
    while (arrived) {
        struct transfer *transfer = arrived;
        arrived = transfer->next;
        transfer->next = NULL;
        struct origin *origin = transfer->origin = origin_of(driver, transfer->url);
        if (!origin) {
            fail(driver, transfer, CODE_OUT_OF_MEMORY, "out of memory");
            continue;
        }
        if (origin->first) origin->last->next = transfer;
        else origin->first = transfer;
        origin->last = transfer;
        driver->waiting++;
        start_waiting(driver, origin);
    }
}

/// One turn: what was handed over, what the sockets have, what has ended.
static void turn(struct ccurl_driver *driver, struct transfer *arrived, const uint64_t *cancelled, size_t count) {
    accept_transfers(driver, arrived);
    for (size_t index = 0; index < count; index++) cancel(driver, cancelled[index]);
    int running, left;
    curl.multi_perform(driver->multi, &running);
    struct curl_message *message;
    while ((message = curl.multi_read(driver->multi, &left))) {
        struct slot *slot = NULL;
        int code = message->data.result;
        curl.getinfo(message->handle, INFO_PRIVATE, &slot);
        struct origin *origin = slot->transfer->origin;
        finish(driver, slot, code, NULL);
        start_waiting(driver, origin);
    }
    sweep(driver);
    if (!driver->running) forget_idle_origins(driver);
}

static void end_transfers(struct ccurl_driver *driver, struct transfer *arrived) {
    driver->options.max_connections = 0;
    accept_transfers(driver, arrived);
    drop_waiting(driver, is_any, NULL, CCURL_CANCELLED, "cancelled");
    while (driver->running) finish(driver, driver->running, CCURL_CANCELLED, "cancelled");
    forget_idle_origins(driver);
}

void *ccurl_run(void *argument) {
    struct ccurl_driver *driver = argument;
    // Swapped with the driver's list, so that neither is allocated anew.
    uint64_t *cancelled = NULL;
    size_t cancelled_capacity = 0;
    for (;;) {
        pthread_mutex_lock(&driver->mutex);
        struct transfer *arrived = driver->arrived;
        driver->arrived = driver->arrived_last = NULL;
        uint64_t *taken = driver->cancelled;
        size_t count = driver->cancelled_count, capacity = driver->cancelled_capacity;
        driver->cancelled = cancelled;
        driver->cancelled_capacity = cancelled_capacity;
        driver->cancelled_count = 0;
        driver->is_polling = 0;
        int is_stopping = driver->is_stopping, is_exiting = driver->is_exiting;
        pthread_mutex_unlock(&driver->mutex);
        cancelled = taken;
        cancelled_capacity = capacity;
        if (is_stopping) {
            // Nobody may begin anything, such as another attempt, while the process ends.
            if (!is_exiting) end_transfers(driver, arrived);
            break;
        }
        turn(driver, arrived, cancelled, count);

        pthread_mutex_lock(&driver->mutex);
        int is_polling = driver->is_polling = !driver->arrived && driver->cancelled_count == 0 && !driver->is_stopping;
        pthread_mutex_unlock(&driver->mutex);
        if (is_polling) curl.multi_poll(driver->multi, NULL, 0, driver->waiting ? SWEEP_MS : IDLE_MS, NULL);
    }
    free(cancelled);
    return NULL;
}
