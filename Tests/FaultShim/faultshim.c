// See include/faultshim.h. Interposes what SQLite, libmicrohttpd and Larder call.
#define _GNU_SOURCE
#include "faultshim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

enum { descriptors = 65536 };

static struct faultshim_control *control;
static pid_t owner;
static int log_descriptor = -1;
static char store[PATH_MAX];
static char folder[PATH_MAX];
// What each descriptor is: a value of enum faultshim_file, or 0.
static unsigned char files[descriptors];
// The number of the connection that a descriptor is, or 0.
static int connections[descriptors];
static int last_connection;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static void record(
    enum faultshim_event event, int64_t file, int64_t offset, const void *bytes, int64_t count,
    int64_t result);

__attribute__((constructor)) static void begin(void) {
  owner = getpid();
  const char *path = getenv("FAULTSHIM_STORE");
  if (path) {
    snprintf(store, sizeof store, "%s", path);
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) *slash = 0;
  }
  const char *name = getenv("FAULTSHIM_LOG");
  if (name) {
    // A file for each process: the last event of one that was killed may be a part only.
    for (int number = 0; log_descriptor < 0; number++) {
      char numbered[PATH_MAX + 16];
      snprintf(numbered, sizeof numbered, "%s.%d", name, number);
      log_descriptor = open(numbered, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (log_descriptor < 0 && errno != EEXIST) break;
    }
    record(faultshim_begun, 0, 0, NULL, 0, 0);
  }
  name = getenv("FAULTSHIM_CONTROL");
  if (name) {
    int descriptor = open(name, O_RDWR | O_CLOEXEC);
    if (descriptor >= 0) {
      void *mapped = mmap(
          NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
      if (mapped != MAP_FAILED) control = mapped;
      close(descriptor);
    }
  }
}

// A child that has not executed its program yet shares the memory, and is not the process that is meant.
static int is_ours(void) { return owner != 0 && getpid() == owner; }

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int action_of(enum faultshim_kind kind, int *error) {
  if (!control || !is_ours()) return faultshim_none;
  struct faultshim_fault *fault = &control->faults[kind];
  int64_t call = __atomic_add_fetch(&fault->calls, 1, __ATOMIC_SEQ_CST);
  int64_t from = __atomic_load_n(&fault->from, __ATOMIC_SEQ_CST);
  if (from == 0 || call < from || call > __atomic_load_n(&fault->to, __ATOMIC_SEQ_CST))
    return faultshim_none;
  *error = __atomic_load_n(&fault->error, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&fault->action, __ATOMIC_SEQ_CST);
}

static int kind_of_path(const char *path) {
  if (!store[0] || !path) return 0;
  if (strcmp(path, folder) == 0) return faultshim_folder;
  size_t length = strlen(folder);
  if (strncmp(path, folder, length) == 0 && strcmp(path + length, "/") == 0) return faultshim_folder;
  length = strlen(store);
  if (strncmp(path, store, length) != 0) return 0;
  if (path[length] == 0) return faultshim_database;
  if (strcmp(path + length, "-wal") == 0) return faultshim_log;
  if (strcmp(path + length, "-journal") == 0) return faultshim_journal;
  return 0;
}

static int file_of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors && is_ours() ? files[descriptor] : 0;
}

static int connection_of(int descriptor) {
  return descriptor >= 0 && descriptor < descriptors && is_ours() ? connections[descriptor] : 0;
}

static ssize_t write_fully(int descriptor, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = real(descriptor, next, count);
    if (written < 0) return -1;
    next += written;
    count -= (size_t)written;
  }
  return 0;
}

// To be called with `order` held.
static void record(
    enum faultshim_event event, int64_t file, int64_t offset, const void *bytes, int64_t count,
    int64_t result) {
  if (log_descriptor < 0) return;
  int kept = errno;
  int64_t head[5] = {event, file, offset, count, result};
  write_fully(log_descriptor, head, sizeof head);
  if (bytes && count > 0) write_fully(log_descriptor, bytes, (size_t)count);
  errno = kept;
}

static int is_full(int descriptor, int64_t end) {
  int64_t capacity = control ? __atomic_load_n(&control->capacity, __ATOMIC_SEQ_CST) : 0;
  if (capacity == 0) return 0;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || end <= status.st_size) return 0;
  int64_t total = end - status.st_size;
  static const char *const names[] = {"", "-wal", "-journal"};
  for (int index = 0; index < 3; index++) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s%s", store, names[index]);
    if (stat(path, &status) == 0) total += status.st_size;
  }
  return total > capacity;
}

// Descriptors

