/* Preloaded into a server: the time of day is so many seconds ahead as the file named by CLOCK says, which others map too. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic long *ahead;
static int (*next)(clockid_t, struct timespec *);

__attribute__((constructor)) static void start(void) {
    next = (__typeof__(next))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("CLOCK");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *ahead, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) ahead = shared;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!next) next = (__typeof__(next))dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && ahead) time->tv_sec += *ahead;
    return result;
}
