#pragma once

#include <stdint.h>

// A thin face of epoll, eventfd and SO_PEERCRED, whose structs and macros Swift does not see.
// Every function returns -1 and sets errno where it fails, unless said otherwise.

// A new epoll descriptor, closed on exec.
int clinux_epoll_create(void);

// Watches fd for reading, level-triggered; tag comes back from clinux_epoll_wait.
int clinux_epoll_add(int epoll_fd, int fd, uint64_t tag);

// Stops watching fd.
int clinux_epoll_remove(int epoll_fd, int fd);

// Waits at most timeout_ms (-1: for ever) and writes the tags of what is ready.
// Returns how many; an interrupting signal counts as none.
int clinux_epoll_wait(int epoll_fd, uint64_t *tags, int capacity, int timeout_ms);

// A new eventfd, not blocking, closed on exec.
int clinux_eventfd_create(void);

// Makes the eventfd readable. Never fails visibly: a full counter is readable already.
void clinux_eventfd_signal(int fd);

// Makes the eventfd unreadable until the next signal.
void clinux_eventfd_clear(int fd);

// The user id of the process that connected a Unix stream socket.
int clinux_peer_user(int fd, uint32_t *user);

// How many descriptors this process may have open (the soft limit).
uint64_t clinux_open_files_limit(void);

// Names the calling thread, as tools show it (15 bytes at most).
void clinux_name_thread(const char *name);
