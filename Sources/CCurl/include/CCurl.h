#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <sys/types.h>

/// libcurl, found when it is first needed: nothing links against it, and its headers are not needed to build.
/// Returns 0, or -1 with the dynamic linker's words in `failure`.
int ccurl_load(char *failure, size_t size);

/// One connection, TLS included, over which the caller speaks as it likes (CURLOPT_CONNECT_ONLY).
typedef struct ccurl_connection ccurl_connection;

/// Connects, verifies the certificate for the URL's host, and returns when both are done. Blocks the calling thread.
/// `authorities` (a PEM file) and `source` (a local address) may be null.
/// Returns null with curl's words in `failure`, and the CURLcode in `code`.
ccurl_connection *ccurl_connect(
    const char *url, const char *authorities, const char *source, long timeout_ms, int *code, char *failure, size_t size);

/// The socket, for epoll. It is non-blocking.
int ccurl_descriptor(const ccurl_connection *connection);

/// Bytes received; 0 at the end of the connection, -1 when there are none yet, -2 for any failure.
ssize_t ccurl_receive(ccurl_connection *connection, void *bytes, size_t size);

/// Bytes taken; -1 when none can be taken yet, -2 for any failure.
ssize_t ccurl_send(ccurl_connection *connection, const void *bytes, size_t size);

/// Closes the socket and frees everything.
void ccurl_close(ccurl_connection *connection);

#endif
