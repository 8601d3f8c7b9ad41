#ifndef CLINUX_H
#define CLINUX_H

// No _GNU_SOURCE here: it changes types that other C modules see as well. What needs it is wrapped below.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/// Starts `path` as a child in its own process group with an empty signal mask and default handlers; the kernel
/// kills it when the calling *thread* ends. Only async-signal-safe calls run between fork and exec.
/// Returns the pid, or the negative errno of what failed, exec included.
pid_t clinux_spawn(const char *path, char *const argv[], char *const envp[]);

/// As clinux_spawn, with `output` as the child's standard output.
pid_t clinux_spawn_into(const char *path, char *const argv[], char *const envp[], int output);

/// accept4 with a descriptor that is non-blocking and closed on exec.
int clinux_accept(int listener, struct sockaddr *address, socklen_t *length);

/// A descriptor that becomes readable when the child ends; -1 and errno on failure.
int clinux_pidfd_open(pid_t pid);

/// Names a thread for debuggers and `top -H`; bytes after the 15th are left out.
void clinux_name_thread(pthread_t thread, const char *name);

/// A place of the calling thread's own, null at first.
void *clinux_thread_slot(void);
void clinux_set_thread_slot(void *value);

/// sem_clockwait on the monotonic clock: 0, or -1 and errno.
int clinux_sem_wait_until(sem_t *semaphore, const struct timespec *moment);

#endif
