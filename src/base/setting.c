/*
 * Loading settings: defaults, then a YAML file, then the environment, then flags. Each value is checked
 * against the table as it comes in, so that a fault is told with the place where it stood.
 */

#include "base/setting.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/num.h"
#include "base/utf8.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#define ENV_PREFIX "SHEETFLOW_"
enum { FILE_MAX = 1 << 20, PATH_MAX_LEN = 160, YAML_MAX_DEPTH = 8, TABLE_MAX = 128 };

struct value {
    const char *text, *source;
    bool flag;
    int64_t number;
    const char **list;
    size_t n_list;
};

struct settings {
    struct arena arena;
    struct value values[TABLE_MAX];
};

static int find(const char *path)
{
    for (int i = 0; setting_table[i].path; i++) {
        if (strcmp(setting_table[i].path, path) == 0)
            return i;
    }
    return -1;
}

static bool unknown(const char *path, const char *source, struct err *err)
{
    const char *names[TABLE_MAX] = { 0 }, *near;
    size_t n = 0;

    for (; setting_table[n].path; n++)
        names[n] = setting_table[n].path;
    near = utf8_nearest(path, names, n);
    if (!near) { /* A known last part in the wrong section is the most common slip. */
        const char *last = strrchr(path, '.');

        for (size_t i = 0; last && i < n && !near; i++) {
            const char *own = strrchr(names[i], '.');

            if (own && strcmp(own, last) == 0)
                near = names[i];
        }
    }
    err_set(err, ERR_ARG, "there is no setting '%s' (%s)%s%s%s", path, source,
        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    return false;
}

static bool parse_bool(const char *s, bool *out)
{
    static const char *const words[] = { "false", "no", "off", "0", "true", "yes", "on", "1" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcasecmp(words[i], s) == 0) {
            *out = i >= 4;
            return true;
        }
    }
    return false;
}

static bool parse_list(struct settings *s, const char *text, struct value *v)
{
    size_t n = 1;
    char *copy = arena_strdup(&s->arena, text);

    for (const char *p = text; *p; p++)
        n += *p == ',';
    v->list = arena_calloc(&s->arena, n, sizeof *v->list);
    if (!copy || !v->list)
        return false;
    v->n_list = 0;
    for (char *p = copy; p;) {
        char *comma = strchr(p, ',');
        const char *item = p;
        size_t len;

        if (comma)
            *comma++ = '\0';
        len = strlen(item);
        utf8_trim(&item, &len);
        if (len > 0)
            v->list[v->n_list++] = arena_dup(&s->arena, item, len);
        p = comma;
    }
    return true;
}

static bool choice_error(
    const struct setting *t, const char *text, const char *source, struct err *err)
{
    char accepted[256] = "";

    for (int i = 0; t->choices[i]; i++)
        snprintf(accepted + strlen(accepted), sizeof accepted - strlen(accepted), "%s%s",
            i ? ", " : "", t->choices[i]);
    return err_set(err, ERR_ARG, "%s: '%s' is not one of %s (%s)", t->path, text, accepted, source);
}

/* Check `text` and make it the value; `text` and `source` are copied. */
static bool assign(struct settings *s, int i, const char *text, const char *source, struct err *err)
{
    const struct setting *t = &setting_table[i];
    struct value v = { .text = arena_strdup(&s->arena, text),
        .source = arena_strdup(&s->arena, source) };
    bool known = false;

    if (!v.text || !v.source)
        return err_nomem(err);
    switch (t->type) {
    case SETTING_BOOL:
        if (!parse_bool(text, &v.flag))
            return err_set(
                err, ERR_ARG, "%s: '%s' is not true or false (%s)", t->path, text, source);
        v.text = v.flag ? "true" : "false";
        break;
    case SETTING_INT:
        if (!num_parse_int(text, strlen(text), &v.number))
            return err_set(
                err, ERR_ARG, "%s: '%s' is not a whole number (%s)", t->path, text, source);
        if (v.number < t->min || v.number > t->max)
            return err_set(err, ERR_ARG, "%s: %s is not between %lld and %lld (%s)", t->path, text,
                (long long)t->min, (long long)t->max, source);
        break;
    case SETTING_CHOICE:
        for (int k = 0; t->choices[k] && !known; k++) {
            known = strcasecmp(t->choices[k], text) == 0;
            if (known)
                v.text = t->choices[k];
        }
        if (!known)
            return choice_error(t, text, source, err);
        break;
    case SETTING_LIST:
        if (!parse_list(s, text, &v))
            return err_nomem(err);
        break;
    case SETTING_STRING:
        if (t->check && !t->check(text, err))
            return err_wrap(err, "%s (%s)", t->path, source);
        break;
    }
    s->values[i] = v;
    return true;
}

