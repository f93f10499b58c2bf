/*
 * Rules that replace whole values: yes and no in their many spellings, categories.
 */

#include "base/utf8.h"
#include "ops/rules/rule.h"
#include "ops/values.h"
#include "table/hash.h"

#include <stdio.h>
#include <string.h>

/* ---- true and false ---- */

struct boolean_params {
    struct rule_params common;
    struct strs true_values, false_values;
};

static const struct arg boolean_params[] = {
    { ARG(struct boolean_params, true_values, STRS),
        .fallback = "[\"true\", \"yes\", \"y\", \"1\", \"t\", \"on\"]",
        .help = "Texts that mean true; case does not count." },
    { ARG(struct boolean_params, false_values, STRS),
        .fallback = "[\"false\", \"no\", \"n\", \"0\", \"f\", \"off\"]",
        .help = "Texts that mean false; case does not count." },
    RULE_ON_ERROR(struct boolean_params),
    { 0 },
};

/* Folded text -> 1 for false, 2 for true. */
struct boolean_state {
    struct hash_map *words;
    struct arena scratch;
};

static bool add_words(
    struct rule_run *r, const struct strs *words, uint64_t meaning, struct err *err)
{
    struct boolean_state *s = r->state;

    for (size_t i = 0; i < words->n; i++) {
        const char *p = words->v[i];
        size_t n = strlen(p);
        uint64_t *slot;
        bool added;

        utf8_trim(&p, &n);
        p = utf8_fold(r->arena, p, n, &n);
        if (!p)
            return err_nomem(err);
        if (!hash_map_put(s->words, p, n, &slot, &added, err))
            return false;
        if (!added && *slot != meaning)
            return err_set(err, ERR_ARG, "'%.64s' cannot mean both true and false", words->v[i]);
        *slot = meaning;
    }
    return true;
}

static bool open_boolean(struct rule_run *r, struct err *err)
{
    const struct boolean_params *p = r->params;
    struct boolean_state *s = r->state;

    arena_init(&s->scratch, r->budget);
    s->words = hash_map_new(r->budget);
    if (!s->words)
        return err_nomem(err);
    return add_words(r, &p->true_values, 2, err) && add_words(r, &p->false_values, 1, err);
}

static void close_boolean(struct rule_run *r)
{
    struct boolean_state *s = r->state;

    hash_map_free(s->words);
    arena_deinit(&s->scratch);
}

/* *yes is what the cell means; RULE_UNCONVERTED when it is neither. */
static enum rule_outcome read_boolean(
    struct rule_run *r, const struct cell *cell, bool *yes, struct err *err)
{
    struct boolean_state *s = r->state;
    char scratch[CELL_SHOWN_MAX];
    const uint64_t *meaning;
    const char *p;
    size_t n;

    if (cell->type == CELL_ERROR)
        return RULE_UNCONVERTED;
    p = cell_shown(cell, scratch, &n);
    utf8_trim(&p, &n);
    arena_reset(&s->scratch);
    p = utf8_fold(&s->scratch, p, n, &n);
    if (!p)
        return rule_nomem(err);
    meaning = hash_map_find(s->words, p, n);
    if (!meaning)
        return RULE_UNCONVERTED;
    *yes = *meaning == 2;
    return RULE_DONE;
}

static enum rule_outcome apply_boolean(struct rule_run *r, struct cell *cell, struct err *err)
{
    bool yes = false;
    enum rule_outcome outcome = read_boolean(r, cell, &yes, err);

    if (outcome == RULE_DONE)
        *cell = cell_bool(yes);
    return outcome;
}

static enum rule_outcome apply_yes_no(struct rule_run *r, struct cell *cell, struct err *err)
{
    bool yes = false;
    enum rule_outcome outcome = read_boolean(r, cell, &yes, err);

    if (outcome == RULE_DONE)
        *cell = yes ? cell_text("Yes", 3) : cell_text("No", 2);
    return outcome;
}

