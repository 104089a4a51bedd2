#pragma once

// Takes an exclusive advisory lock on an open file, without waiting.
// Returns 0, or the errno of the refusal (EWOULDBLOCK: another process holds it).
int clinux_lock_exclusively(int fd);
