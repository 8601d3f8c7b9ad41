/* Preloaded into a server: logs what it does to the files below WRITE_LOG_ROOT, in order, in the file WRITE_LOG, which all of its processes
   append to: each write with its bytes, each sync with its begin and its end, each name that comes or goes, and what is sent on sockets.
   Writes and sends are logged before they are done, so that a process that is killed has written nothing that is not in the log; names
   and the ends of syncs after. A write stands before the sync that covers it, for whoever relies on it syncs it in the same thread. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { MADE_FILE = 1, MADE_FOLDER, WROTE, TRUNCATED, SYNC_BEGINS, SYNC_ENDED, UNLINKED, RENAMED, SENDS };

/* Beside it, a name (relative to the root, or for RENAMED two with a NUL between them) and the bytes. */
struct record {
    uint32_t kind, thread, name, failed;
    uint64_t inode, offset, length;
};

static int file = -1;
static char root[PATH_MAX];
static size_t root_length;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("WRITE_LOG"), *folder = getenv("WRITE_LOG_ROOT");
    if (!path || !folder || !realpath(folder, root)) return;
    root_length = strlen(root);
    file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
}

/* One append, which the kernel does not interleave with others. */
static void append(enum kind kind, uint64_t inode, uint64_t offset, const char *name, size_t name_length, const struct iovec *bytes, int count) {
    struct record record = {kind, (uint32_t)syscall(SYS_gettid), (uint32_t)name_length, 0, inode, offset, 0};
    struct iovec all[2 + 64] = {{&record, sizeof record}, {(void *)name, name_length}};
    if (count > 64) abort();
    for (int place = 0; place < count; place++) {
        all[2 + place] = bytes[place];
        record.length += bytes[place].iov_len;
    }
    ssize_t whole = (ssize_t)(sizeof record + name_length + record.length);
    if (syscall(SYS_writev, file, all, 2 + count) != whole) abort();
}

static const char *below(const char *path) {
    return strncmp(path, root, root_length) == 0 && path[root_length] == '/' ? path + root_length + 1 : NULL;
}

/* The descriptor's name below the root, "" for the root itself, NULL for anything else. */
static const char *name_of(int descriptor, char *path, uint64_t *inode) {
    char link[64];
    struct stat status;
    if (file < 0) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    const char *name = strcmp(path, root) == 0 ? "" : below(path);
    if (!name || fstat(descriptor, &status) != 0) return NULL;
    *inode = status.st_ino;
    return name;
}

static void note(enum kind kind, int descriptor, uint64_t offset, const void *bytes, size_t length) {
    char path[PATH_MAX];
    uint64_t inode;
    int error = errno;
    const char *name = name_of(descriptor, path, &inode);
    struct iovec vector = {(void *)bytes, length};
    if (name) append(kind, inode, offset, name, strlen(name), &vector, bytes ? 1 : 0);
    errno = error;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    note(WROTE, descriptor, (uint64_t)offset, bytes, count);
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) { return pwrite(descriptor, bytes, count, offset); }

ssize_t write(int descriptor, const void *bytes, size_t count) {
    off_t offset = file < 0 ? -1 : (off_t)syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
    if (offset >= 0) note(WROTE, descriptor, (uint64_t)offset, bytes, count);
    return syscall(SYS_write, descriptor, bytes, count);
}

int ftruncate(int descriptor, off_t length) {
    note(TRUNCATED, descriptor, (uint64_t)length, NULL, 0);
    return (int)syscall(SYS_ftruncate, descriptor, length);
}
int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

static int synced(int descriptor, long number) {
    note(SYNC_BEGINS, descriptor, 0, NULL, 0);
    int result = (int)syscall(number, descriptor);
    if (result == 0) note(SYNC_ENDED, descriptor, 0, NULL, 0);
    return result;
}
int fsync(int descriptor) { return synced(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return synced(descriptor, SYS_fdatasync); }

/* Whoever makes a file is who finds none and then makes one that was not there. */
static int opened(int folder, const char *path, int flags, mode_t mode) {
    const char *name = file >= 0 && (flags & O_CREAT) ? below(path) : NULL;
    if (!name) return (int)syscall(SYS_openat, folder, path, flags, mode);
    while (1) {
        if (!(flags & O_EXCL)) {
            int result = (int)syscall(SYS_openat, folder, path, flags & ~O_CREAT, mode);
            if (result >= 0 && (flags & O_TRUNC)) note(TRUNCATED, result, 0, NULL, 0);
            if (result >= 0 || errno != ENOENT) return result;
        }
        int result = (int)syscall(SYS_openat, folder, path, flags | O_EXCL, mode);
        if (result >= 0) note(MADE_FILE, result, 0, NULL, 0);
        if (result >= 0 || errno != EEXIST || (flags & O_EXCL)) return result;
    }
}

#define OPEN(name)                                                                                                                        \
    int name(const char *path, int flags, ...) {                                                                                          \
        va_list rest;                                                                                                                     \
        va_start(rest, flags);                                                                                                            \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                                         \
        va_end(rest);                                                                                                                     \
        return opened(AT_FDCWD, path, flags, mode);                                                                                       \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode), error = errno;
    const char *name = file >= 0 && result == 0 ? below(path) : NULL;
    if (name) append(MADE_FOLDER, 0, 0, name, strlen(name), NULL, 0);
    errno = error;
    return result;
}

int unlink(const char *path) {
    int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0), error = errno;
    const char *name = file >= 0 && result == 0 ? below(path) : NULL;
    if (name) append(UNLINKED, 0, 0, name, strlen(name), NULL, 0);
    errno = error;
    return result;
}

int rename(const char *from, const char *to) {
    int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), error = errno;
    const char *old = file >= 0 && result == 0 ? below(from) : NULL, *new = file >= 0 ? below(to) : NULL;
    if (old && new) {
        char names[2 * PATH_MAX];
        int length = snprintf(names, sizeof names, "%s%c%s", old, 0, new);
        append(RENAMED, 0, 0, names, (size_t)length, NULL, 0);
    }
    errno = error;
    return result;
}

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
    struct iovec vector = {(void *)bytes, count};
    if (file >= 0) append(SENDS, (uint64_t)descriptor, 0, NULL, 0, &vector, 1);
    return syscall(SYS_sendto, descriptor, bytes, count, flags, NULL, 0);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
    for (size_t place = 0; file >= 0 && place < message->msg_iovlen; place += 64) {
        size_t count = message->msg_iovlen - place < 64 ? message->msg_iovlen - place : 64;
        append(SENDS, (uint64_t)descriptor, 0, NULL, 0, message->msg_iov + place, (int)count);
    }
    return syscall(SYS_sendmsg, descriptor, message, flags);
}
