#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// posix_spawn cannot set the parent-death signal, and Swift code must not run between fork and exec.
static pid_t spawn(const char *path, char *const argv[], char *const envp[], int output) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;

    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        // Ctrl-C in a terminal goes to the foreground group: the server decides when its children end.
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (output >= 0) dup2(output, STDOUT_FILENO);
#ifdef SYS_close_range
        // Ours are close-on-exec one by one; this is for what the server inherited itself (4: CLOSE_RANGE_CLOEXEC).
        syscall(SYS_close_range, 3, ~0U, 4);
#endif
        // The parent may have died before the signal was asked for.
        if (getppid() == parent) execve(path, argv, envp);
        int reason = errno;
        while (write(report[1], &reason, sizeof reason) < 0 && errno == EINTR) {}
        _exit(127);
    }
    int failure = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    close(report[1]);
    if (child > 0) {
        int reason = 0;
        ssize_t count;
        do { count = read(report[0], &reason, sizeof reason); } while (count < 0 && errno == EINTR);
        if (count == sizeof reason) {
            failure = reason;
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        }
    }
    close(report[0]);
    return failure ? -failure : child;
}

pid_t clinux_spawn(const char *path, char *const argv[], char *const envp[]) { return spawn(path, argv, envp, -1); }

pid_t clinux_spawn_into(const char *path, char *const argv[], char *const envp[], int output) {
    return spawn(path, argv, envp, output);
}

int clinux_accept(int listener, struct sockaddr *address, socklen_t *length) {
    return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static _Thread_local void *thread_slot;
void *clinux_thread_slot(void) { return thread_slot; }
void clinux_set_thread_slot(void *value) { thread_slot = value; }

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

void clinux_name_thread(pthread_t thread, const char *name) {
    char bounded[16];
    snprintf(bounded, sizeof bounded, "%s", name);
    pthread_setname_np(thread, bounded);
}

int clinux_sem_wait_until(sem_t *semaphore, const struct timespec *moment) {
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, moment);
}
