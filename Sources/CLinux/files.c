#include "clinux_files.h"

#include <errno.h>
#include <sys/file.h>

int clinux_lock_exclusively(int fd) {
  return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
}
