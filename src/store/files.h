#ifndef STORE_FILES_H
#define STORE_FILES_H

/*
 * The folders of conversations on disk.
 *
 *   <data>/workflows/<partition>/<id>/{uploads,intermediate,outputs}/
 *                                    /metadata.json
 *   <data>/dumps/      <data>/tmp/      <data>/sqlite/chat.db      <data>/sqlite/snapshots/
 */

#include "store/store.h"

#define WORKERS_LOCK ".workers.lock" /* In the root: each worker of a run holds it shared. */

struct data_dirs {
    char root[1024], workflows[1024], dumps[1024], tmp[1024], sqlite[1024], snapshots[1024];
};

/*
 * Create what is missing (0700) and check that tmp and workflows are one file system. NULL or ""
 * gives the folder its usual place below the root; a relative path is below the root.
 */
bool data_dirs_open(const char *root, const char *workflows, const char *dumps, const char *sqlite,
    struct data_dirs *out, struct err *err) MUST_CHECK;

/* The same names, with `root` as it is given; nothing is made or looked at. */
bool data_dirs_name(const char *root, const char *workflows, const char *dumps, const char *sqlite,
    struct data_dirs *out, struct err *err) MUST_CHECK;

enum partition_strategy { PARTITION_TIME, PARTITION_HASH, PARTITION_FOLDER };
/* "2026/02", "ab/cd" (of the id) or "". format: strftime-like, only %Y %m %d and literal
 * [A-Za-z0-9_/-]. */
bool partition_make(enum partition_strategy strategy, const char *format, const char *id,
    int64_t now_ns, char out[64], struct err *err) MUST_CHECK;

/* Is it a UUID in lower case: what ids and folders of conversations look like? */
bool conversation_id_ok(const char *id);
/* Absolute folder of a conversation, and of one kind of its files. out: FS_PATH_MAX. */
bool conversation_dir(const struct data_dirs *dirs, const char *partition, const char *id,
    char *out, struct err *err) MUST_CHECK;
bool conversation_file_dir(const struct data_dirs *dirs, const char *partition, const char *id,
    enum file_kind kind, char *out, struct err *err) MUST_CHECK;
/* The folders of each kind of file, in a conversation's folder `dir`. */
bool conversation_folders_make(const char *dir, struct err *err) MUST_CHECK;
/* Create them and write metadata.json. */
bool conversation_dirs_make(
    const struct data_dirs *dirs, const struct conversation *c, struct err *err) MUST_CHECK;
/* What metadata.json says; and write it into the folder `dir`. */
bool conversation_metadata_text(
    const struct conversation *c, struct buf *out, struct err *err) MUST_CHECK;
bool conversation_metadata_save(
    const char *dir, const struct conversation *c, struct err *err) MUST_CHECK;
bool conversation_dirs_remove(const struct data_dirs *dirs, const char *partition, const char *id,
    struct err *err) MUST_CHECK;
/* What clients see as file_path: "workflows/2026/02/<id>/uploads/name" (relative to the data
 * folder). */
bool file_public_path(const struct conversation *c, const struct stored_file *f, char *out,
    struct err *err) MUST_CHECK;

/*
 * Move a finished temporary file into uploads/ under `name`, or name-2, name-3 where taken; fsyncs
 * file and folder.
 * name_out: FS_NAME_MAX + 1.
 */
bool upload_publish(const struct data_dirs *dirs, const struct conversation *c,
    const char *tmp_path, const char *name, char *name_out, struct err *err) MUST_CHECK;

/* Remove what upload_publish() has put there and no row tells of. */
void upload_withdraw(const struct data_dirs *dirs, const struct conversation *c, const char *name);

/*
 * On start, holding the lock on the data folder: remove temporary files, files without row, and
 * folders without conversation; tell of rows without file (logged, file row removed). Counts what
 * it did.
 */
struct reconcile_report {
    uint64_t tmp_removed, orphans_removed, rows_missing;
};
bool store_reconcile(struct store *s, const struct data_dirs *dirs, struct reconcile_report *out,
    struct err *err) MUST_CHECK;
/*
 * flock; ERR_STATE when another server holds it, or workers of one that has ended do not end. Returns the descriptor to
 * keep open.
 */
bool data_lock(const struct data_dirs *dirs, int *fd, struct err *err) MUST_CHECK;

#endif
