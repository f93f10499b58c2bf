/*
 * Restoring a dump: unpack aside, check everything, then let folder and rows take their place.
 *
 *   tmp/restore-<hex>/<old id>/      unpack()
 *   manifest, rows                   checked; rows of older dumps are rebuilt
 *   new ids, places, names           relocate_...()
 *   tmp/restore-<hex>/<new id>/  ──▶ workflows/<partition>/<new id>/    restore_marker.h
 *   rows                             one transaction
 */

#include "store/dump.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/rand.h"
#include "store/dump_format.h"
#include "store/rebuild.h"
#include "store/relocate.h"
#include "store/restore_marker.h"
#include "store/rows_json.h"
#include "store/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { STAGING_DIGITS = 16, NAME_TRIES = 64 };

struct restore {
    struct store *store;
    const struct data_dirs *dirs;
    enum restore_mode mode;
    enum partition_strategy strategy;
    const char *partition_format;
    int64_t now_ns;
    const struct dump_note *note;
    struct arena arena;
    char staging[32];              /* Its name in tmp/. */
    char staging_dir[FS_PATH_MAX]; /* tmp/<staging> */
    char staged[FS_PATH_MAX];      /* tmp/<staging>/<id> */
    char live[FS_PATH_MAX];
    struct unpacked unpacked;
    struct conversation_rows rows;
    bool exists;       /* The conversation is there and is to be replaced. */
    bool keep_staging; /* It holds a folder that belongs elsewhere: start-up sees to it. */
};

/* ---- what is in the archive ---- */

static bool load_member(
    struct restore *r, const char *name, char **data, size_t *n, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!unpack_find(&r->unpacked, name))
        return err_set(err, ERR_DATA, "the archive has no %s: it is not a dump", name);
    return fs_join(path, r->staged, name, err) && fs_load(path, DUMP_TEXT_MAX, data, n, err);
}

static bool load_json(struct restore *r, const char *name, struct json **out, struct err *err)
{
    char *text = NULL;
    size_t n;
    bool ok;

    if (!load_member(r, name, &text, &n, err))
        return false;
    ok = json_parse_max(text, n, DUMP_TEXT_MAX, out, err);
    free(text);
    if (ok)
        return true;
    if (err->code == ERR_MALFORMED)
        err->code = ERR_DATA;
    return err_wrap(err, "%s", name);
}

static bool check_listed(struct restore *r, const struct json *listed, struct err *err)
{
    const char *path = json_get_string(listed, "path");
    const char *sha256 = json_get_string(listed, "sha256");
    int64_t size = json_get_int(listed, "size", -1);
    const struct member *m;

    if (!path || !sha256 || size < 0)
        return err_set(err, ERR_DATA, "%s: an entry has no path, size or sha256", DUMP_MANIFEST);
    m = unpack_find(&r->unpacked, path);
    if (!m)
        return err_set(err, ERR_DATA, "the archive lacks %.200s, which its manifest lists", path);
    if (m->size != (uint64_t)size || strcmp(m->sha256, sha256) != 0)
        return err_set(err, ERR_DATA,
            "%.200s is not what the manifest says: the archive has been changed", path);
    return true;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The listed paths, sorted, so that members that are not listed can be told. */
static bool check_unlisted(struct restore *r, const struct json *members, struct err *err)
{
    size_t n = json_len(members);
    const char **paths = arena_calloc(&r->arena, n + 1, sizeof *paths);

    if (!paths)
        return err_nomem(err);
    for (size_t i = 0; i < n; i++)
        paths[i] = json_get_string(json_at(members, i), "path");
    qsort(paths, n, sizeof *paths, compare_paths);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(paths[i - 1], paths[i]) == 0)
            return err_set(err, ERR_DATA, "%s lists %.200s twice", DUMP_MANIFEST, paths[i]);
    }
    for (size_t i = 0; i < r->unpacked.n; i++) {
        const char *path = r->unpacked.members[i].path;

        if (strcmp(path, DUMP_MANIFEST) != 0 &&
            !bsearch(&path, paths, n, sizeof *paths, compare_paths))
            return err_set(
                err, ERR_DATA, "the archive holds %.200s, which its manifest does not list", path);
    }
    return true;
}

