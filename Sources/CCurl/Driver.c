#include "CCurl.h"
#include "Library.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HEAD_LIMIT = 256 << 10, KEPT_BUFFER = 64 << 10, SWEEP_MS = 20, IDLE_MS = 60000 };

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

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int append(struct buffer *buffer, const void *bytes, size_t count) {
    if (buffer->count + count > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : 1024;
        while (capacity < buffer->count + count) capacity *= 2;
        uint8_t *grown = realloc(buffer->bytes, capacity);
        if (!grown) return -1;
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    return 0;
}

static void empty(struct buffer *buffer) {
    buffer->count = 0;
    if (buffer->capacity <= KEPT_BUFFER) return;
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
    struct slot *slot = context;
    count *= size;
    slot->exceeded = count > slot->body_limit - slot->body.count;
    return slot->exceeded || append(&slot->body, bytes, count) ? 0 : count;
}

static size_t take_head(char *bytes, size_t size, size_t count, void *context) {
    struct slot *slot = context;
    count *= size;
    // An interim answer's head was not the one.
    if (count >= 5 && memcmp(bytes, "HTTP/", 5) == 0) slot->head.count = 0;
    slot->exceeded = count > HEAD_LIMIT - slot->head.count;
    return slot->exceeded || append(&slot->head, bytes, count) ? 0 : count;
}

// Slots

static struct slot *make_slot(struct ccurl_driver *driver) {
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    CURL *handle = slot->handle = curl.init();
    if (!handle) {
        free(slot);
        return NULL;
    }
    slot->body_limit = driver->options.max_body_bytes;
    curl.setopt(handle, OPT_PRIVATE, slot);
    curl.setopt(handle, OPT_ERRORBUFFER, slot->error);
    curl.setopt(handle, OPT_WRITEFUNCTION, take_body);
    curl.setopt(handle, OPT_WRITEDATA, slot);
    curl.setopt(handle, OPT_HEADERFUNCTION, take_head);
    curl.setopt(handle, OPT_HEADERDATA, slot);
    curl.setopt(handle, OPT_NOSIGNAL, 1L);
    curl.setopt(handle, OPT_TCP_NODELAY, 1L);
    curl.setopt(handle, OPT_TCP_KEEPALIVE, 1L);
    curl.setopt(handle, OPT_HTTP_VERSION, (long)HTTP_1_1);
    curl.setopt(handle, OPT_PROTOCOLS, (long)PROTOCOLS_HTTP_AND_HTTPS);
    curl.setopt(handle, OPT_CONNECTTIMEOUT_MS, driver->options.connect_timeout_ms);
    // The path is signed as it is given.
    curl.setopt(handle, OPT_PATH_AS_IS, 1L);
    // Or a name server that does not answer would hold up the thread, and with it every other transfer, beyond the timeout.
    curl.setopt(handle, OPT_QUICK_EXIT, 1L);
    if (driver->options.authorities) curl.setopt(handle, OPT_CAINFO, driver->options.authorities);
    return slot;
}

static void free_slot(struct slot *slot) {
    curl.cleanup(slot->handle);
    free(slot->head.bytes);
    free(slot->body.bytes);
    free(slot);
}

static void set_method(CURL *handle, const struct transfer *transfer) {
    const char *method = transfer->method;
    curl.setopt(handle, OPT_NOBODY, 0L);
    // These announce the length of their body, even of none.
    if (transfer->body_size > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        curl.setopt(handle, OPT_POST, 1L);
        curl.setopt(handle, OPT_POSTFIELDS, transfer->body);
        curl.setopt(handle, OPT_POSTFIELDSIZE, (long)transfer->body_size);
        curl.setopt(handle, OPT_CUSTOMREQUEST, strcmp(method, "POST") == 0 ? NULL : method);
    } else {
        curl.setopt(handle, OPT_HTTPGET, 1L);
        if (strcmp(method, "HEAD") == 0) curl.setopt(handle, OPT_NOBODY, 1L);
        curl.setopt(handle, OPT_CUSTOMREQUEST, strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ? NULL : method);
    }
}

// Transfers

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
    else slot = make_slot(driver);
    if (!slot) {
        fail(driver, transfer, CODE_OUT_OF_MEMORY, "out of memory");
        return;
    }
    slot->transfer = transfer;
    slot->error[0] = 0;
    slot->exceeded = 0;
    set_method(slot->handle, transfer);
    curl.setopt(slot->handle, OPT_URL, transfer->url);
    curl.setopt(slot->handle, OPT_HTTPHEADER, transfer->fields);
    curl.setopt(slot->handle, OPT_TIMEOUT_MS, (long)left);
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
    slot->transfer = NULL;
    empty(&slot->head);
    empty(&slot->body);
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
}

