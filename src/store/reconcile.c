/*
 * Start-up: make the disk and the database agree after whatever happened before.
 *
 *   folder of no conversation ............ removed     (its row was never committed, or is deleted)
 *   file without row ...................... removed     (its step was never committed)
 *   row without file, or of another size .. row removed, told in the log
 *   folder with RESTORE_MARKER ............ a restore was cut off: whichever of the two folders
 *                                           matches the rows stays (see restore.c)
 *   tmp/, *.tmp in dumps/ and snapshots/ .. removed
 *
 * One exception protects from a lost or exchanged database: workflows/.store holds the number of
 * the database that the folders belong to. While it is another one's, or there is none and the
 * database is empty, folders with files in them stay where they are.
 *
 * Doing it twice changes nothing the second time.
 */

#include "store/files.h"

#include "base/fault.h"
#include "base/fs.h"
#include "base/log.h"
#include "store/restore_marker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_ID_FILE ".store"
enum { PAGE = 500, PARTITION_DEPTH = 16, STORE_ID_MAX = 64 };

struct reconcile {
    struct store *store;
    const struct data_dirs *dirs;
    struct arena arena;   /* Of a page of conversations. */
    struct arena scratch; /* Of one conversation. */
    bool store_is_empty;
    bool id_is_known;  /* There is a STORE_ID_FILE. */
    bool keep_orphans; /* The folders may belong to another database. */
    bool kept_some;
    struct reconcile_report report;
};

/* ---- walking folders ---- */

/* Called for each entry but . and ..; the names are read first, so that it may remove them. */
typedef bool entry_fn(void *arg, const char *dir, const char *name, struct err *err);

struct names {
    char **v;
    size_t n, cap;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->v[i]);
    free(names->v);
}

static bool add_name(struct names *names, const char *name)
{
    if (names->n == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        char **grown = realloc(names->v, cap * sizeof *grown);

        if (!grown)
            return false;
        names->v = grown;
        names->cap = cap;
    }
    names->v[names->n] = strdup(name);
    return names->v[names->n] && ++names->n;
}

static bool each_entry(const char *dir, entry_fn *fn, void *arg, struct err *err)
{
    struct names names = { 0 };
    DIR *d = opendir(dir);
    struct dirent *entry;
    bool ok = true;

    if (!d)
        return errno == ENOENT ? true : err_errno(err, errno, "a folder of the data folder");
    errno = 0;
    while (ok && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ok = add_name(&names, entry->d_name) || err_nomem(err);
    }
    if (ok && errno != 0)
        ok = err_errno(err, errno, "a folder of the data folder");
    closedir(d);
    for (size_t i = 0; ok && i < names.n; i++)
        ok = fn(arg, dir, names.v[i], err);
    free_names(&names);
    return ok;
}

