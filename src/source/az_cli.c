#include "core/nsf_common.h"

#include "source/az_cli.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* It starts a Python program and may ask Entra: slow, but not for ever. */
#define AZ_WAIT_MS (60 * NSF_MS_PER_SECOND)
#define AZ_POLL_MS 100

static bool start(const char *scope, int out_fd, pid_t *pid)
{
    char scope_copy[256];
    snprintf(scope_copy, sizeof(scope_copy), "%s", scope);
    char az[] = "az", account[] = "account", verb[] = "get-access-token", output[] = "--output", json[] = "json",
         scope_option[] = "--scope";
    char *argv[] = {az, account, verb, output, json, scope_option, scope_copy, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int rc = posix_spawnp(pid, az, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return rc == 0;
}

/* Until the end of its output. */
static bool read_output(int fd, const atomic_bool *is_stopped, struct nsf_buf *out)
{
    const int64_t until = nsf_clock_monotonic_ms() + AZ_WAIT_MS;
    while (nsf_clock_monotonic_ms() < until) {
        if (is_stopped != NULL && atomic_load(is_stopped))
            return false;
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        const int n_ready = poll(&waiting, 1, AZ_POLL_MS);
        if (n_ready == 0 || (n_ready < 0 && errno == EINTR))
            continue;
        char piece[4096];
        const ssize_t n = n_ready < 0 ? -1 : read(fd, piece, sizeof(piece));
        if (n == 0)
            return true;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !nsf_buf_append(out, piece, (size_t)n))
            return false;
    }
    return false;
}

bool nsf_az_cli_run(const char *scope, const atomic_bool *is_stopped, struct nsf_buf *out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid;
    const bool is_started = start(scope, ends[1], &pid);
    close(ends[1]);
    bool is_ok = is_started && read_output(ends[0], is_stopped, out);
    close(ends[0]);
    if (!is_started)
        return false;
    if (!is_ok)
        kill(pid, SIGKILL);
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return is_ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
