// What a test tells a process that it has preloaded this library into, and what it learns of it.
//
// The test maps a file with a `faultshim_control` and names it in FAULTSHIM_CONTROL; the process maps the
// same file, so faults can be set while it runs. FAULTSHIM_STORE is the database's absolute path: calls on
// it, on the files beside it whose names begin with its name, and syncs of their folder are the store's.
// FAULTSHIM_LOG, if set, is where the store's calls and what is sent are recorded: the first of
// FAULTSHIM_LOG.0, .1, … that is not there yet.
#ifndef FAULTSHIM_H
#define FAULTSHIM_H

#include <stdint.h>

enum faultshim_kind {
  faultshim_write,  // pwrite, write, ftruncate of the store's files
  faultshim_sync,   // fsync and fdatasync of the store's files and folder
  faultshim_send,   // send, sendmsg, write, writev, sendfile to sockets
  faultshim_open,   // calls that make a descriptor: open, socket, accept, pipe, epoll and the like
  faultshim_kinds
};

enum faultshim_action {
  faultshim_none,
  faultshim_kill,         // SIGKILL to the own process before the call
  faultshim_kill_within,  // the same after a part of a write or send, at a multiple of 512 bytes if it can be
  faultshim_kill_after,   // the same when the call is done
  faultshim_fail,         // the call does nothing and fails with `error`
};

// The store's files.
enum faultshim_file { faultshim_database = 1, faultshim_log, faultshim_journal, faultshim_folder };

// What the record holds. Each begins with five 64-bit numbers: event, file (of a send: the connection's
// number), offset or length, count of bytes that follow, and result (of a sync: 0 if it succeeded).
enum faultshim_event {
  faultshim_created = 1,
  faultshim_written,
  faultshim_truncated,
  faultshim_synced,
  faultshim_removed,
  faultshim_sent,
  faultshim_begun,  // a process: it counts its connections anew
};

struct faultshim_fault {
  int64_t calls;   // calls of this kind so far
  int64_t from;    // the first call that the action is for, counted from 1; 0: none
  int64_t to;      // the last one
  int32_t action;  // of enum faultshim_action
  int32_t error;   // errno of `faultshim_fail`
};

struct faultshim_control {
  struct faultshim_fault faults[faultshim_kinds];
  int64_t clock_shift;  // nanoseconds that CLOCK_REALTIME is ahead, in clock_gettime, gettimeofday and time
  int64_t capacity;     // bytes that the store's files may have in all; 0: no limit. More is ENOSPC
};

#endif
