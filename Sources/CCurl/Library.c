#define _GNU_SOURCE
#include "Library.h"
#include "CCurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct curl_library curl;

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static int loaded;

static void *open_library(char *failure, size_t size) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
    const char *reason = dlerror();
    snprintf(failure, size, "%s", reason ? reason : "unknown");
    return dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
}

static int find_symbols(void *library, char *failure, size_t size) {
    struct { void *place; const char *name; } symbols[] = {
        {&curl.global_init, "curl_global_init"}, {&curl.init, "curl_easy_init"},
        {&curl.setopt, "curl_easy_setopt"}, {&curl.getinfo, "curl_easy_getinfo"},
        {&curl.perform, "curl_easy_perform"}, {&curl.receive, "curl_easy_recv"},
        {&curl.send, "curl_easy_send"}, {&curl.cleanup, "curl_easy_cleanup"},
        {&curl.strerror, "curl_easy_strerror"}, {&curl.multi_init, "curl_multi_init"},
        {&curl.multi_setopt, "curl_multi_setopt"}, {&curl.multi_add, "curl_multi_add_handle"},
        {&curl.multi_remove, "curl_multi_remove_handle"}, {&curl.multi_perform, "curl_multi_perform"},
        {&curl.multi_poll, "curl_multi_poll"}, {&curl.multi_wakeup, "curl_multi_wakeup"},
        {&curl.multi_read, "curl_multi_info_read"}, {&curl.multi_cleanup, "curl_multi_cleanup"},
    };
    for (size_t index = 0; index < sizeof symbols / sizeof *symbols; index++) {
        void *symbol = dlsym(library, symbols[index].name);
        if (!symbol) {
            snprintf(failure, size, "libcurl has no %s", symbols[index].name);
            return -1;
        }
        memcpy(symbols[index].place, &symbol, sizeof symbol);
    }
    return 0;
}

/// OpenSSL takes itself down when the process ends, which no thread that is inside it survives; whoever initializes it first
/// says whether it does. Where curl speaks TLS with another library there is nothing to say.
static void keep_openssl(void *library) {
    const uint64_t without_atexit = 0x00080000;
    int (*initialize)(uint64_t, const void *);
    void *symbol = dlsym(library, "OPENSSL_init_crypto");
    memcpy(&initialize, &symbol, sizeof symbol);
    if (symbol) initialize(without_atexit, NULL);
}

/// Curl leaves signals alone (OPT_NOSIGNAL), and OpenSSL writes as to any file: without this a peer that went away would end
/// the process. What somebody else has set stays.
static void survive_broken_pipes(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

int ccurl_load(char *failure, size_t size) {
    pthread_mutex_lock(&loading);
    if (!loaded) {
        void *library = open_library(failure, size);
        if (library && find_symbols(library, failure, size) == 0) {
            keep_openssl(library);
            survive_broken_pipes();
            loaded = curl.global_init(GLOBAL_ALL) == 0;
            if (!loaded) snprintf(failure, size, "curl_global_init failed");
            // After OpenSSL's own, should there be one all the same: what is registered last runs first.
            else atexit(ccurl_stop_drivers);
        }
    }
    int result = loaded ? 0 : -1;
    pthread_mutex_unlock(&loading);
    return result;
}

static pthread_t warming;

static void *warm(void *unused) {
    (void)unused;
    char failure[ERROR_SIZE];
    ccurl_load(failure, sizeof failure);
    return NULL;
}

static void finish_warming(void) { pthread_join(warming, NULL); }

static void start_warming(void) {
    // The one that the program itself is linked with, before its other threads begin to use it.
    keep_openssl(RTLD_DEFAULT);
    if (pthread_create(&warming, NULL, warm, NULL) == 0) atexit(finish_warming);
}

void ccurl_load_beside(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_warming);
}
