#ifndef FORMATS_SOURCE_INT_H
#define FORMATS_SOURCE_INT_H

/* What source.c needs from source_spool.c: content on disk that can be read twice. */

#include "formats/source.h"

/* The most that a gzipped file may unpack to. */
#define SOURCE_MAX_UNPACKED (UINT64_C(4) << 30)

/*
 * All of a pipe into an unlinked file in tmp_dir; *out is the caller's. Errors: ERR_NO_SPACE,
 * ERR_IO, ERR_CREATE.
 */
bool source_spool(
    int fd, const char *name, const char *tmp_dir, int *out, struct err *err) MUST_CHECK;

/*
 * Unpack the gzip file `fd` (all members) into an unlinked file in env->tmp_dir; *out is the
 * caller's. Errors: ERR_DATA (damaged or cut off), ERR_BUDGET (over SOURCE_MAX_UNPACKED), as
 * source_spool().
 */
bool source_gunzip(
    int fd, const char *name, const struct source_env *env, int *out, struct err *err) MUST_CHECK;

/* Test hook: another limit than SOURCE_MAX_UNPACKED; 0: that one. */
extern uint64_t source_unpack_limit;

#endif
