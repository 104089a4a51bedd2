#pragma once

// Names the calling thread, as tools such as top show it. Longer names are cut to 15 bytes.
void clinux_name_thread(const char *name);
