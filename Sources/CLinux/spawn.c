#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int prepare_attributes(posix_spawnattr_t *attributes) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  int failure = posix_spawnattr_setsigdefault(attributes, &all);
  if (failure == 0) failure = posix_spawnattr_setsigmask(attributes, &none);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
#ifdef MUTANTS
  const char *mutant = getenv("LARDER_MUTANT");
  if (mutant && strcmp(mutant, "inherited-mask") == 0) flags &= ~POSIX_SPAWN_SETSIGMASK;
#endif
  if (failure == 0) failure = posix_spawnattr_setflags(attributes, flags);
  return failure;
}

static int prepare_actions(
    posix_spawn_file_actions_t *actions, const char *directory, int input, int output, int error) {
  int failure = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
  if (failure == 0) failure = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
  if (failure == 0) failure = posix_spawn_file_actions_adddup2(actions, error, STDERR_FILENO);
  if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  if (failure == 0) failure = posix_spawn_file_actions_addchdir_np(actions, directory);
  return failure;
}

int clinux_child_spawn(
    pid_t *pid, const char *path, const char *directory, char *const argv[], char *const envp[],
    int input, int output, int error) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  int failure = posix_spawnattr_init(&attributes);
  if (failure != 0) return failure;
  failure = posix_spawn_file_actions_init(&actions);
  if (failure == 0) {
    failure = prepare_attributes(&attributes);
    if (failure == 0) failure = prepare_actions(&actions, directory, input, output, error);
    if (failure == 0) failure = posix_spawn(pid, path, &actions, &attributes, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawnattr_destroy(&attributes);
  return failure;
}

// A process that was started with a standard descriptor closed gets 0 to 2 from pipe2; the
// child's own standard descriptors would then overwrite the pipe.
static int move_up(int *fd) {
  if (*fd > STDERR_FILENO) return 0;
  int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (moved < 0) return errno;
  close(*fd);
  *fd = moved;
  return 0;
}

int clinux_child_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  int failure = move_up(&ends[0]);
  if (failure == 0) failure = move_up(&ends[1]);
  if (failure != 0) {
    close(ends[0]);
    close(ends[1]);
  }
  return failure;
}

int clinux_child_adopt_orphans(void) {
  struct sigaction action;
  // Whoever ignores SIGCHLD, perhaps by inheritance, never learns how a child ended.
  if (sigaction(SIGCHLD, NULL, &action) == 0 &&
      (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT))) {
    action.sa_handler = SIG_DFL;
    action.sa_flags = 0;
    sigaction(SIGCHLD, &action, NULL);
  }
  return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno;
}

enum clinux_child_state clinux_child_look(pid_t pid, int reap, int *value) {
  siginfo_t info;
  info.si_pid = 0;
  int result;
  do {
    result = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | __WALL | (reap ? 0 : WNOWAIT));
  } while (result != 0 && errno == EINTR);
  if (result != 0) return clinux_child_unknown;
  if (info.si_pid == 0) return clinux_child_runs;
  *value = info.si_status;
  return info.si_code == CLD_EXITED ? clinux_child_exited : clinux_child_signalled;
}

int clinux_process_open(pid_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd >= 0 ? (int)fd : -errno;
}

int clinux_process_signal(int descriptor, int signal) {
  return syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0) == 0 ? 0 : errno;
}

ssize_t clinux_write_quietly(int fd, const void *bytes, size_t count) {
  sigset_t broken_pipe, before, pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigpending(&pending);
  int was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  ssize_t written;
  do {
    written = write(fd, bytes, count);
  } while (written < 0 && errno == EINTR);
  ssize_t result = written >= 0 ? written : -errno;
  if (result == -EPIPE && !was_pending) {
    // The signal went to this thread: taken here, it is not delivered when the mask is restored.
    const struct timespec at_once = {0, 0};
    while (sigtimedwait(&broken_pipe, NULL, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return result;
}

int clinux_waiting_bytes(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) == 0 && count > 0 ? count : 0;
}
