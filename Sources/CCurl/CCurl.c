#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// From curl/curl.h, whose numbers are its ABI and never change.
typedef void CURL;
enum {
    OPT_URL = 10002, OPT_ERRORBUFFER = 10010, OPT_INTERFACE = 10062, OPT_CAINFO = 10065,
    OPT_HTTP_VERSION = 84, OPT_NOSIGNAL = 99, OPT_CONNECT_ONLY = 141, OPT_CONNECTTIMEOUT_MS = 156,
    HTTP_1_1 = 2, INFO_ACTIVESOCKET = 0x500000 + 44, GLOBAL_ALL = 3, AGAIN = 81, ERROR_SIZE = 256,
};

static struct {
    int (*global_init)(long);
    CURL *(*init)(void);
    int (*setopt)(CURL *, int, ...);
    int (*getinfo)(CURL *, int, ...);
    int (*perform)(CURL *);
    int (*receive)(CURL *, void *, size_t, size_t *);
    int (*send)(CURL *, const void *, size_t, size_t *);
    void (*cleanup)(CURL *);
    const char *(*strerror)(int);
} curl;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static int loaded;

struct ccurl_connection {
    CURL *handle;
    int descriptor;
    char error[ERROR_SIZE];
};

int ccurl_load(char *failure, size_t size) {
    pthread_mutex_lock(&loading);
    if (!loaded) {
        void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            const char *reason = dlerror();
            library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
            if (!library) snprintf(failure, size, "%s", reason ? reason : "unknown");
        }
        if (library) {
            struct { void *place; const char *name; } symbols[] = {
                {&curl.global_init, "curl_global_init"}, {&curl.init, "curl_easy_init"},
                {&curl.setopt, "curl_easy_setopt"}, {&curl.getinfo, "curl_easy_getinfo"},
                {&curl.perform, "curl_easy_perform"}, {&curl.receive, "curl_easy_recv"},
                {&curl.send, "curl_easy_send"}, {&curl.cleanup, "curl_easy_cleanup"},
                {&curl.strerror, "curl_easy_strerror"},
            };
            loaded = 1;
            for (size_t index = 0; index < sizeof symbols / sizeof *symbols; index++) {
                void *symbol = dlsym(library, symbols[index].name);
                if (!symbol) {
                    snprintf(failure, size, "libcurl has no %s", symbols[index].name);
                    loaded = 0;
                    break;
                }
                memcpy(symbols[index].place, &symbol, sizeof symbol);
            }
            if (loaded && curl.global_init(GLOBAL_ALL) != 0) {
                snprintf(failure, size, "curl_global_init failed");
                loaded = 0;
            }
        }
    }
    int result = loaded ? 0 : -1;
    pthread_mutex_unlock(&loading);
    return result;
}

ccurl_connection *ccurl_connect(
    const char *url, const char *authorities, const char *source, long timeout_ms, int *code, char *failure, size_t size) {
    *code = 27;  // CURLE_OUT_OF_MEMORY
    snprintf(failure, size, "out of memory");
    ccurl_connection *connection = calloc(1, sizeof *connection);
    if (!connection) return NULL;
    connection->handle = curl.init();
    if (!connection->handle) {
        free(connection);
        return NULL;
    }
    CURL *handle = connection->handle;
    curl.setopt(handle, OPT_URL, url);
    curl.setopt(handle, OPT_ERRORBUFFER, connection->error);
    curl.setopt(handle, OPT_CONNECT_ONLY, 1L);
    curl.setopt(handle, OPT_NOSIGNAL, 1L);
    // A WebSocket opens with HTTP/1.1: ALPN must not offer another.
    curl.setopt(handle, OPT_HTTP_VERSION, (long)HTTP_1_1);
    curl.setopt(handle, OPT_CONNECTTIMEOUT_MS, timeout_ms);
    if (authorities) curl.setopt(handle, OPT_CAINFO, authorities);
    if (source) curl.setopt(handle, OPT_INTERFACE, source);
    *code = curl.perform(handle);
    if (*code == 0) *code = curl.getinfo(handle, INFO_ACTIVESOCKET, &connection->descriptor);
    if (*code != 0) {
        snprintf(failure, size, "%s", connection->error[0] ? connection->error : curl.strerror(*code));
        ccurl_close(connection);
        return NULL;
    }
    return connection;
}

int ccurl_descriptor(const ccurl_connection *connection) { return connection->descriptor; }

ssize_t ccurl_receive(ccurl_connection *connection, void *bytes, size_t size) {
    size_t count = 0;
    int code = curl.receive(connection->handle, bytes, size, &count);
    if (code == 0) return (ssize_t)count;
    return code == AGAIN ? -1 : -2;
}

ssize_t ccurl_send(ccurl_connection *connection, const void *bytes, size_t size) {
    size_t count = 0;
    int code = curl.send(connection->handle, bytes, size, &count);
    if (code == 0 && count > 0) return (ssize_t)count;
    return code == 0 || code == AGAIN ? -1 : -2;
}

void ccurl_close(ccurl_connection *connection) {
    curl.cleanup(connection->handle);
    free(connection);
}
