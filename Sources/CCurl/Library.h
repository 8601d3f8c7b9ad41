#ifndef CCURL_LIBRARY_H
#define CCURL_LIBRARY_H

#include <stddef.h>

// From curl/curl.h and curl/multi.h, whose numbers are its ABI and never change.
typedef void CURL;
typedef void CURLM;

enum {
    OPT_PRIVATE = 10103, OPT_URL = 10002, OPT_ERRORBUFFER = 10010, OPT_POSTFIELDS = 10015, OPT_HTTPHEADER = 10023,
    OPT_WRITEDATA = 10001, OPT_HEADERDATA = 10029, OPT_CUSTOMREQUEST = 10036, OPT_INTERFACE = 10062, OPT_CAINFO = 10065,
    OPT_WRITEFUNCTION = 20011, OPT_HEADERFUNCTION = 20079,
    OPT_NOBODY = 44, OPT_POST = 47, OPT_POSTFIELDSIZE = 60, OPT_HTTPGET = 80, OPT_HTTP_VERSION = 84, OPT_NOSIGNAL = 99,
    OPT_TCP_NODELAY = 121, OPT_CONNECT_ONLY = 141, OPT_TIMEOUT_MS = 155, OPT_CONNECTTIMEOUT_MS = 156, OPT_PROTOCOLS = 181,
    OPT_TCP_KEEPALIVE = 213, OPT_PATH_AS_IS = 234, OPT_QUICK_EXIT = 322,
    HTTP_1_1 = 2, PROTOCOLS_HTTP_AND_HTTPS = 3,
    INFO_RESPONSE_CODE = 0x200000 + 2, INFO_PRIVATE = 0x100000 + 21, INFO_ACTIVESOCKET = 0x500000 + 44,
    GLOBAL_ALL = 3, ERROR_SIZE = 256, MULTI_OPT_MAXCONNECTS = 6,
    CODE_OK = 0, CODE_OUT_OF_MEMORY = 27, CODE_TIMED_OUT = 28, CODE_AGAIN = 81,
};

struct curl_slist {
    char *data;
    struct curl_slist *next;
};

struct curl_message {
    int kind;  // CURLMSG_DONE, 1, is the only one there is
    CURL *handle;
    union {
        void *whatever;
        int result;
    } data;
};

/// libcurl's functions; to be called after `ccurl_load` has returned 0.
extern struct curl_library {
    int (*global_init)(long);
    CURL *(*init)(void);
    int (*setopt)(CURL *, int, ...);
    int (*getinfo)(CURL *, int, ...);
    int (*perform)(CURL *);
    int (*receive)(CURL *, void *, size_t, size_t *);
    int (*send)(CURL *, const void *, size_t, size_t *);
    void (*cleanup)(CURL *);
    const char *(*strerror)(int);
    CURLM *(*multi_init)(void);
    int (*multi_setopt)(CURLM *, int, ...);
    int (*multi_add)(CURLM *, CURL *);
    int (*multi_remove)(CURLM *, CURL *);
    int (*multi_perform)(CURLM *, int *);
    int (*multi_poll)(CURLM *, void *, unsigned, int, int *);
    int (*multi_wakeup)(CURLM *);
    struct curl_message *(*multi_read)(CURLM *, int *);
    int (*multi_cleanup)(CURLM *);
} curl;

#endif
