#ifndef SERVER_FOLDER_H
#define SERVER_FOLDER_H

/*
 * A data folder and what can be done with it: by the server, and without one by `sheetflow dump`,
 * `restore`, `verify` and `backup`.
 *
 *   FOLDER_SERVE    locked; made where it is missing; put in order (store_reconcile)
 *   FOLDER_CHANGE   the same, for a user who may be another one than the server's
 *   FOLDER_STILL    locked, so that nothing moves; must exist; the database is only read
 *   FOLDER_READ     works beside a running server: the database is opened for reading only, without
 *                   checkpoints, as the server's own readers are; locked while no server runs
 */

#include "base/fs.h"
#include "base/setting.h"
#include "store/dump.h"

enum folder_use { FOLDER_SERVE, FOLDER_CHANGE, FOLDER_STILL, FOLDER_READ };

struct folder {
    const struct settings *settings;
    struct data_dirs *dirs; /* The caller's, as the settings are. */
    struct store *store;
    int lock; /* -1: somebody else has it (FOLDER_READ). */
};

/*
 * f->settings and f->dirs are set; f->dirs is filled in.
 * Errors: ERR_STATE when another Sheetflow has the lock, ERR_NOT_FOUND when there is no data folder,
 * ERR_USAGE when it belongs to another user; those of store_open().
 */
bool folder_open(struct folder *f, enum folder_use use, struct err *err) MUST_CHECK;
void folder_close(struct folder *f); /* After a folder_open() that succeeded. */

/* Where everything lies; nothing is made or looked at. */
bool folder_name(
    const struct settings *settings, struct data_dirs *dirs, struct err *err) MUST_CHECK;
/* Path of the database file of the data folder `root`; out: FS_PATH_MAX. */
bool folder_database(
    const struct settings *settings, const char *root, char *out, struct err *err) MUST_CHECK;

struct folder_dump {
    char name[FS_NAME_MAX + 1];
    uint64_t size;
    char sha256[65];
};

/* What the setting chat_workflows.dump.compression asks for, and what a file name does. */
enum dump_compression folder_compression(const struct settings *settings);
bool folder_compression_of(const char *file, enum dump_compression *out);

/* Dump a conversation into the folder `dir` (NULL: dumps/). base_url goes before its links. note: as in dump.h, here and below. */
bool folder_dump(const struct folder *f, const char *id, const char *base_url,
    enum dump_compression compression, const char *dir, const struct dump_note *note,
    struct folder_dump *out, struct err *err) MUST_CHECK;

bool folder_restore_mode(const char *name, enum restore_mode *out);
bool folder_restore(const struct folder *f, const char *archive_path, enum restore_mode mode,
    const struct dump_note *note, char *id_out, struct err *err) MUST_CHECK;
/* Most bytes an archive may unpack to. */
uint64_t folder_restore_max(const struct settings *settings);
enum partition_strategy folder_partition(const struct settings *settings);

/* Back the database up under a new name in snapshots/. name: FS_NAME_MAX + 1, path: FS_PATH_MAX. */
bool folder_backup(const struct folder *f, const struct dump_note *note, char *name, char *path,
    struct err *err) MUST_CHECK;

#endif