static int opened(int descriptor, const char *path, int flags, int existed) {
  if (descriptor < 0 || descriptor >= descriptors || !is_ours()) return descriptor;
  int kind = kind_of_path(path);
  files[descriptor] = (unsigned char)kind;
  connections[descriptor] = 0;
  if (kind && kind != faultshim_folder && (flags & O_CREAT) && !existed) {
    pthread_mutex_lock(&order);
    record(faultshim_created, kind, 0, NULL, 0, 0);
    pthread_mutex_unlock(&order);
  }
  return descriptor;
}

#define OPEN(name, declared, passed) \
  int name declared { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
      va_list rest; \
      va_start(rest, flags); \
      mode = va_arg(rest, mode_t); \
      va_end(rest); \
    } \
    int error = 0; \
    switch (action_of(faultshim_open, &error)) { \
      case faultshim_fail: errno = error; return -1; \
      case faultshim_kill: case faultshim_kill_within: die(); \
      case faultshim_kill_after: real passed; die(); \
    } \
    int existed = kind_of_path(path) && access(path, F_OK) == 0; \
    return opened(real passed, path, flags, existed); \
  }

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

// A call that makes descriptors and takes no path.
#define MAKE(type, name, declared, passed, noted) \
  type name declared { \
    REAL(name); \
    int error = 0; \
    switch (action_of(faultshim_open, &error)) { \
      case faultshim_fail: errno = error; return -1; \
      case faultshim_kill: case faultshim_kill_within: die(); \
      case faultshim_kill_after: real passed; die(); \
    } \
    type made = real passed; \
    noted; \
    return made; \
  }

static void accepted(int descriptor) {
  if (descriptor < 0 || descriptor >= descriptors || !is_ours()) return;
  files[descriptor] = 0;
  connections[descriptor] = __atomic_add_fetch(&last_connection, 1, __ATOMIC_SEQ_CST);
}

MAKE(int, accept, (int at, __SOCKADDR_ARG address, socklen_t *size), (at, address, size), accepted(made))
MAKE(int, accept4, (int at, __SOCKADDR_ARG address, socklen_t *size, int flags),
     (at, address, size, flags), accepted(made))
MAKE(int, socket, (int domain, int type, int protocol), (domain, type, protocol), (void)0)
MAKE(int, pipe, (int ends[2]), (ends), (void)0)
MAKE(int, pipe2, (int ends[2], int flags), (ends, flags), (void)0)
MAKE(int, epoll_create1, (int flags), (flags), (void)0)
MAKE(int, eventfd, (unsigned int count, int flags), (count, flags), (void)0)

int close(int descriptor) {
  REAL(close);
  if (descriptor >= 0 && descriptor < descriptors && is_ours()) {
    files[descriptor] = 0;
    connections[descriptor] = 0;
  }
  return real(descriptor);
}

int unlink(const char *path) {
  REAL(unlink);
  int kind = is_ours() ? kind_of_path(path) : 0;
  if (!kind) return real(path);
  pthread_mutex_lock(&order);
  int result = real(path);
  if (result == 0) record(faultshim_removed, kind, 0, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  return result;
}

// The store's files

static size_t part(size_t count) { return count >= 1024 ? count / 2 / 512 * 512 : count / 2; }

#define WRITE_AT(name, offset_type) \
  ssize_t name(int descriptor, const void *bytes, size_t count, offset_type offset) { \
    REAL(name); \
    int file = file_of(descriptor); \
    if (!file) return real(descriptor, bytes, count, offset); \
    int error = 0; \
    pthread_mutex_lock(&order); \
    int action = action_of(faultshim_write, &error); \
    if (action == faultshim_kill) die(); \
    if (action == faultshim_kill_within) { \
      real(descriptor, bytes, part(count), offset); \
      die(); \
    } \
    ssize_t written = -1; \
    if (action == faultshim_fail) errno = error; \
    else if (is_full(descriptor, (int64_t)offset + (int64_t)count)) errno = ENOSPC; \
    else written = real(descriptor, bytes, count, offset); \
    if (written > 0) record(faultshim_written, file, offset, bytes, written, written); \
    if (action == faultshim_kill_after) die(); \
    pthread_mutex_unlock(&order); \
    return written; \
  }

WRITE_AT(pwrite, off_t)
WRITE_AT(pwrite64, off64_t)

#define TRUNCATE(name, length_type) \
  int name(int descriptor, length_type length) { \
    REAL(name); \
    int file = file_of(descriptor); \
    if (!file) return real(descriptor, length); \
    int error = 0; \
    pthread_mutex_lock(&order); \
    int action = action_of(faultshim_write, &error); \
    if (action == faultshim_kill || action == faultshim_kill_within) die(); \
    int result = -1; \
    if (action == faultshim_fail) errno = error; \
    else result = real(descriptor, length); \
    if (result == 0) record(faultshim_truncated, file, length, NULL, 0, 0); \
    if (action == faultshim_kill_after) die(); \
    pthread_mutex_unlock(&order); \
    return result; \
  }

TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name) \
  int name(int descriptor) { \
    REAL(name); \
    int file = file_of(descriptor); \
    if (!file) return real(descriptor); \
    int error = 0; \
    pthread_mutex_lock(&order); \
    int action = action_of(faultshim_sync, &error); \
    if (action == faultshim_kill || action == faultshim_kill_within) die(); \
    int result = -1; \
    if (action == faultshim_fail) errno = error; \
    else result = real(descriptor); \
    record(faultshim_synced, file, 0, NULL, 0, result); \
    if (action == faultshim_kill_after) die(); \
    pthread_mutex_unlock(&order); \
    return result; \
  }