/* ---- YAML: mappings become dotted paths, sequences of scalars become comma lists ---- */

struct yaml_walk {
    struct settings *settings;
    yaml_document_t *doc;
    const char *file;
};

static bool yaml_text(struct yaml_walk *w, const yaml_node_t *node, const char *path,
    struct buf *out, struct err *err)
{
    if (node->type == YAML_SCALAR_NODE) {
        buf_add(out, node->data.scalar.value, node->data.scalar.length);
        return true;
    }
    for (yaml_node_item_t *it = node->data.sequence.items.start;
         node->type == YAML_SEQUENCE_NODE && it < node->data.sequence.items.top; it++) {
        const yaml_node_t *item = yaml_document_get_node(w->doc, *it);

        if (!item || item->type != YAML_SCALAR_NODE)
            return err_set(err, ERR_ARG, "%s: a list of plain values is expected (%s, line %zu)",
                path, w->file, node->start_mark.line + 1);
        if (out->len > 0)
            buf_addc(out, ',');
        buf_add(out, item->data.scalar.value, item->data.scalar.length);
    }
    return true;
}

static bool yaml_set(
    struct yaml_walk *w, const yaml_node_t *node, const char *path, struct err *err)
{
    char source[256];
    struct buf text;
    int i = find(path);
    bool ok;

    snprintf(source, sizeof source, "file %s, line %zu", w->file, node->start_mark.line + 1);
    if (i < 0)
        return unknown(path, source, err);
    buf_init(&text, 65536);
    ok = yaml_text(w, node, path, &text, err) && buf_ok(&text, path, err) &&
         assign(w->settings, i, buf_str(&text), source, err);
    buf_deinit(&text);
    return ok;
}

static bool is_section(const char *path)
{
    size_t n = strlen(path);

    for (int i = 0; setting_table[i].path; i++) {
        if (strncmp(setting_table[i].path, path, n) == 0 && setting_table[i].path[n] == '.')
            return true;
    }
    return false;
}

static bool yaml_walk(
    struct yaml_walk *w, const yaml_node_t *node, const char *prefix, int depth, struct err *err)
{
    if (node->type != YAML_MAPPING_NODE || depth > YAML_MAX_DEPTH)
        return err_set(err, ERR_ARG, "%s: a section with settings is expected (file %s, line %zu)",
            *prefix ? prefix : "the file", w->file, node->start_mark.line + 1);
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(w->doc, pair->key);
        const yaml_node_t *value = yaml_document_get_node(w->doc, pair->value);
        char path[PATH_MAX_LEN];
        bool ok;

        if (!key || !value || key->type != YAML_SCALAR_NODE)
            return err_set(err, ERR_ARG, "a setting's name is expected (file %s)", w->file);
        if ((size_t)snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "",
                (const char *)key->data.scalar.value) >= sizeof path)
            return err_set(err, ERR_ARG, "a setting's name is too long (file %s)", w->file);
        if (value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0 && is_section(path))
            continue; /* An empty section. */
        ok = value->type == YAML_MAPPING_NODE && (is_section(path) || find(path) < 0)
                 ? is_section(path) ? yaml_walk(w, value, path, depth + 1, err)
                                    : unknown(path, w->file, err)
                 : yaml_set(w, value, path, err);
        if (!ok)
            return false;
    }
    return true;
}

static bool load_file(struct settings *s, const char *file, struct err *err)
{
    struct yaml_walk w = { .settings = s, .file = file };
    yaml_parser_t parser;
    yaml_document_t doc;
    yaml_node_t *root;
    char *text;
    size_t n;
    bool ok;

    if (!fs_load(file, FILE_MAX, &text, &n, err))
        return err_wrap(err, "settings file %s", file);
    if (!yaml_parser_initialize(&parser)) {
        free(text);
        return err_nomem(err);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    if (!yaml_parser_load(&parser, &doc)) {
        err_set(err, ERR_ARG, "settings file %s, line %zu: %s", file, parser.problem_mark.line + 1,
            parser.problem ? parser.problem : "cannot be parsed");
        yaml_parser_delete(&parser);
        free(text);
        return false;
    }
    w.doc = &doc;
    root = yaml_document_get_root_node(&doc);
    ok = !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0) ||
         yaml_walk(&w, root, "", 0, err);
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    free(text);
    return ok;
}

