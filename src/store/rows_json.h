#ifndef STORE_ROWS_JSON_H
#define STORE_ROWS_JSON_H

/*
 * The rows of one conversation as text, a JSON object a line:
 *
 *   {"table":"conversation","id":...,"participant":...}
 *   {"table":"run",...}      {"table":"step",...}     {"table":"file",...}
 *   {"table":"message",...}  {"table":"event",...}
 *
 * The conversation comes first; the rest of a table keep their order. Values that are JSON in the
 * store are strings here, so that they come back byte for byte.
 */

#include "store/store.h"

bool rows_json_write(
    const struct conversation_rows *rows, struct buf *out, struct err *err) MUST_CHECK;

/*
 * Read and check: known tables, every field there with a value of its kind, ids that are ids,
 * relative paths, JSON where there must be JSON. What refers to what is checked by the store.
 * Owns: everything lies in `arena`.
 */
bool rows_json_read(const char *text, size_t n, struct arena *arena, struct conversation_rows *out,
    struct err *err) MUST_CHECK;

/* A path as clients know it: relative, no empty part, no "..". */
bool rows_path_ok(const char *path);
/* A name a file may have in a folder of a conversation. */
bool rows_file_name_ok(const char *name);

#endif
