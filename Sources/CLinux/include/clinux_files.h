#pragma once

// Takes an exclusive advisory lock on a file that is open for writing, without waiting. It is held
// until the descriptor is closed. Returns 0, or the errno of the refusal (EAGAIN: it is held).
int clinux_lock_exclusively(int fd);

// Whether somebody else holds the lock.
int clinux_is_locked(int fd);