static bool check_manifest(struct restore *r, struct err *err)
{
    const struct json *members;
    struct json *manifest;
    int64_t version;
    bool ok = false;

    if (!load_json(r, DUMP_MANIFEST, &manifest, err))
        return false;
    version = json_get_int(manifest, "version", 0);
    members = json_get(manifest, "members");
    if (version > DUMP_VERSION) {
        err_set(err, ERR_DATA,
            "the dump was made by a newer Sheetflow (version %lld; this one knows %d)",
            (long long)version, DUMP_VERSION);
        goto out;
    }
    if (version < 1 || json_kind(members) != JSON_KIND_ARRAY) {
        err_set(err, ERR_DATA, "%s has no version and list of members", DUMP_MANIFEST);
        goto out;
    }
    for (size_t i = 0; i < json_len(members); i++) {
        if (!check_listed(r, json_at(members, i), err))
            goto out;
    }
    ok = check_unlisted(r, members, err);
out:
    json_free(manifest);
    return ok;
}

/* Each row has its file, each file its row. */
static bool check_files(struct restore *r, struct err *err)
{
    size_t in_folders = 0;

    for (size_t i = 0; i < r->unpacked.n; i++)
        in_folders += r->unpacked.members[i].extracted && strchr(r->unpacked.members[i].path, '/');
    for (size_t i = 0; i < r->rows.n_files; i++) {
        const struct stored_file *f = &r->rows.files[i];
        char path[FS_PATH_MAX];
        const struct member *m;

        if (!fs_join(path, file_kind_folder(f->kind), f->name, err))
            return false;
        m = unpack_find(&r->unpacked, path);
        if (!m || m->size != f->size || strcmp(m->sha256, f->sha256) != 0)
            return err_set(err, ERR_DATA,
                "the archive does not hold the file %s that its rows tell of", f->name);
    }
    if (in_folders != r->rows.n_files)
        return err_set(err, ERR_DATA, "the archive holds %zu files, but its rows tell of %zu",
            in_folders, r->rows.n_files);
    return true;
}

static bool load_own_rows(struct restore *r, struct err *err)
{
    char *text = NULL;
    size_t n = 0;
    bool ok;

    if (!load_member(r, DUMP_ROWS, &text, &n, err))
        return false;
    ok = rows_json_read(text, n, &r->arena, &r->rows, err);
    free(text);
    if (ok && strcmp(r->rows.conversation.id, r->unpacked.id) != 0)
        return err_set(err, ERR_DATA, "the conversation is not the one the archive is named for");
    return ok && check_files(r, err);
}

static bool load_older_rows(struct restore *r, struct err *err)
{
    struct json *object;
    bool ok;

    if (!load_json(r, DUMP_OBJECT, &object, err))
        return false;
    ok = rebuild_rows(object, &r->unpacked, r->now_ns, &r->arena, &r->rows, err);
    json_free(object);
    return ok;
}

static bool load_rows(struct restore *r, struct err *err)
{
    if (unpack_find(&r->unpacked, DUMP_MANIFEST))
        return check_manifest(r, err) && load_own_rows(r, err);
    if (unpack_find(&r->unpacked, DUMP_ROWS))
        return err_set(err, ERR_DATA, "the archive has no %s", DUMP_MANIFEST);
    return load_older_rows(r, err);
}

/* ---- what it becomes ---- */

/* No one works on these runs any more. */
static void end_unfinished(struct restore *r)
{
    struct conversation *c = &r->rows.conversation;

    for (size_t i = 0; i < r->rows.n_runs; i++) {
        struct run *run = &r->rows.runs[i];

        if (run->status == RUN_PENDING || run->status == RUN_RUNNING) {
            run->status = RUN_CANCELLED;
            run->completed_ns = r->now_ns;
        }
    }
    for (size_t i = 0; i < r->rows.n_steps; i++) {
        struct step *st = &r->rows.steps[i];

        if (st->status == STEP_RUNNING || st->status == STEP_PENDING) {
            st->completed_ns = st->status == STEP_RUNNING ? r->now_ns : st->completed_ns;
            st->status = st->status == STEP_RUNNING ? STEP_CANCELLED : STEP_SKIPPED;
        }
    }
    if (c->status == CONVERSATION_PROCESSING)
        c->status = CONVERSATION_ACTIVE;
}

