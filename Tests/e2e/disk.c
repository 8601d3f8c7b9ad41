/* Preloaded into a server: a disk that is full or read-only for one folder, as the file named by DISK says, which others map too.
   As on a real disk, bytes that are there may be written over when it is full, a write ends short where the space does, and what is
   deleted is free again. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct disk {
    _Atomic long read_only;
    _Atomic long room; /* bytes that files may grow by */
    char folder[PATH_MAX];
};

static struct disk *disk;

/* Others of this process may write before this library is set up. */
__attribute__((constructor)) static void start(void) {
    const char *path = getenv("DISK");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) disk = shared;
    close(file);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_below(const char *path) {
    size_t length = strlen(disk->folder);
    return !strncmp(path, disk->folder, length) && (path[length] == '/' || !path[length]);
}

static int names_disk(const char *path) { return disk && is_below(path); }

static int is_on_disk(int file) {
    char link[40], path[PATH_MAX];
    if (!disk) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int fail(int number) {
    errno = number;
    return -1;
}

/* How many of the bytes fit; takes the room that they need. -1 if there is none. */
static ssize_t fitting(int file, off_t place, size_t count) {
    struct stat status;
    if (disk->read_only) return fail(EROFS);
    if (fstat(file, &status)) return -1;
    long growth = place + (long)count - status.st_size;
    if (growth <= 0) return count;
    long room = disk->room;
    while (!atomic_compare_exchange_weak(&disk->room, &room, room - (growth < room ? growth : room)));
    if (growth <= room) return count;
    return (long)count - growth + room > 0 ? (long)count - growth + room : fail(ENOSPC);
}

static void give_back(long count) { atomic_fetch_add(&disk->room, count); }

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t place) {
    ssize_t fits = is_on_disk(file) ? fitting(file, place, count) : (ssize_t)count;
    return fits < 0 ? fits : NEXT(pwrite64)(file, bytes, fits, place);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t place) { return pwrite64(file, bytes, count, place); }

ssize_t write(int file, const void *bytes, size_t count) {
    if (disk && is_on_disk(file)) {
        ssize_t fits = fitting(file, lseek(file, 0, SEEK_CUR), count);
        if (fits < 0) return fits;
        count = fits;
    }
    return NEXT(write)(file, bytes, count);
}

int ftruncate64(int file, off64_t size) {
    struct stat status;
    if (is_on_disk(file)) {
        if (disk->read_only) return fail(EROFS);
        if (!fstat(file, &status) && status.st_size > size) give_back(status.st_size - size);
    }
    return NEXT(ftruncate64)(file, size);
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int unlink(const char *path) {
    struct stat status;
    if (names_disk(path)) {
        if (disk->read_only) return fail(EROFS);
        if (!stat(path, &status)) give_back(status.st_size);
    }
    return NEXT(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
    struct stat status;
    if (names_disk(path) && stat(path, &status)) {
        if (disk->read_only) return fail(EROFS);
        if (disk->room <= 0) return fail(ENOSPC);
    }
    return NEXT(mkdir)(path, mode);
}

int access(const char *path, int how) {
    if ((how & W_OK) && names_disk(path) && disk->read_only) return fail(EROFS);
    return NEXT(access)(path, how);
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    struct stat status;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    if (names_disk(path)) {
        int is_there = !stat(path, &status);
        if (disk->read_only && (is_there ? (flags & O_ACCMODE) != O_RDONLY : flags & O_CREAT)) return fail(EROFS);
        if (disk->room <= 0 && !is_there && flags & O_CREAT) return fail(ENOSPC);
    }
    return NEXT(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open64(path, flags, mode);
}
