#pragma once

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>

// What of libmicrohttpd does not come into Swift: variadic calls, macros, and loops over header
// fields, which are cheaper here than through a Swift closure for each field.

typedef void *(*cmhd_uri_callback)(void *context, const char *uri, struct MHD_Connection *);

static inline enum MHD_Result cmhd_yes(void) { return MHD_YES; }
static inline enum MHD_Result cmhd_no(void) { return MHD_NO; }
static inline int cmhd_succeeded(enum MHD_Result result) { return result == MHD_YES; }

static inline int cmhd_is_start(enum MHD_ConnectionNotificationCode code) {
  return code == MHD_CONNECTION_NOTIFY_STARTED;
}
static inline int cmhd_is_good_end(enum MHD_RequestTerminationCode code) {
  return code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
}

// Leaves percent-encoding as it is, so that "%2F" stays inside its segment.
static inline size_t cmhd_keep_escapes(void *context, struct MHD_Connection *connection, char *s) {
  (void)context;
  (void)connection;
  return strlen(s);
}

// A daemon without a thread of its own, over a socket that listens already. NULL where it fails.
// It has no time-outs (the caller keeps the time) and logs nothing.
static inline struct MHD_Daemon *cmhd_start(
    int listen_fd, size_t pool_bytes, unsigned connections, void *context,
    MHD_AccessHandlerCallback access, MHD_RequestCompletedCallback completed,
    MHD_NotifyConnectionCallback connection, cmhd_uri_callback uri) {
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, access, context,
      MHD_OPTION_LISTEN_SOCKET, listen_fd,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes,
      MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_CONNECTION_TIMEOUT, 0u,
      MHD_OPTION_NOTIFY_COMPLETED, completed, context,
      MHD_OPTION_NOTIFY_CONNECTION, connection, context,
      MHD_OPTION_URI_LOG_CALLBACK, uri, context,
      MHD_OPTION_UNESCAPE_CALLBACK, &cmhd_keep_escapes, NULL,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
      MHD_OPTION_END);
}

static inline int cmhd_epoll_fd(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

// Whether the daemon has work that no descriptor announces, and must be run again at once.
static inline int cmhd_is_busy(struct MHD_Daemon *daemon) {
  MHD_UNSIGNED_LONG_LONG milliseconds;
  return MHD_get_timeout(daemon, &milliseconds) == MHD_YES && milliseconds == 0;
}

static inline int cmhd_connection_fd(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static inline void *cmhd_connection_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

// Bytes of the request line and the header fields together.
static inline size_t cmhd_header_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

// A response with a copy of the body; NULL without memory.
static inline struct MHD_Response *cmhd_response(const void *body, size_t size) {
  return MHD_create_response_from_buffer(size, (void *)body, MHD_RESPMEM_MUST_COPY);
}

// What one pass over the header fields finds out.
struct cmhd_header_facts {
  size_t fields;
  size_t packed_bytes;  // what cmhd_pack_headers will write
  unsigned content_lengths;
  unsigned transfer_encodings;
  unsigned hosts;
  int is_chunked;   // the (last) Transfer-Encoding is "chunked" and nothing else
  int is_malformed; // a name that is no token, or a control character in a value
  uint64_t content_length;  // of the last Content-Length; 0 without one
};

// The bytes of a token (RFC 9110, 5.6.2): a bit for each of the lower 128, in words of 32.
static const uint32_t cmhd_token_bytes[4] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};

static inline int cmhd_is_token_byte(unsigned char c) {
  return c < 128 && (cmhd_token_bytes[c / 32] >> (c % 32) & 1);
}

// Compares a name of any case with one in lower case.
static inline int cmhd_name_is(const char *name, size_t size, const char *lower, size_t expected) {
  if (size != expected) return 0;
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)name[i];
    if (c >= 'A' && c <= 'Z') c |= 0x20;
    if (c != (unsigned char)lower[i]) return 0;
  }
  return 1;
}

static inline size_t cmhd_trimmed(const char *value, size_t size) {
  while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) size--;
  return size;
}