/* ^[A-Z][A-Za-z]+-[1-9]\d{3}$ */
static bool is_participant(const char *name)
{
    const char *dash = strchr(name, '-');

    if (!dash || dash - name < 2 || dash - name > 48 || *name < 'A' || *name > 'Z')
        return false;
    for (const char *p = name; p < dash; p++) {
        if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')))
            return false;
    }
    return dash[1] >= '1' && dash[1] <= '9' && strlen(dash) == 5 &&
           strspn(dash + 1, "0123456789") == 4;
}

/* The same word with other digits, where someone else has the name by now. */
static bool choose_participant(struct restore *r, const char *own, struct err *err)
{
    struct conversation *c = &r->rows.conversation;
    char name[64];
    bool taken;

    if (!is_participant(c->participant))
        c->participant = "BlueWhale-1000";
    snprintf(name, sizeof name, "%s", c->participant);
    for (int i = 0; i < NAME_TRIES; i++) {
        if (!store_participant_taken(r->store, name, &taken, err))
            return false;
        if (!taken || (own && strcmp(own, name) == 0)) {
            c->participant = arena_strdup(&r->arena, name);
            return c->participant ? true : err_nomem(err);
        }
        snprintf(name, sizeof name, "%.*s-%u", (int)strcspn(c->participant, "-"), c->participant,
            1000 + rand_below(9000));
    }
    return err_set(err, ERR_BUSY, "no free participant name was found; try again");
}

/* Where it goes: the place of the conversation that it replaces, or that of its time or id. */
static bool choose_place(struct restore *r, const char *new_id, struct err *err)
{
    struct conversation *c = &r->rows.conversation, old;
    char partition[64];

    r->exists = store_conversation_get(r->store, new_id, &r->arena, &old, err);
    if (!r->exists && err->code != ERR_NOT_FOUND)
        return false;
    if (r->exists && r->mode != RESTORE_REPLACE)
        return err_set(err, ERR_STATE,
            "the conversation %s exists already: restore with mode replace or copy", new_id);
    if (!choose_participant(r, r->exists ? old.participant : NULL, err))
        return false;
    if (r->exists && !c->owner)
        c->owner = old.owner;
    if (r->exists) {
        c->partition = old.partition;
        return true;
    }
    if (!partition_make(r->strategy, r->partition_format, new_id, c->created_ns, partition, err))
        return false;
    c->partition = arena_strdup(&r->arena, partition);
    return c->partition ? true : err_nomem(err);
}

static bool collect_ids(struct restore *r, struct relocate *to, const char *new_id, struct err *err)
{
    char id[ID_LEN];

    if (!relocate_add(to, r->rows.conversation.id, new_id, err))
        return false;
    for (size_t i = 0; i < r->rows.n_messages; i++) {
        rand_uuid(id);
        if (!relocate_add(to, r->rows.messages[i].id, id, err))
            return false;
    }
    for (size_t i = 0; i < r->rows.n_runs; i++) {
        rand_uuid(id);
        if (!relocate_add(to, r->rows.runs[i].id, id, err))
            return false;
    }
    for (size_t i = 0; i < r->rows.n_steps; i++) {
        rand_uuid(id);
        if (!relocate_add(to, r->rows.steps[i].id, id, err))
            return false;
    }
    return relocate_ready(to, err);
}

static bool relocate_runs(
    struct conversation_rows *rows, const struct relocate *to, struct err *err)
{
    for (size_t i = 0; i < rows->n_runs; i++) {
        struct run *run = &rows->runs[i];

        relocate_id(to, run->id);
        relocate_id(to, run->conversation);
        if (!relocate_text(to, &run->steps, err) || !relocate_text(to, &run->input, err) ||
            !relocate_text(to, &run->options, err) || !relocate_text(to, &run->error, err))
            return false;
    }
    for (size_t i = 0; i < rows->n_steps; i++) {
        struct step *st = &rows->steps[i];

        relocate_id(to, st->id);
        relocate_id(to, st->run);
        if (!relocate_text(to, &st->arguments, err) || !relocate_text(to, &st->input_file, err) ||
            !relocate_text(to, &st->output_file, err) || !relocate_text(to, &st->error, err) ||
            !relocate_text(to, &st->result, err) || !relocate_text(to, &st->warnings, err))
            return false;
    }
    return true;
}