SYNC(fsync)
SYNC(fdatasync)

// Sockets, and files without an offset

// Before something is sent: -1 where it fails. With `within` only a part is to be sent.
static int before_sending(int *action, int *within) {
  int error = 0;
  *within = 0;
  *action = action_of(faultshim_send, &error);
  if (*action == faultshim_kill) die();
  *within = *action == faultshim_kill_within;
  if (*action != faultshim_fail) return 0;
  errno = error;
  return -1;
}

static void sent(int descriptor, const void *bytes, ssize_t count, int action) {
  if (count > 0) record(faultshim_sent, connection_of(descriptor), 0, bytes, count, count);
  if (action == faultshim_kill_after) die();
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REAL(write);
  int file = file_of(descriptor);
  int connection = connection_of(descriptor);
  if (!file && !connection) return real(descriptor, bytes, count);
  if (file) {
    off_t offset = lseek(descriptor, 0, SEEK_CUR);
    ssize_t written = pwrite(descriptor, bytes, count, offset);
    if (written > 0) lseek(descriptor, offset + written, SEEK_SET);
    return written;
  }
  int action, within;
  pthread_mutex_lock(&order);
  ssize_t count_sent = before_sending(&action, &within);
  if (within) {
    real(descriptor, bytes, count / 2);
    die();
  }
  if (count_sent == 0) {
    count_sent = real(descriptor, bytes, count);
    sent(descriptor, bytes, count_sent, action);
  }
  pthread_mutex_unlock(&order);
  return count_sent;
}

ssize_t send(int descriptor, const void *bytes, size_t count, int flags) {
  REAL(send);
  if (!connection_of(descriptor)) return real(descriptor, bytes, count, flags);
  int action, within;
  pthread_mutex_lock(&order);
  ssize_t count_sent = before_sending(&action, &within);
  if (within) {
    real(descriptor, bytes, count / 2, flags);
    die();
  }
  if (count_sent == 0) {
    count_sent = real(descriptor, bytes, count, flags);
    sent(descriptor, bytes, count_sent, action);
  }
  pthread_mutex_unlock(&order);
  return count_sent;
}

// Vectors go as one block of bytes, so that there is one way to send a part and to record it.
static ssize_t send_vector(int descriptor, const struct iovec *vector, size_t length, int flags) {
  size_t total = 0;
  for (size_t index = 0; index < length; index++) total += vector[index].iov_len;
  char *bytes = malloc(total ? total : 1);
  if (!bytes) {
    errno = ENOMEM;
    return -1;
  }
  size_t at = 0;
  for (size_t index = 0; index < length; index++) {
    memcpy(bytes + at, vector[index].iov_base, vector[index].iov_len);
    at += vector[index].iov_len;
  }
  ssize_t result = send(descriptor, bytes, total, flags);
  int kept = errno;
  free(bytes);
  errno = kept;
  return result;
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  REAL(sendmsg);
  if (!connection_of(descriptor) || message->msg_controllen > 0)
    return real(descriptor, message, flags);
  return send_vector(descriptor, message->msg_iov, message->msg_iovlen, flags);
}

ssize_t writev(int descriptor, const struct iovec *vector, int length) {
  REAL(writev);
  if (!connection_of(descriptor)) return real(descriptor, vector, length);
  return send_vector(descriptor, vector, (size_t)length, MSG_NOSIGNAL);
}

// The clock

static int64_t shift(void) {
  return control && is_ours() ? __atomic_load_n(&control->clock_shift, __ATOMIC_SEQ_CST) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  REAL(clock_gettime);
  int result = real(clock, at);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t by = shift();
    int64_t nanoseconds = at->tv_nsec + by % 1000000000;
    at->tv_sec += by / 1000000000;
    if (nanoseconds >= 1000000000) at->tv_sec++, nanoseconds -= 1000000000;
    if (nanoseconds < 0) at->tv_sec--, nanoseconds += 1000000000;
    at->tv_nsec = nanoseconds;
  }
  return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
