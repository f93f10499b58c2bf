/*
 * The whole data folder, looked at:
 *
 *   database ............ every page, index and reference
 *   rows of files ....... a file of that size and SHA-256 lies in its place
 *   files ............... each has its row, each folder its conversation
 *   dumps ............... each archive is what its manifest says
 *
 * Conversations are read a page at a time; memory does not grow with their number.
 */

#include "store/verify.h"

#include "base/fs.h"
#include "store/dump.h"
#include "store/restore_marker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 500 };

struct verify {
    struct store *store;
    const struct data_dirs *dirs;
    const struct verify_options *options;
    struct arena arena;   /* Of a page of conversations. */
    struct arena scratch; /* Of one conversation. */
    struct verify_report report;

    /* The conversation being looked at. */
    const struct conversation *c;
    const struct stored_file *files; /* Sorted. */
    bool *seen;
    size_t n;

    char known[FS_PATH_MAX]; /* The folder that was looked up last. */
};

static void tell(struct verify *v, enum verify_kind kind, const char *where, const char *what)
{
    if (kind == VERIFY_FAULT)
        v->report.faults++;
    else
        v->report.leftovers++;
    v->options->tell(v->options->arg, kind, where, what);
}

static void tell_file(
    struct verify *v, enum verify_kind kind, const char *relative, const char *what)
{
    char where[FS_PATH_MAX];

    snprintf(where, sizeof where, "%s/%.4000s", v->c->id, relative);
    tell(v, kind, where, what);
}

static bool go_on(const struct verify *v, struct err *err)
{
    if (v->options->stop && v->options->stop())
        return err_set(err, ERR_CANCELLED, "stopped on request");
    return true;
}

static bool is_tmp(const char *name)
{
    size_t n = strlen(name), suffix = strlen(FS_TMP_SUFFIX);

    return n >= suffix && strcmp(name + n - suffix, FS_TMP_SUFFIX) == 0;
}

/* ---- one conversation ---- */

static int compare_files(const void *a, const void *b)
{
    const struct stored_file *x = a, *y = b;

    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

/* The row of "uploads/a.csv", or NULL. */
static const struct stored_file *find_row(const struct verify *v, const char *relative)
{
    const char *slash = strchr(relative, '/');
    struct stored_file key = { 0 };
    char folder[16];

    if (!slash || v->n == 0)
        return NULL;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - relative), relative);
    if (!file_kind_find(folder, &key.kind))
        return NULL;
    key.name = slash + 1;
    return bsearch(&key, v->files, v->n, sizeof key, compare_files);
}

static bool check_content(struct verify *v, const struct stored_file *f, const char *dir,
    const char *relative, struct err *err)
{
    char what[160], sha256[65];
    struct err unread;
    uint64_t size;
    int fd;

    if (!fs_open_beneath(dir, relative, &fd, &size, &unread)) {
        tell_file(v, VERIFY_FAULT, relative, "the file cannot be opened");
        return true;
    }
    v->report.bytes += size;
    if (size != f->size) {
        snprintf(what, sizeof what, "the file has %llu bytes; it was stored with %llu",
            (unsigned long long)size, (unsigned long long)f->size);
        tell_file(v, VERIFY_FAULT, relative, what);
    } else if (!fs_sha256_fd(fd, sha256, &unread)) {
        tell_file(v, VERIFY_FAULT, relative, "the disk cannot read the file");
    } else if (strcmp(sha256, f->sha256) != 0) {
        tell_file(v, VERIFY_FAULT, relative,
            "the file's content is not the one that was stored (SHA-256 differs)");
    }
    close(fd);
    return go_on(v, err);
}

static bool see_file(void *arg, const char *relative, uint64_t size, struct err *err)
{
    struct verify *v = arg;
    const struct stored_file *f = find_row(v, relative);

    (void)size;
    (void)err;
    if (f)
        v->seen[f - v->files] = true;
    else if (strcmp(relative, RESTORE_MARKER) == 0)
        tell_file(v, VERIFY_LEFTOVER, relative, "a restore was cut off");
    else if (is_tmp(relative))
        tell_file(v, VERIFY_LEFTOVER, relative, "a temporary file");
    else if (strcmp(relative, "metadata.json") != 0)
        tell_file(v, VERIFY_FAULT, relative, "a file that the database does not know");
    return true;
}

static bool check_conversation_files(struct verify *v, struct err *err)
{
    char dir[FS_PATH_MAX], relative[FS_PATH_MAX];

    if (!conversation_dir(v->dirs, v->c->partition, v->c->id, dir, err))
        return false;
    if (access(dir, F_OK) != 0) {
        tell(v, VERIFY_FAULT, v->c->id, "the conversation's folder is missing");
        return true;
    }
    if (!fs_walk(dir, see_file, v, err))
        return false;
    for (size_t i = 0; i < v->n; i++) {
        if (!fs_join(relative, file_kind_folder(v->files[i].kind), v->files[i].name, err))
            return false;
        if (!v->seen[i])
            tell_file(v, VERIFY_FAULT, relative, "the file is missing");
        else if (!check_content(v, &v->files[i], dir, relative, err))
            return false;
    }
    return true;
}

