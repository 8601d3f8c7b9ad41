/* Clocks, the measured processes' CPU and memory, and latencies. */

#define _GNU_SOURCE
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 16, FINE = 65536, COARSE = 65536 };

static int processes[PROCESSES], process_count;
static clockid_t clocks[PROCESSES];
/* Latencies of less than 65 ms in microseconds, longer ones in milliseconds. */
static uint32_t fine[FINE], coarse[COARSE];
static uint64_t noted;

static double read_clock(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) fail("the server has ended");
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

double now(void) { return read_clock(CLOCK_MONOTONIC); }
double own_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

void measured_processes(const char *list) {
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (process_count == PROCESSES) fail("too many processes");
        processes[process_count] = atoi(at);
        if (clock_getcpuclockid(processes[process_count], &clocks[process_count])) fail("no process %s", at);
        process_count++;
    }
}

/* User and system time of all threads in seconds; the kernel counts it in nanoseconds. */
double server_cpu(void) {
    double sum = 0;
    for (int i = 0; i < process_count; i++) sum += read_clock(clocks[i]);
    return sum;
}

/* Resident bytes. */
double server_resident(void) {
    double sum = 0;
    for (int i = 0; i < process_count; i++) {
        char path[64];
        long size = 0, resident = 0;
        snprintf(path, sizeof path, "/proc/%d/statm", processes[i]);
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2) fail("cannot read %s", path);
        fclose(file);
        sum += (double)resident * sysconf(_SC_PAGESIZE);
    }
    return sum;
}

void note_latency(double seconds) {
    double micros = seconds > 0 ? 1e6 * seconds : 0;
    if (micros < FINE) fine[(int)micros]++;
    else coarse[micros < 1e3 * COARSE ? (int)(micros / 1e3) : COARSE - 1]++;
    noted++;
}

/* In milliseconds. */
double percentile(double share) {
    uint64_t wanted = (uint64_t)(share * noted), seen = 0;
    for (int i = 0; i < FINE; i++) if ((seen += fine[i]) > wanted) return (i + 1) / 1e3;
    for (int i = 0; i < COARSE; i++) if ((seen += coarse[i]) > wanted) return i + 1;
    return 0;
}

void forget_latencies(void) {
    memset(fine, 0, sizeof fine);
    memset(coarse, 0, sizeof coarse);
    noted = 0;
}
