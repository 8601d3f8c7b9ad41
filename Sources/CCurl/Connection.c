#include "CCurl.h"
#include "Library.h"

#include <stdio.h>
#include <stdlib.h>

struct ccurl_connection {
    CURL *handle;
    int descriptor;
    char error[ERROR_SIZE];
};

ccurl_connection *ccurl_connect(
    const char *url, const char *authorities, const char *source, long timeout_ms, int *code, char *failure, size_t size) {
    *code = CODE_OUT_OF_MEMORY;
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
    return code == CODE_AGAIN ? -1 : -2;
}

ssize_t ccurl_send(ccurl_connection *connection, const void *bytes, size_t size) {
    size_t count = 0;
    int code = curl.send(connection->handle, bytes, size, &count);
    if (code == 0 && count > 0) return (ssize_t)count;
    return code == 0 || code == CODE_AGAIN ? -1 : -2;
}

void ccurl_close(ccurl_connection *connection) {
    curl.cleanup(connection->handle);
    free(connection);
}
