/* New ids and places in old texts: see the header. */

#include "store/relocate.h"

#include "store/files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { UUID_TEXT = ID_LEN - 1, TEXT_MAX_BYTES = 1 << 30 };

void relocate_init(struct relocate *r, struct arena *arena, const char *old_id, const char *folder)
{
    *r = (struct relocate){ .arena = arena, .folder = folder };
    memcpy(r->old_id, old_id, ID_LEN);
}

bool relocate_add(struct relocate *r, const char *from, const char *to, struct err *err)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct relocate_pair *grown = arena_calloc(r->arena, cap, sizeof *grown);

        if (!grown)
            return err_nomem(err);
        if (r->n)
            memcpy(grown, r->pairs, r->n * sizeof *grown);
        r->pairs = grown;
        r->cap = cap;
    }
    memcpy(r->pairs[r->n].from, from, ID_LEN);
    memcpy(r->pairs[r->n].to, to, ID_LEN);
    r->n++;
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct relocate_pair *)a)->from, ((const struct relocate_pair *)b)->from);
}

bool relocate_ready(struct relocate *r, struct err *err)
{
    if (r->n > 1)
        qsort(r->pairs, r->n, sizeof *r->pairs, compare);
    for (size_t i = 1; i < r->n; i++) {
        if (compare(&r->pairs[i - 1], &r->pairs[i]) == 0)
            return err_set(err, ERR_DATA, "the id %s is there twice", r->pairs[i].from);
    }
    return true;
}

static const char *find(const struct relocate *r, const char *id)
{
    struct relocate_pair key;
    const struct relocate_pair *pair;

    memcpy(key.from, id, UUID_TEXT);
    key.from[UUID_TEXT] = '\0';
    pair = r->n ? bsearch(&key, r->pairs, r->n, sizeof key, compare) : NULL;
    return pair ? pair->to : NULL;
}

void relocate_id(const struct relocate *r, char id[ID_LEN])
{
    const char *to = find(r, id);

    if (to)
        memcpy(id, to, ID_LEN);
}

/* Is what follows the id the inside of the conversation's folder? */
static bool is_in_folder(const char *after)
{
    for (int kind = 0; kind < STORED_KIND_COUNT; kind++) {
        const char *name = file_kind_folder((enum file_kind)kind);
        size_t n = strlen(name);

        if (after[0] == '/' && strncmp(after + 1, name, n) == 0 && after[n + 1] == '/')
            return true;
    }
    return false;
}

static bool is_path_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '/';
}

/* Cut from out[floor..] the path that leads to the id; not where it is part of a URL. */
static bool cut_path(struct buf *out, size_t floor)
{
    size_t start = out->len;

    while (start > floor && is_path_char(out->data[start - 1]))
        start--;
    if (start > 0 && (out->data[start - 1] == ':' || (unsigned char)out->data[start - 1] >= 0x80))
        return false;
    out->len = start;
    return true;
}

static bool looks_like_id(const char *p)
{
    /* The dashes first: they tell most texts apart at once. */
    char id[ID_LEN];

    if (strnlen(p, UUID_TEXT) < UUID_TEXT || p[8] != '-' || p[13] != '-')
        return false;
    memcpy(id, p, UUID_TEXT);
    id[UUID_TEXT] = '\0';
    return conversation_id_ok(id);
}

/* The next place in p that could be an id, or its end: ids have a dash at 8. */
static const char *next_candidate(const char *p)
{
    for (const char *dash = p; (dash = strchr(dash, '-')) != NULL; dash++) {
        if (dash - p >= 8 && looks_like_id(dash - 8))
            return dash - 8;
    }
    return p + strlen(p);
}

bool relocate_text(const struct relocate *r, const char **text, struct err *err)
{
    const char *p = *text, *copy;
    bool changed = false, ok;
    size_t floor = 0; /* What lies below has its final form. */
    struct buf out;

    if (!p)
        return true;
    buf_init(&out, TEXT_MAX_BYTES);
    while (*p && !out.failed) {
        const char *id = next_candidate(p), *to;
        bool own;

        buf_add(&out, p, (size_t)(id - p));
        p = id;
        if (!*p)
            break;
        to = find(r, p);
        own = strncmp(p, r->old_id, UUID_TEXT) == 0;
        if (own && is_in_folder(p + UUID_TEXT) && !out.failed && cut_path(&out, floor)) {
            buf_adds(&out, r->folder);
            changed = true;
        }
        buf_add(&out, to ? to : p, UUID_TEXT);
        changed = changed || to;
        p += UUID_TEXT;
        floor = out.len;
    }
    ok = buf_ok(&out, "a text of the conversation", err);
    if (ok && changed) {
        copy = arena_dup(r->arena, buf_str(&out), out.len);
        ok = copy || err_nomem(err);
        if (copy)
            *text = copy;
    }
    buf_deinit(&out);
    return ok;
}