static bool relocate_rows(
    struct conversation_rows *rows, const struct relocate *to, struct err *err)
{
    relocate_id(to, rows->conversation.id);
    if (!relocate_text(to, &rows->conversation.metadata, err) || !relocate_runs(rows, to, err))
        return false;
    for (size_t i = 0; i < rows->n_messages; i++) {
        struct message *m = &rows->messages[i];

        relocate_id(to, m->id);
        if (!relocate_text(to, &m->content, err) || !relocate_text(to, &m->metadata, err))
            return false;
    }
    for (size_t i = 0; i < rows->n_files; i++) {
        struct stored_file *f = &rows->files[i];

        relocate_id(to, f->conversation);
        relocate_id(to, f->run);
        if (!relocate_text(to, &f->facts, err))
            return false;
    }
    for (size_t i = 0; i < rows->n_events; i++) {
        if (!relocate_text(to, &rows->events[i].body, err))
            return false;
    }
    return true;
}

static bool transform(struct restore *r, struct err *err)
{
    struct conversation *c = &r->rows.conversation;
    char new_id[ID_LEN], folder[80];
    struct relocate to;

    memcpy(new_id, c->id, ID_LEN);
    if (r->mode == RESTORE_COPY)
        rand_uuid(new_id);
    end_unfinished(r);
    if (!choose_place(r, new_id, err))
        return false;
    snprintf(folder, sizeof folder, "workflows/%s%s", c->partition, *c->partition ? "/" : "");
    relocate_init(&to, &r->arena, c->id, folder);
    if (r->mode == RESTORE_COPY && !collect_ids(r, &to, new_id, err))
        return false;
    return relocate_rows(&r->rows, &to, err);
}

/* ---- taking its place ---- */

static bool remove_member(struct restore *r, const char *name, struct err *err)
{
    char path[FS_PATH_MAX];

    if (!fs_join(path, r->staged, name, err))
        return false;
    return unlink(path) == 0 || errno == ENOENT || err_errno(err, errno, "the restored folder");
}

/* The folder as it will be: its new name, its own metadata.json, nothing that only the archive
 * needs. */
static bool prepare_folder(struct restore *r, struct err *err)
{
    const struct conversation *c = &r->rows.conversation;
    char renamed[FS_PATH_MAX], sub[FS_PATH_MAX];

    if (!remove_member(r, DUMP_MANIFEST, err) || !remove_member(r, DUMP_ROWS, err) ||
        !remove_member(r, DUMP_OBJECT, err) || !fs_join(renamed, r->staging_dir, c->id, err))
        return false;
    if (strcmp(renamed, r->staged) != 0 && rename(r->staged, renamed) != 0)
        return err_errno(err, errno, "the restored folder");
    memcpy(r->staged, renamed, sizeof renamed);
    if (!conversation_metadata_save(r->staged, c, err))
        return false;
    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        if (!fs_join(sub, r->staged, file_kind_folder((enum file_kind)kind), err) ||
            !fs_sync_dir(sub, err))
            return false;
    }
    return restore_mark(r->staged, r->staging, err) && fs_sync_dir(r->staged, err) &&
           conversation_dir(r->dirs, c->partition, c->id, r->live, err);
}

static bool commit_rows(struct restore *r, struct err *err)
{
    const struct conversation_rows *rows = &r->rows;
    const char *id = rows->conversation.id;
    struct store_tx *tx = store_begin(r->store);

    if (r->exists)
        store_delete_conversation(tx, id);
    store_add_conversation(tx, &rows->conversation);
    for (size_t i = 0; i < rows->n_runs; i++)
        store_add_run(tx, &rows->runs[i]);
    for (size_t i = 0; i < rows->n_steps; i++)
        store_add_step(tx, &rows->steps[i]);
    for (size_t i = 0; i < rows->n_files; i++)
        store_add_file(tx, &rows->files[i]);
    for (size_t i = 0; i < rows->n_messages; i++)
        store_add_message(tx, id, &rows->messages[i]);
    for (size_t i = 0; i < rows->n_events; i++)
        store_restore_event(tx, id, &rows->events[i]);
    if (r->note)
        r->note->restored(r->note->arg, tx, id);
    return store_commit(tx, err);
}