static bool is_dir(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_tmp(const char *name)
{
    size_t n = strlen(name), suffix = strlen(FS_TMP_SUFFIX);

    return n >= suffix && strcmp(name + n - suffix, FS_TMP_SUFFIX) == 0;
}

static bool remove_tmp_entry(void *arg, const char *dir, const char *name, struct err *err)
{
    struct reconcile *r = arg;
    char path[FS_PATH_MAX];

    if ((strcmp(dir, r->dirs->tmp) != 0 && !is_tmp(name)) || fault_is("no-sweep"))
        return true;
    if (!fs_join(path, dir, name, err) || !fs_remove_tree(path, err))
        return false;
    r->report.tmp_removed++;
    return true;
}

/* ---- one conversation ---- */

static int compare_files(const void *a, const void *b)
{
    const struct stored_file *x = a, *y = b;

    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

struct folder {
    struct reconcile *r;
    const struct stored_file *files; /* Sorted. */
    size_t n;
    enum file_kind kind;
};

static bool check_entry(void *arg, const char *dir, const char *name, struct err *err)
{
    struct folder *f = arg;
    struct stored_file key = { .kind = f->kind, .name = name };
    char path[FS_PATH_MAX];

    if ((f->n && bsearch(&key, f->files, f->n, sizeof key, compare_files)) || fault_is("no-sweep"))
        return true;
    if (!fs_join(path, dir, name, err) || !fs_remove_tree(path, err))
        return false;
    if (is_tmp(name))
        f->r->report.tmp_removed++;
    else
        f->r->report.orphans_removed++;
    return true;
}

static bool file_is_there(struct reconcile *r, const struct conversation *c,
    const struct stored_file *f, bool *there, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct stat st;

    if (!conversation_file_dir(r->dirs, c->partition, c->id, f->kind, dir, err) ||
        !fs_join(path, dir, f->name, err))
        return false;
    *there = lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == f->size;
    return true;
}

static void tell_missing(const struct conversation *c, const struct stored_file *f)
{
    log_write(LOG_ERROR, "a file is missing or has another size; its row is removed", "chat_id",
        c->id, "file", f->name, NULL);
}

/* Remove the rows whose file is gone; keeps the others, in order, in files[0..*n). */
static bool drop_missing(struct reconcile *r, const struct conversation *c,
    struct stored_file *files, size_t *n, struct err *err)
{
    struct store_tx *tx = NULL;
    size_t kept = 0;
    bool there;

    for (size_t i = 0; i < *n; i++) {
        if (!file_is_there(r, c, &files[i], &there, err)) {
            store_abort(tx);
            return false;
        }
        if (there) {
            files[kept++] = files[i];
            continue;
        }
        if (!tx && !(tx = store_begin(r->store)))
            return err_nomem(err);
        tell_missing(c, &files[i]);
        store_delete_file(tx, c->id, files[i].name);
        r->report.rows_missing++;
    }
    *n = kept;
    return !tx || store_commit(tx, err);
}

static bool make_missing_dirs(struct reconcile *r, const struct conversation *c, struct err *err)
{
    char dir[FS_PATH_MAX];

    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        if (!conversation_file_dir(r->dirs, c->partition, c->id, (enum file_kind)kind, dir, err))
            return false;
        if (!is_dir(dir))
            return conversation_dirs_make(r->dirs, c, err);
    }
    return true;
}

static bool check_conversation_files(
    struct reconcile *r, const struct conversation *c, struct err *err)
{
    char dir[FS_PATH_MAX];
    struct stored_file *files = NULL;
    size_t n = 0;

    arena_reset(&r->scratch);
    if (!store_files(r->store, c->id, &r->scratch, &files, &n, err) ||
        !restore_settle(r->dirs, c, files, n, err) || !drop_missing(r, c, files, &n, err) ||
        !make_missing_dirs(r, c, err))
        return false;
    if (n > 1)
        qsort(files, n, sizeof *files, compare_files);
    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        struct folder f = { r, files, n, (enum file_kind)kind };

        if (!conversation_file_dir(r->dirs, c->partition, c->id, f.kind, dir, err) ||
            !each_entry(dir, check_entry, &f, err))
            return false;
    }
    if (!conversation_dir(r->dirs, c->partition, c->id, dir, err))
        return false;
    return each_entry(dir, remove_tmp_entry, r, err); /* metadata.json.tmp */
}

static bool check_all(struct reconcile *r, struct err *err)
{
    struct conversation_filter page = { .limit = PAGE };
    struct conversation *list;
    uint64_t total;
    size_t n;

    do {
        arena_reset(&r->arena);
        if (!store_conversation_list(r->store, &page, &r->arena, &list, &n, &total, err))
            return false;
        r->store_is_empty = total == 0;
        for (size_t i = 0; i < n; i++) {
            if (!check_conversation_files(r, &list[i], err))
                return false;
        }
        page.offset += PAGE;
    } while (n == PAGE);
    return true;
}

/* ---- folders of no conversation ---- */

static bool count_file(void *arg, const char *relative, uint64_t size, struct err *err)
{
    (void)size;
    (void)err;
    *(bool *)arg = *(bool *)arg || strchr(relative, '/') != NULL; /* Below uploads/ and the like. */
    return true;
}