#define BOOLEAN_RULE(rule_name, fn, text)                      \
    const struct rule rule_##rule_name = { .name = #rule_name, \
        .description = text,                                   \
        .params = boolean_params,                              \
        .params_size = sizeof(struct boolean_params),          \
        .state_size = sizeof(struct boolean_state),            \
        .open = open_boolean,                                  \
        .apply = fn,                                           \
        .close = close_boolean }

BOOLEAN_RULE(boolean_convert, apply_boolean, "Yes and no in their spellings as true and false");
BOOLEAN_RULE(yes_no_convert, apply_yes_no, "True and false in their spellings as Yes and No");

/* ---- categories ---- */

struct category {
    const char *from;
    const struct json *to;
};

struct category_params {
    struct rule_params common;
    struct items mapping; /* struct category */
    const struct json *fallback;
};

struct category_state {
    struct hash_map *index; /* Shown text -> place in cells. */
    struct cell *cells;
    struct cell fallback;
};

static const struct arg category_fields[] = {
    { ARG_NAMED(struct category, to, "to", JSON), .help = "What to put in its place." },
    { 0 },
};

static const struct arg category_params[] = {
    { ARG_LIST(struct category_params, mapping, MAP, struct category, category_fields),
        .shorthand = "to", .required = true, .min = 1, .max = 10000,
        .help = "Old values and what each becomes: {\"M\": \"male\", \"F\": \"female\"}.",
        .ask = "Which values should become what?" },
    { ARG_NAMED(struct category_params, fallback, "default", JSON),
        .help = "What all other values become; they are kept by default." },
    RULE_ON_ERROR(struct category_params),
    { 0 },
};

static bool check_category(void *params, const char *path, struct arena *arena, struct err *err)
{
    const struct category_params *p = params;
    const struct category *c = p->mapping.v;
    struct cell cell;
    char where[128];

    for (size_t i = 0; i < p->mapping.n; i++) {
        snprintf(where, sizeof where, "%s.mapping.%s", path, c[i].from);
        if (!value_cell(c[i].to, where, arena, &cell, err))
            return false;
    }
    snprintf(where, sizeof where, "%s.default", path);
    return value_cell(p->fallback, where, arena, &cell, err);
}

static bool open_category(struct rule_run *r, struct err *err)
{
    const struct category_params *p = r->params;
    const struct category *c = p->mapping.v;
    struct category_state *s = r->state;

    s->index = hash_map_new(r->budget);
    s->cells = arena_calloc(r->arena, p->mapping.n ? p->mapping.n : 1, sizeof *s->cells);
    if (!s->index || !s->cells)
        return err_nomem(err);
    for (size_t i = 0; i < p->mapping.n; i++) {
        uint64_t *slot;
        bool added;

        if (!value_cell(c[i].to, "mapping", r->arena, &s->cells[i], err) ||
            !hash_map_put(s->index, c[i].from, strlen(c[i].from), &slot, &added, err))
            return false;
        *slot = i;
    }
    return value_cell(p->fallback, "default", r->arena, &s->fallback, err);
}

static void close_category(struct rule_run *r)
{
    struct category_state *s = r->state;

    hash_map_free(s->index);
}

static enum rule_outcome apply_category(struct rule_run *r, struct cell *cell, struct err *err)
{
    const struct category_params *p = r->params;
    const struct category_state *s = r->state;
    char scratch[CELL_SHOWN_MAX];
    const uint64_t *place;
    const char *shown;
    size_t n;

    (void)err;
    shown = cell_shown(cell, scratch, &n);
    place = hash_map_find(s->index, shown, n);
    if (place)
        *cell = s->cells[*place];
    else if (p->fallback)
        *cell = s->fallback;
    else
        return RULE_UNCONVERTED;
    return RULE_DONE;
}

const struct rule rule_categorical_mapping = {
    .name = "categorical_mapping",
    .description = "Values replaced by others, as a list of pairs says",
    .params = category_params,
    .params_size = sizeof(struct category_params),
    .state_size = sizeof(struct category_state),
    .check = check_category,
    .open = open_category,
    .apply = apply_category,
    .close = close_category,
};
