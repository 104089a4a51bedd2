#pragma once

#include <sys/types.h>

// Child processes: what Swift's view of the C library lacks. Functions that give an int
// and say nothing else return 0 or the errno of the failure.

// Starts a program in a session (and so a process group) of its own, with every signal at its
// default and none blocked, with three descriptors as its standard ones and no other open.
int clinux_child_spawn(
    pid_t *pid, const char *path, const char *directory, char *const argv[], char *const envp[],
    int input, int output, int error);

// Makes a pipe whose ends are closed on exec and are never descriptors 0 to 2.
int clinux_child_pipe(int ends[2]);

// Makes orphans among this process's descendants its own children, and makes sure that the
// end of a child can be waited for.
int clinux_child_adopt_orphans(void);

// What became of a child.
enum clinux_child_state {
  clinux_child_runs = 0,
  clinux_child_exited = 1,
  clinux_child_signalled = 2,
  clinux_child_unknown = 3,
};

// Looks at a child without waiting. `value` receives its exit status or signal.
// With `reap` the child, once ended, is gone for good; without, it stays for another look.
enum clinux_child_state clinux_child_look(pid_t pid, int reap, int *value);

// Opens a descriptor that names a process for good and is readable once it has ended;
// the errno of the failure, negated, instead.
int clinux_process_open(pid_t pid);

// Sends a signal to the process that such a descriptor names.
int clinux_process_signal(int descriptor, int signal);

// Writes without ever raising SIGPIPE: the count written, or the negated errno.
ssize_t clinux_write_quietly(int fd, const void *bytes, size_t count);

// How many bytes can be read from a pipe now; 0 if that can't be told.
int clinux_waiting_bytes(int fd);