static void *run(void *argument) {
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

// Called from any thread

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;
static struct ccurl_driver *registry;

ccurl_driver *ccurl_open(const ccurl_options *options, ccurl_done *done) {
    struct ccurl_driver *driver = calloc(1, sizeof *driver);
    if (!driver) return NULL;
    driver->options = *options;
    driver->done = done;
    pthread_mutex_init(&driver->mutex, NULL);
    if (options->authorities) driver->options.authorities = strdup(options->authorities);
    driver->multi = curl.multi_init();
    if (driver->multi) {
        curl.multi_setopt(driver->multi, MULTI_OPT_MAXCONNECTS, (long)(2 * options->max_connections));
        pthread_mutex_lock(&registering);
        int failure = pthread_create(&driver->thread, NULL, run, driver);
        if (failure == 0) {
            driver->next = registry;
            registry = driver;
        }
        pthread_mutex_unlock(&registering);
        if (failure == 0) return driver;
        curl.multi_cleanup(driver->multi);
    }
    free((void *)driver->options.authorities);
    free(driver);
    return NULL;
}

static void wake(struct ccurl_driver *driver) {
    int is_polling = driver->is_polling;
    driver->is_polling = 0;
    if (is_polling) curl.multi_wakeup(driver->multi);
}

static char *next_text(char **place) {
    char *text = *place;
    *place += strlen(text) + 1;
    return text;
}

int ccurl_submit(ccurl_driver *driver, const ccurl_request *request) {
    size_t nodes = request->field_count * sizeof(struct curl_slist);
    struct transfer *transfer = malloc(sizeof *transfer + nodes + request->text_size + request->body_size);
    if (!transfer) return -1;
    struct curl_slist *node = (struct curl_slist *)(transfer + 1);
    char *text = (char *)transfer + sizeof *transfer + nodes;
    uint8_t *body = (uint8_t *)text + request->text_size;
    memcpy(text, request->text, request->text_size);
    if (request->body_size) memcpy(body, request->body, request->body_size);
    *transfer = (struct transfer){
        .fields = request->field_count ? node : NULL, .body = body, .body_size = request->body_size,
        .deadline = now_ms() + request->timeout_ms, .id = request->id, .context = request->context};
    transfer->method = next_text(&text);
    transfer->url = next_text(&text);
    for (size_t index = 0; index < request->field_count; index++)
        node[index] = (struct curl_slist){next_text(&text), index + 1 < request->field_count ? &node[index + 1] : NULL};

    pthread_mutex_lock(&driver->mutex);
    if (driver->arrived) driver->arrived_last->next = transfer;
    else driver->arrived = transfer;
    driver->arrived_last = transfer;
    wake(driver);
    pthread_mutex_unlock(&driver->mutex);
    return 0;
}

void ccurl_cancel(ccurl_driver *driver, uint64_t id) {
    pthread_mutex_lock(&driver->mutex);
    if (driver->cancelled_count == driver->cancelled_capacity) {
        size_t capacity = driver->cancelled_capacity ? 2 * driver->cancelled_capacity : 16;
        uint64_t *grown = realloc(driver->cancelled, capacity * sizeof *grown);
        if (!grown) abort();
        driver->cancelled = grown;
        driver->cancelled_capacity = capacity;
    }
    driver->cancelled[driver->cancelled_count++] = id;
    wake(driver);
    pthread_mutex_unlock(&driver->mutex);
}

static void stop(struct ccurl_driver *driver, int is_exiting) {
    pthread_mutex_lock(&driver->mutex);
    driver->is_stopping = 1;
    driver->is_exiting = is_exiting;
    curl.multi_wakeup(driver->multi);
    pthread_mutex_unlock(&driver->mutex);
    pthread_join(driver->thread, NULL);
}

void ccurl_end(ccurl_driver *driver) {
    pthread_mutex_lock(&registering);
    struct ccurl_driver **place = &registry;
    while (*place && *place != driver) place = &(*place)->next;
    int is_ours = *place != NULL;
    if (is_ours) *place = driver->next;
    pthread_mutex_unlock(&registering);
    // The end of the process has it.
    if (!is_ours) return;
    stop(driver, 0);
    while (driver->free) {
        struct slot *slot = driver->free;
        driver->free = slot->next;
        free_slot(slot);
    }
    forget_idle_origins(driver);
    curl.multi_cleanup(driver->multi);
    pthread_mutex_destroy(&driver->mutex);
    free(driver->cancelled);
    free((void *)driver->options.authorities);
    free(driver);
}

void ccurl_stop_drivers(void) {
    pthread_mutex_lock(&registering);
    struct ccurl_driver *driver = registry;
    registry = NULL;
    pthread_mutex_unlock(&registering);
    for (; driver; driver = driver->next) stop(driver, 1);
}
