#ifndef STORE_RESTORE_MARKER_H
#define STORE_RESTORE_MARKER_H

/*
 * How a restored folder takes its place so that a crash at any moment leaves either the old or the
 * new conversation, whole.
 *
 *   1. tmp/<staging>/<id>/ is complete, with RESTORE_MARKER in it, which says "<staging>"
 *   2. it is renamed to workflows/<partition>/<id>, or exchanged with the folder that is there
 *   3. the rows are committed
 *   4. the marker is removed; so is the old folder, which now lies in tmp/<staging>/<id>
 *
 * A marker found at start means a crash between 2 and 4: a folder without row goes
 * (restore_is_half_done); of two folders, the one that holds the files the rows tell of stays
 * (restore_settle).
 */

#include "store/files.h"

#define RESTORE_MARKER "restoring.tmp"

/* Does the folder hold the marker? */
bool restore_is_half_done(const char *dir, bool *half_done, struct err *err) MUST_CHECK;

/* Bring the right folder back where a marker is found; files[0..n) are the conversation's rows. */
bool restore_settle(const struct data_dirs *dirs, const struct conversation *c,
    const struct stored_file *files, size_t n, struct err *err) MUST_CHECK;

/* Step 1's marker, step 2 and step 4. `staged` is tmp/<staging>/<id>. */
bool restore_mark(const char *staged, const char *staging, struct err *err) MUST_CHECK;
bool restore_move_in(const char *staged, const char *live, struct err *err) MUST_CHECK;
bool restore_move_out(
    const char *staged, const char *live, struct err *err) MUST_CHECK; /* Undo step 2. */
bool restore_unmark(const char *live, struct err *err) MUST_CHECK;

#endif
