#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// Open file description locks (fcntl(2)): unlike a process's own locks they outlive the closing of
// other descriptors of the file, and unlike flock(2)'s they can be asked about without being taken.

int clinux_lock_exclusively(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

int clinux_is_locked(int fd) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