/* Where the folder has got into its place: put the old one back. If that fails, start-up does it by
 * the marker. */
static void undo_move(struct restore *r)
{
    struct err ignored;
    bool moved;

    if (restore_is_half_done(r->live, &moved, &ignored) && moved &&
        !restore_move_out(r->staged, r->live, &ignored)) {
        r->keep_staging = true;
        log_write(LOG_ERROR, "a restored folder could not be moved out again; restart the server",
            "chat_id", r->rows.conversation.id, NULL);
    }
}

static bool take_place(struct restore *r, struct err *err)
{
    struct err ignored;

    if (!restore_move_in(r->staged, r->live, err) || !commit_rows(r, err)) {
        undo_move(r);
        return false;
    }
    if (!restore_unmark(r->live, &ignored))
        log_write(LOG_WARNING, "the mark of a finished restore stays behind", "chat_id",
            r->rows.conversation.id, NULL);
    return true;
}

/* One at a time: two that replace the same conversation must not mix one's folder with the other's
 * rows. */
static bool take_place_alone(struct restore *r, struct err *err)
{
    int lock = open(r->dirs->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
    bool ok;

    if (lock < 0)
        return err_errno(err, errno, "the folder for temporary files");
    do
        rc = flock(lock, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    ok = rc == 0 || err_errno(err, errno, "the folder for temporary files");
    ok = ok && transform(r, err) && prepare_folder(r, err) && take_place(r, err);
    close(lock); /* Unlocks. */
    return ok;
}

static bool load_archive(
    struct restore *r, const char *archive_path, uint64_t max_bytes, struct err *err)
{
    return unpack(archive_path, r->staging_dir, max_bytes, &r->arena, &r->unpacked, err) &&
           fs_join(r->staged, r->staging_dir, r->unpacked.id, err) && load_rows(r, err);
}

static bool run_restore(
    struct restore *r, const char *archive_path, uint64_t max_bytes, struct err *err)
{
    return load_archive(r, archive_path, max_bytes, err) && take_place_alone(r, err);
}

static bool open_staging(struct restore *r, struct err *err)
{
    char digits[STAGING_DIGITS + 1];

    rand_hex(digits, STAGING_DIGITS);
    snprintf(r->staging, sizeof r->staging, "restore-%s", digits);
    return fs_join(r->staging_dir, r->dirs->tmp, r->staging, err) &&
           fs_make_dirs(r->staging_dir, err);
}

static void close_staging(struct restore *r)
{
    struct err ignored;

    if (!r->keep_staging && !fs_remove_tree(r->staging_dir, &ignored))
        log_write(LOG_WARNING, "a restore's temporary folder stays behind", NULL);
}

bool dump_check(const struct data_dirs *dirs, const char *archive_path, uint64_t max_bytes,
    int64_t now_ns, struct err *err)
{
    struct restore r = { .dirs = dirs, .now_ns = now_ns };
    bool ok;

    if (!open_staging(&r, err))
        return false;
    arena_init(&r.arena, NULL);
    ok = load_archive(&r, archive_path, max_bytes, err);
    close_staging(&r);
    arena_deinit(&r.arena);
    return ok;
}

bool dump_restore(struct store *s, const struct data_dirs *dirs, const char *archive_path,
    enum restore_mode mode, enum partition_strategy strategy, const char *partition_format,
    uint64_t max_bytes, int64_t now_ns, const struct dump_note *note, char *id_out, struct err *err)
{
    struct restore r = { .store = s,
        .note = note,
        .dirs = dirs,
        .mode = mode,
        .strategy = strategy,
        .partition_format = partition_format,
        .now_ns = now_ns };
    bool ok;

    if (!open_staging(&r, err))
        return false;
    arena_init(&r.arena, NULL);
    ok = run_restore(&r, archive_path, max_bytes, err);
    close_staging(&r);
    if (ok)
        memcpy(id_out, r.rows.conversation.id, ID_LEN);
    arena_deinit(&r.arena);
    return ok;
}
