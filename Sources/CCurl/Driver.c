#include "Driver.h"

#include <stdlib.h>
#include <string.h>

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
        int failure = pthread_create(&driver->thread, NULL, ccurl_run, driver);
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
        ccurl_slot_free(slot);
    }
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