static inline enum MHD_Result cmhd_examine_field(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
    const char *value, size_t value_size) {
  (void)kind;
  struct cmhd_header_facts *facts = (struct cmhd_header_facts *)context;
  if (!value) value_size = 0;
  facts->fields++;
  if (name_size == 0) facts->is_malformed = 1;
  for (size_t i = 0; i < name_size; i++)
    if (!cmhd_is_token_byte((unsigned char)name[i])) facts->is_malformed = 1;
  for (size_t i = 0; i < value_size; i++) {
    unsigned char c = (unsigned char)value[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) facts->is_malformed = 1;
  }
  value_size = cmhd_trimmed(value, value_size);
  facts->packed_bytes += 2 * sizeof(uint32_t) + name_size + value_size;
  if (cmhd_name_is(name, name_size, "content-length", 14)) {
    facts->content_lengths++;
    facts->content_length = 0;
    for (size_t i = 0; i < value_size && value[i] >= '0' && value[i] <= '9'; i++) {
      uint64_t digit = (uint64_t)(value[i] - '0');
      if (facts->content_length > (UINT64_MAX - digit) / 10) {
        facts->content_length = UINT64_MAX;
        break;
      }
      facts->content_length = facts->content_length * 10 + digit;
    }
  } else if (cmhd_name_is(name, name_size, "transfer-encoding", 17)) {
    facts->transfer_encodings++;
    facts->is_chunked = cmhd_name_is(value, value_size, "chunked", 7);
  } else if (cmhd_name_is(name, name_size, "host", 4)) {
    facts->hosts++;
  }
  return MHD_YES;
}

static inline struct cmhd_header_facts cmhd_examine_headers(struct MHD_Connection *connection) {
  struct cmhd_header_facts facts;
  memset(&facts, 0, sizeof facts);
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &cmhd_examine_field, &facts);
  return facts;
}

// Whether the header is just what was read out of it. libmicrohttpd takes it apart in place and as C
// strings: a NUL stands where a part ended, and one that the client sent passes for such an end; it
// also joins lines and takes a lone LF for the end of one. So the memory from the method on must be
// method NUL target NUL version, name NUL value for each of the fields, and two NULs, once CR LF, at
// the end of each line and of the header. target_size is the target's, before it was cut at its "?".
static inline int cmhd_is_plain_header(
    struct MHD_Connection *connection, const char *method, const char *version,
    size_t target_size, size_t fields) {
  const char *end = method + cmhd_header_bytes(connection);
  const char *at = method + strlen(method) + 1 + target_size + 1;
  if (at != version) return 0;
  at += strlen(version);
  for (size_t lines = 0;; lines++) {
    if (end - at < 4 || at[0] != 0 || at[1] != 0) return 0;
    at += 2;
    if (end - at == 2) return at[0] == 0 && at[1] == 0 && lines == fields;
    if (*at == 0 || *at == ' ' || *at == '\t') return 0;
    at += strnlen(at, (size_t)(end - at));
    if (at == end) return 0;
    at++;
    at += strnlen(at, (size_t)(end - at));
  }
}

static inline enum MHD_Result cmhd_pack_field(
    void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
    const char *value, size_t value_size) {
  (void)kind;
  uint8_t **at = (uint8_t **)context;
  uint32_t sizes[2] = {(uint32_t)name_size, (uint32_t)cmhd_trimmed(value, value ? value_size : 0)};
  memcpy(*at, sizes, sizeof sizes);
  *at += sizeof sizes;
  memcpy(*at, name, sizes[0]);
  *at += sizes[0];
  if (sizes[1] > 0) memcpy(*at, value, sizes[1]);
  *at += sizes[1];
  return MHD_YES;
}

// Writes every field as two sizes (uint32_t, of this machine's byte order), name and value; the
// buffer must hold packed_bytes of the facts.
static inline void cmhd_pack_headers(struct MHD_Connection *connection, uint8_t *buffer) {
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, &cmhd_pack_field, &buffer);
}