/* ---- environment ---- */

static void env_name(const char *path, char *out, size_t size)
{
    size_t i = 0;

    snprintf(out, size, ENV_PREFIX "%s", path);
    for (i = strlen(ENV_PREFIX); out[i]; i++)
        out[i] = out[i] == '.' ? '_' : (char)toupper((unsigned char)out[i]);
}

static bool load_env(struct settings *s, char **env, struct err *err)
{
    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');
        char name[PATH_MAX_LEN + 16], source[PATH_MAX_LEN + 32];
        bool found = false;

        if (!eq || strncmp(*env, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
            continue;
        for (int i = 0; setting_table[i].path && !found; i++) {
            env_name(setting_table[i].path, name, sizeof name);
            found = strlen(name) == (size_t)(eq - *env) && memcmp(name, *env, strlen(name)) == 0;
            if (found) {
                snprintf(source, sizeof source, "environment %s", name);
                if (!assign(s, i, eq + 1, source, err))
                    return false;
            }
        }
        if (!found) {
            snprintf(name, sizeof name, "%.*s", (int)(eq - *env), *env);
            return unknown(name, "environment", err);
        }
    }
    return true;
}

bool settings_load(const char *file, char **env, const struct setting_flag *flags,
    struct settings **out, struct err *err)
{
    struct settings *s = calloc(1, sizeof *s);

    if (!s)
        return err_nomem(err);
    arena_init(&s->arena, NULL);
    for (int i = 0; setting_table[i].path; i++) {
        assert(i < TABLE_MAX);
        if (!assign(s, i, setting_table[i].fallback, "default", err))
            goto fail;
    }
    if ((file && !load_file(s, file, err)) || !load_env(s, env, err))
        goto fail;
    for (; flags && flags->path; flags++) {
        int i = find(flags->path);

        if (i < 0 ? !unknown(flags->path, "flag", err) : !assign(s, i, flags->value, "flag", err))
            goto fail;
    }
    *out = s;
    return true;
fail:
    settings_free(s);
    return false;
}

bool settings_keep(
    struct settings *fresh, const struct settings *running, size_t *n_kept, struct err *err)
{
    *n_kept = 0;
    for (int i = 0; setting_table[i].path; i++) {
        const struct value *v = &running->values[i];

        if (setting_table[i].reload || strcmp(fresh->values[i].text, v->text) == 0)
            continue;
        ++*n_kept;
        if (!assign(fresh, i, v->text, v->source, err))
            return false;
    }
    return true;
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    arena_deinit(&s->arena);
    free(s);
}

static const struct value *get(const struct settings *s, const char *path)
{
    int i = find(path);

    if (i < 0) {
        fprintf(stderr, "no setting %s\n", path);
        abort();
    }
    return &s->values[i];
}

bool settings_bool(const struct settings *s, const char *path)
{
    return get(s, path)->flag;
}

int64_t settings_int(const struct settings *s, const char *path)
{
    return get(s, path)->number;
}

const char *settings_string(const struct settings *s, const char *path)
{
    return get(s, path)->text;
}

size_t settings_list_len(const struct settings *s, const char *path)
{
    return get(s, path)->n_list;
}

const char *settings_list_at(const struct settings *s, const char *path, size_t i)
{
    const struct value *v = get(s, path);

    return i < v->n_list ? v->list[i] : NULL;
}

const char *settings_source(const struct settings *s, const char *path)
{
    return get(s, path)->source;
}

const char *settings_text(const struct settings *s, const char *path)
{
    return get(s, path)->text;
}

const char *settings_shown(const struct settings *s, const char *path)
{
    int i = find(path);
    const char *text = settings_text(s, path);

    return i >= 0 && setting_table[i].secret && *text ? "***" : text;
}

bool setting_env_secret(const char *entry)
{
    char name[PATH_MAX_LEN + 16];

    for (int i = 0; setting_table[i].path; i++) {
        if (!setting_table[i].secret)
            continue;
        env_name(setting_table[i].path, name, sizeof name);
        if (strncmp(entry, name, strlen(name)) == 0 && entry[strlen(name)] == '=')
            return true;
    }
    return false;
}