static bool check_conversation(struct verify *v, const struct conversation *c, struct err *err)
{
    struct stored_file *files = NULL;

    arena_reset(&v->scratch);
    v->c = c;
    if (!store_files(v->store, c->id, &v->scratch, &files, &v->n, err))
        return false;
    v->seen = arena_calloc(&v->scratch, v->n + 1, sizeof *v->seen);
    if (!v->seen)
        return err_nomem(err);
    if (v->n > 1)
        qsort(files, v->n, sizeof *files, compare_files);
    v->files = files;
    v->report.conversations++;
    v->report.files += v->n;
    return go_on(v, err) && check_conversation_files(v, err);
}

static bool check_conversations(struct verify *v, struct err *err)
{
    struct conversation_filter page = { .limit = PAGE };
    struct conversation *list;
    uint64_t total;
    size_t n;

    do {
        arena_reset(&v->arena);
        if (!store_conversation_list(v->store, &page, &v->arena, &list, &n, &total, err))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (!check_conversation(v, &list[i], err))
                return false;
        }
        page.offset += PAGE;
    } while (n == PAGE);
    return true;
}

/* ---- folders of no conversation ---- */

/* The folder of a conversation that a file lies in: "2026/02/<id>". */
struct place {
    char path[FS_PATH_MAX];
    char *id;       /* In it. */
    bool has_parts; /* Something stands before the id. */
};

static bool find_place(const char *relative, struct place *place)
{
    for (const char *part = relative, *slash; (slash = strchr(part, '/')); part = slash + 1) {
        if (slash - part != ID_LEN - 1)
            continue;
        snprintf(place->path, sizeof place->path, "%.*s", (int)(slash - relative), relative);
        place->id = place->path + (part - relative);
        place->has_parts = part > relative;
        if (conversation_id_ok(place->id))
            return true;
    }
    return false;
}

static bool is_at(const struct conversation *c, const struct place *place)
{
    size_t n = strlen(c->partition);

    return place->has_parts ? n + 1 == (size_t)(place->id - place->path) &&
                                  strncmp(c->partition, place->path, n) == 0
                            : n == 0;
}

static bool see_folder(void *arg, const char *relative, uint64_t size, struct err *err)
{
    struct verify *v = arg;
    struct conversation c;
    struct place place;

    (void)size;
    if (!find_place(relative, &place) || strcmp(place.path, v->known) == 0)
        return true;
    arena_reset(&v->scratch);
    memcpy(v->known, place.path, sizeof place.path);
    if (store_conversation_get(v->store, place.id, &v->scratch, &c, err)) {
        if (!is_at(&c, &place))
            tell(v, VERIFY_FAULT, place.path, "this folder is not where its conversation lies");
    } else if (err->code == ERR_NOT_FOUND) {
        tell(v, VERIFY_FAULT, place.path,
            "a folder of a conversation that the database does not know");
    } else {
        return false;
    }
    return go_on(v, err);
}

/* ---- the rest ---- */

static bool see_tmp(void *arg, const char *relative, uint64_t size, struct err *err)
{
    char where[FS_PATH_MAX];

    (void)size;
    (void)err;
    snprintf(where, sizeof where, "tmp/%.4000s", relative);
    tell(arg, VERIFY_LEFTOVER, where, "a temporary file");
    return true;
}

static bool see_dump(void *arg, const char *relative, uint64_t size, struct err *err)
{
    struct verify *v = arg;
    char path[FS_PATH_MAX], where[FS_PATH_MAX];
    struct err why;

    snprintf(where, sizeof where, "dumps/%.4000s", relative);
    if (is_tmp(relative)) {
        tell(v, VERIFY_LEFTOVER, where, "a temporary file");
        return true;
    }
    if (!fs_join(path, v->dirs->dumps, relative, err))
        return false;
    v->report.dumps++;
    v->report.bytes += size;
    if (dump_check(v->dirs, path, v->options->max_bytes, v->options->now_ns, &why))
        return go_on(v, err);
    if (why.code != ERR_DATA && why.code != ERR_TOO_LARGE) {
        *err = why;
        return false;
    }
    tell(v, VERIFY_FAULT, where, why.text);
    return go_on(v, err);
}

/* Rows of a damaged database say nothing about files; false with *err set when it is. */
static bool check_database(struct verify *v, bool *whole, struct err *err)
{
    *whole = store_check(v->store, err);
    if (!*whole && err->code != ERR_DATA)
        return false;
    if (!*whole)
        tell(v, VERIFY_FAULT, "the database", err->text);
    return true;
}

bool store_verify(struct store *s, const struct data_dirs *dirs,
    const struct verify_options *options, struct verify_report *out, struct err *err)
{
    struct verify v = { .store = s, .dirs = dirs, .options = options };
    bool whole = false, ok;

    arena_init(&v.arena, NULL);
    arena_init(&v.scratch, NULL);
    ok = fs_walk(dirs->tmp, see_tmp, &v, err) && check_database(&v, &whole, err);
    if (ok && whole)
        ok = check_conversations(&v, err) && fs_walk(dirs->workflows, see_folder, &v, err);
    if (ok && options->dumps)
        ok = fs_walk(dirs->dumps, see_dump, &v, err);
    arena_deinit(&v.arena);
    arena_deinit(&v.scratch);
    if (ok)
        *out = v.report;
    return ok;
}
