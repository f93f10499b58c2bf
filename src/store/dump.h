#ifndef STORE_DUMP_H
#define STORE_DUMP_H

/*
 * Dump and restore: a whole conversation as one archive.
 *
 *   <id>/{uploads,intermediate,outputs}/...  <id>/metadata.json
 *   <id>/conversation_metadata.json   the conversation object as clients see it
 *   <id>/rows.jsonl                   every row of the store, one a line: what restore reads
 *   <id>/logs/events.jsonl            where asked for: the events as they were sent, one a line
 *   <id>/manifest.json                {"version":1,"members":[{"path","size","sha256"}]}
 */

#include "store/files.h"

enum restore_mode { RESTORE_REFUSE, RESTORE_REPLACE, RESTORE_COPY };

/*
 * Write dumps/<id>_<YYYYMMDD_HHMMSS>.tar.gz, everything as of one moment. `object` is the
 * conversation object as clients see it.
 * name_out: FS_NAME_MAX + 1; sha256: 65.
 */
enum dump_compression { DUMP_GZIP, DUMP_ZIP, DUMP_TAR }; /* .tar.gz, .zip, .tar */
/*
 * Whoever must not make the same thing twice notes what is made, before anybody can see it. A crash between note and deed
 * leaves a note of what is not there.
 */
struct dump_note {
    void *arg;
    /* A dump's or a backup's name; again where it got another one than was noted. */
    bool (*named)(void *arg, const char *name, struct err *err);
    /* In the transaction that restores a conversation. */
    void (*restored)(void *arg, struct store_tx *tx, const char *id);
};
struct dump_options {
    enum dump_compression compression;
    const struct dump_note *note; /* NULL: nobody does. */
    bool
        no_metadata; /* Without metadata.json and conversation_metadata.json, which restoring does not need. */
    bool logs; /* With the conversation's events as logs/events.jsonl. */
};
bool dump_write_with(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, const struct dump_options *options, int64_t now_ns, char *name_out,
    uint64_t *size, char *sha256, struct err *err) MUST_CHECK;
/* dump_write_with() of that form and nothing else. */
bool dump_write_as(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, enum dump_compression compression, int64_t now_ns, char *name_out,
    uint64_t *size, char *sha256, struct err *err) MUST_CHECK;
/* dump_write_as() with DUMP_GZIP. */
bool dump_write(struct store *s, const struct data_dirs *dirs, const char *id,
    const struct json *object, int64_t now_ns, char *name_out, uint64_t *size, char *sha256,
    struct err *err) MUST_CHECK;

/*
 * Restore from an archive file: only regular files and folders under one safe top folder; sizes and
 * hashes against the manifest where there is one (dumps of the older service have none); at most
 * max_bytes unpacked and 10,000 members; all or nothing. Runs that were going on when the dump was
 * made come back as cancelled. A copy gets new ids everywhere; a participant name that another
 * conversation has by now gets another number. note: NULL, or who notes it.
 * id_out: ID_LEN. Errors: ERR_DATA (what is wrong with the archive), ERR_STATE (id exists),
 *         ERR_TOO_LARGE.
 */
bool dump_restore(struct store *s, const struct data_dirs *dirs, const char *archive_path,
    enum restore_mode mode, enum partition_strategy strategy, const char *partition_format,
    uint64_t max_bytes, int64_t now_ns, const struct dump_note *note, char *id_out,
    struct err *err) MUST_CHECK;

/*
 * Would this archive restore? Everything that dump_restore() asks of an archive is checked, nothing
 * is kept. Errors: ERR_DATA, ERR_TOO_LARGE.
 */
bool dump_check(const struct data_dirs *dirs, const char *archive_path, uint64_t max_bytes,
    int64_t now_ns, struct err *err) MUST_CHECK;

#endif
