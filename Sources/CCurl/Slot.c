#include "Driver.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_LIMIT = 256 << 10, KEPT_BUFFER = 64 << 10 };

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

struct slot *ccurl_slot_make(const ccurl_options *options) {
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot) return NULL;
    CURL *handle = slot->handle = curl.init();
    if (!handle) {
        free(slot);
        return NULL;
    }
    slot->body_limit = options->max_body_bytes;
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
    curl.setopt(handle, OPT_CONNECTTIMEOUT_MS, options->connect_timeout_ms);
    // The path is signed as it is given.
    curl.setopt(handle, OPT_PATH_AS_IS, 1L);
    // Or a name server that does not answer would hold up the thread, and with it every other transfer, beyond the timeout.
    curl.setopt(handle, OPT_QUICK_EXIT, 1L);
    if (options->authorities) curl.setopt(handle, OPT_CAINFO, options->authorities);
    return slot;
}

void ccurl_slot_free(struct slot *slot) {
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

void ccurl_slot_prepare(struct slot *slot, long timeout_ms) {
    slot->error[0] = 0;
    slot->exceeded = 0;
    set_method(slot->handle, slot->transfer);
    curl.setopt(slot->handle, OPT_URL, slot->transfer->url);
    curl.setopt(slot->handle, OPT_HTTPHEADER, slot->transfer->fields);
    curl.setopt(slot->handle, OPT_TIMEOUT_MS, timeout_ms);
}

void ccurl_slot_empty(struct slot *slot) {
    slot->transfer = NULL;
    empty(&slot->head);
    empty(&slot->body);
}
