#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// libcurl, found when it is first needed: nothing links against it, and its headers are not needed to build.
/// Returns 0, or -1 with the dynamic linker's words in `failure`.
int ccurl_load(char *failure, size_t size);

/// Begins `ccurl_load` on a thread beside, once in a process. Returns at once.
void ccurl_load_beside(void);

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

/// HTTP/1.1 exchanges side by side over connections that are kept, on one thread (curl's multi interface).
typedef struct ccurl_driver ccurl_driver;

typedef struct {
    /// A PEM file, or null for curl's own.
    const char *authorities;
    /// For each scheme, host and port; what is more waits its turn.
    size_t max_connections;
    long connect_timeout_ms;
    size_t max_body_bytes;
} ccurl_options;

/// What `code` is beside a CURLcode.
enum { CCURL_TOO_LARGE = -1, CCURL_CANCELLED = -2 };

typedef struct {
    /// 0, a CURLcode, or one of the above with curl's words in `reason`.
    int code;
    const char *reason;
    long status;
    /// The status line and the field lines, as received.
    const uint8_t *head;
    size_t head_size;
    const uint8_t *body;
    size_t body_size;
} ccurl_answer;

/// Called once for each request on the driver's thread, which it must not hold up. The answer is gone when it returns.
typedef void ccurl_done(void *context, const ccurl_answer *answer);

/// Starts the thread. Null when there are no resources for one.
ccurl_driver *ccurl_open(const ccurl_options *options, ccurl_done *done);

typedef struct {
    /// What `ccurl_cancel` names it by.
    uint64_t id;
    /// The method, the URL, and `field_count` field lines (`Name: value`; `Name:` for one that curl shall not add), each
    /// ending with a NUL.
    const uint8_t *text;
    size_t text_size, field_count;
    const uint8_t *body;
    size_t body_size;
    /// From now to the whole answer, the time it waits for a connection included.
    long timeout_ms;
    void *context;
} ccurl_request;

/// Hands a request in; everything is copied. Returns -1 without memory: then there will be no answer.
int ccurl_submit(ccurl_driver *driver, const ccurl_request *request);

/// Ends a request with `CCURL_CANCELLED`, unless it has its answer.
void ccurl_cancel(ccurl_driver *driver, uint64_t id);

/// Ends what is under way with `CCURL_CANCELLED`, the thread, and the connections. Not to be called on the driver's thread.
void ccurl_end(ccurl_driver *driver);

/// Joins every driver's thread, as the end of the process does: OpenSSL takes itself down then, and no thread may be inside it.
void ccurl_stop_drivers(void);

#endif
