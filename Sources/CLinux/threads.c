#define _GNU_SOURCE
#include "clinux_threads.h"

#include <pthread.h>
#include <string.h>

void clinux_name_thread(const char *name) {
  char shortened[16];
  strncpy(shortened, name, sizeof shortened - 1);
  shortened[sizeof shortened - 1] = 0;
  pthread_setname_np(pthread_self(), shortened);
}
