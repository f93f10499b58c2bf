#ifndef STORE_REBUILD_H
#define STORE_REBUILD_H

/*
 * Rows for a dump of the older service, which kept none: made of its conversation object and of the
 * files that are in the archive. All steps become one run, or one for each run_id they name.
 */

#include "base/json.h"
#include "store/unpack.h"

bool rebuild_rows(const struct json *object, const struct unpacked *unpacked, int64_t now_ns,
    struct arena *arena, struct conversation_rows *out, struct err *err) MUST_CHECK;

#endif