static bool remove_orphan(struct reconcile *r, const char *path, const char *id, struct err *err)
{
    bool holds_files = false, half_restored;

    if (!restore_is_half_done(path, &half_restored, err))
        return false;
    if (r->keep_orphans && !half_restored) {
        if (!fs_walk(path, count_file, &holds_files, err))
            return false;
        if (holds_files) {
            log_write(LOG_ERROR,
                "a folder belongs to another database and is left alone: bring that back, or "
                "remove "
                "workflows/" STORE_ID_FILE " to give the folder up",
                "chat_id", id, NULL);
            r->kept_some = true;
            return true;
        }
    }
    log_write(LOG_WARNING, "a folder without conversation is removed", "chat_id", id, NULL);
    if (!fs_remove_tree(path, err))
        return false;
    r->report.orphans_removed++;
    return true;
}

struct level {
    struct reconcile *r;
    const char *partition;
    int depth;
};

static bool check_folder(void *arg, const char *dir, const char *name, struct err *err)
{
    struct level *l = arg;
    char path[FS_PATH_MAX], partition[FS_PATH_MAX];
    struct conversation c;

    if (!fs_join(path, dir, name, err))
        return false;
    if (!is_dir(path))
        return true;
    if (!conversation_id_ok(name)) {
        struct level below = { l->r, partition, l->depth + 1 };

        if (below.depth > PARTITION_DEPTH)
            return true;
        snprintf(partition, sizeof partition, "%.2000s%s%s", l->partition, *l->partition ? "/" : "",
            name);
        return each_entry(path, check_folder, &below, err);
    }
    arena_reset(&l->r->scratch);
    if (store_conversation_get(l->r->store, name, &l->r->scratch, &c, err)) {
        if (strcmp(c.partition, l->partition) == 0)
            return true;
    } else if (err->code != ERR_NOT_FOUND) {
        return false;
    }
    return remove_orphan(l->r, path, name, err);
}

/* Whose are the folders? */
static bool check_owner(struct reconcile *r, struct err *err)
{
    char path[FS_PATH_MAX], mine[STORE_ID_MAX], *data;
    size_t n;

    if (!fs_join(path, r->dirs->workflows, STORE_ID_FILE, err))
        return false;
    snprintf(mine, sizeof mine, "%lld\n", (long long)store_id(r->store));
    if (access(path, F_OK) != 0) {
        r->keep_orphans = r->store_is_empty;
        return true;
    }
    if (!fs_load(path, STORE_ID_MAX, &data, &n, err))
        return false;
    r->id_is_known = true;
    r->keep_orphans = strcmp(data, mine) != 0;
    free(data);
    return true;
}

static bool claim_folders(struct reconcile *r, struct err *err)
{
    char path[FS_PATH_MAX], mine[STORE_ID_MAX];
    int n = snprintf(mine, sizeof mine, "%lld\n", (long long)store_id(r->store));

    if (r->id_is_known || r->kept_some)
        return true;
    return fs_join(path, r->dirs->workflows, STORE_ID_FILE, err) &&
           fs_save(path, mine, (size_t)n, err);
}

bool store_reconcile(
    struct store *s, const struct data_dirs *dirs, struct reconcile_report *out, struct err *err)
{
    struct reconcile r = { .store = s, .dirs = dirs };
    struct level top = { &r, "", 0 };
    bool ok;

    arena_init(&r.arena, NULL);
    arena_init(&r.scratch, NULL);
    ok = check_all(&r, err) && check_owner(&r, err) &&
         each_entry(dirs->workflows, check_folder, &top, err) &&
         each_entry(dirs->tmp, remove_tmp_entry, &r, err) &&
         each_entry(dirs->dumps, remove_tmp_entry, &r, err) &&
         each_entry(dirs->snapshots, remove_tmp_entry, &r, err) && claim_folders(&r, err);
    arena_deinit(&r.arena);
    arena_deinit(&r.scratch);
    if (ok)
        *out = r.report;
    return ok;
}
