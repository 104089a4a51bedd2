#pragma once

// Calls of Linux and glibc that Swift does not see or cannot use safely.
#include "clinux_epoll.h"
#include "clinux_files.h"
#include "clinux_spawn.h"
