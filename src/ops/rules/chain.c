/*
 * The rules on one column.
 */

#include "ops/rules/chain.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_SPILL_MEMORY = 4 << 20 };

bool chain_init(struct chain *chain, uint32_t column, const char *name, size_t room,
    const struct op_env *env, size_t sort_memory, struct arena *text)
{
    *chain = (struct chain){
        .column = column, .name = name, .env = env, .sort_memory = sort_memory, .text = text
    };
    chain->entries = arena_calloc(env->arena, room, sizeof *chain->entries);
    chain->cells = arena_calloc(env->arena, BATCH_ROWS, sizeof *chain->cells);
    return chain->entries && chain->cells;
}

bool chain_add(
    struct chain *chain, const struct rule *rule, const void *params, size_t order, struct err *err)
{
    struct chain_entry *e = &chain->entries[chain->n];
    struct rule_run *r = &e->run;

    e->order = order;
    r->params = params;
    r->arena = chain->env->arena;
    r->text = chain->text;
    r->budget = chain->env->budget;
    r->place = (struct spill_place){ chain->env->budget, chain->env->tmp_dir, chain->sort_memory };
    r->warnings = chain->env->warnings;
    r->column = chain->name;
    r->state = arena_calloc(r->arena, 1, rule->state_size ? rule->state_size : 1);
    if (!r->state)
        return err_nomem(err);
    r->rule = rule;
    chain->n++; /* From here on it is closed. */
    e->scans = rule_scans(rule, params);
    chain->n_scans += e->scans;
    return !rule->open || rule->open(r, err);
}

static void chain_begin(struct chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        struct chain_entry *e = &chain->entries[i];

        e->changed = e->unconverted = 0;
        if (e->run.rule->begin)
            e->run.rule->begin(&e->run);
    }
}

bool chain_start(struct chain *chain, bool report, struct err *err)
{
    chain_begin(chain);
    if (chain->n_scans > 1) {
        chain->spill = spill_new(chain->env->tmp_dir, 1, CHAIN_SPILL_MEMORY);
        if (!chain->spill)
            return err_nomem(err);
    }
    if (!report)
        return true;
    chain->profiles = arena_calloc(chain->env->arena, chain->n + 1, sizeof(*chain->profiles));
    if (!chain->profiles)
        return err_nomem(err);
    for (size_t i = 0; i <= chain->n; i++) {
        chain->profiles[i] = profile_new(1, true, chain->env->budget);
        if (!chain->profiles[i])
            return err_nomem(err);
    }
    return true;
}

void chain_close(struct chain *chain)
{
    for (size_t i = 0; i < chain->n; i++) {
        struct rule_run *r = &chain->entries[i].run;

        if (r->rule->close)
            r->rule->close(r);
    }
    for (size_t i = 0; chain->profiles && i <= chain->n; i++)
        profile_free(chain->profiles[i]);
    spill_free(chain->spill);
}

static bool fail_value(const struct chain_entry *e, const struct cell *cell, struct err *err)
{
    char scratch[CELL_SHOWN_MAX];
    size_t n;
    const char *p = cell_shown(cell, scratch, &n);

    err_set(err, ERR_DATA, "row %llu, column '%.64s': %s cannot convert '%.*s'",
        (unsigned long long)e->run.row, e->run.column, e->run.rule->name, n > 60 ? 60 : (int)n, p);
    err->at.row = e->run.row;
    snprintf(err->column, sizeof err->column, "%s", e->run.column);
    return false;
}

/* Does the cell show something else now? Text 12 that has become the number 12 does not. */
static bool has_changed(const struct cell *before, const struct cell *after)
{
    char a[CELL_SHOWN_MAX], b[CELL_SHOWN_MAX];
    const char *p, *q;
    size_t n, m;

    if (before->type == after->type)
        return !cell_same(before, after);
    p = cell_shown(before, a, &n);
    q = cell_shown(after, b, &m);
    return n != m || memcmp(p, q, n) != 0;
}

static bool apply_one(struct chain_entry *e, struct cell *cell, struct err *err)
{
    const struct rule_params *common = e->run.params;
    struct cell before = *cell;

    switch (e->run.rule->apply(&e->run, cell, err)) {
    case RULE_FAILED:
        return false;
    case RULE_UNCONVERTED:
        if (common->on_error == RULE_FAIL)
            return fail_value(e, &before, err);
        if (e->unconverted < WARN_PLACES)
            e->places[e->unconverted] = e->run.row;
        e->unconverted++;
        *cell = common->on_error == RULE_BLANK ? cell_blank() : before;
        break;
    case RULE_DONE:
        break;
    }
    e->changed += has_changed(&before, cell);
    return true;
}

/* Entries [first, end) of the chain over its cells, which stood on rows of `b`. */
static bool apply_entries(
    struct chain *chain, size_t first, size_t end, const struct batch *b, struct err *err)
{
    for (size_t i = first; i < end; i++) {
        struct chain_entry *e = &chain->entries[i];
        bool blanks = e->run.rule->sees_blanks;

        for (uint32_t row = 0; row < b->n_rows; row++) {
            if (cell_is_blank(chain->cells[row]) && !blanks)
                continue;
            e->run.row = batch_row(b, row);
            if (!apply_one(e, &chain->cells[row], err))
                return false;
        }
    }
    return true;
}

static bool scan_cells(
    struct chain_entry *e, const struct cell *cells, const struct batch *b, struct err *err)
{
    for (uint32_t row = 0; row < b->n_rows; row++) {
        e->run.row = batch_row(b, row);
        if (!cell_is_blank(cells[row]) && !e->run.rule->scan(&e->run, &cells[row], err))
            return false;
    }
    return true;
}

static size_t next_scan(const struct chain *chain, size_t from)
{
    while (from < chain->n && !chain->entries[from].scans)
        from++;
    return from;
}

bool chain_scan(struct chain *chain, const struct batch *in, struct err *err)
{
    size_t first = next_scan(chain, 0);
    struct batch one = *in;

    memcpy(chain->cells, in->columns[chain->column], in->n_rows * sizeof *chain->cells);
    if (!apply_entries(chain, 0, first, in, err) ||
        !scan_cells(&chain->entries[first], chain->cells, in, err))
        return false;
    one.n_columns = 1;
    one.columns = &chain->cells;
    return !chain->spill || spill_write(chain->spill, &one, err);
}

/* The scanning entry `to` gets its pass: the spill holds the column as it is before entry `from`. */
static bool scan_again(struct chain *chain, size_t from, size_t to, struct err *err)
{
    const struct batch *b;

    if (!spill_rewind(chain->spill, err))
        return false;
    for (;;) {
        arena_reset(chain->text);
        if (!spill_next(chain->spill, &b, err))
            return false;
        if (!b)
            return true;
        memcpy(chain->cells, b->columns[0], b->n_rows * sizeof *chain->cells);
        if (!apply_entries(chain, from, to, b, err) ||
            !scan_cells(&chain->entries[to], chain->cells, b, err))
            return false;
    }
}

bool chain_scan_end(struct chain *chain, struct err *err)
{
    size_t first = next_scan(chain, 0);

    for (size_t i = first; i < chain->n; i = next_scan(chain, i + 1)) {
        struct chain_entry *e = &chain->entries[i];

        if (i > first) {
            chain_begin(chain);
            if (!scan_again(chain, first, i, err))
                return false;
        }
        if (e->run.rule->scan_end && !e->run.rule->scan_end(&e->run, err))
            return false;
    }
    spill_free(chain->spill);
    chain->spill = NULL;
    chain_begin(chain);
    return true;
}

static bool profile_cells(
    struct profile *profile, struct cell *cells, const struct batch *b, struct err *err)
{
    struct batch one = *b;

    one.n_columns = 1;
    one.columns = &cells;
    return profile_add(profile, &one, err);
}

bool chain_push(struct chain *chain, const struct batch *in, struct err *err)
{
    memcpy(chain->cells, in->columns[chain->column], in->n_rows * sizeof *chain->cells);
    if (!chain->profiles)
        return apply_entries(chain, 0, chain->n, in, err);
    if (!profile_cells(chain->profiles[0], chain->cells, in, err))
        return false;
    for (size_t i = 0; i < chain->n; i++) {
        if (!apply_entries(chain, i, i + 1, in, err) ||
            !profile_cells(chain->profiles[i + 1], chain->cells, in, err))
            return false;
    }
    return true;
}

static void warn_entry(const struct chain *chain, const struct chain_entry *e)
{
    const struct rule_params *common = e->run.params;
    const char *message = common->on_error == RULE_BLANK
                              ? "Values that could not be converted were made blank"
                              : "Values that could not be converted were kept as they were";
    uint64_t shown = e->unconverted < WARN_PLACES ? e->unconverted : WARN_PLACES;

    for (uint64_t i = 0; i < shown; i++)
        warn_add(chain->env->warnings, "unconverted", message, "row %llu, column %s (%s)",
            (unsigned long long)e->places[i], e->run.column, e->run.rule->name);
    if (e->unconverted > shown)
        warn_addn(chain->env->warnings, "unconverted", message, e->unconverted - shown, NULL);
}

void chain_warn(const struct chain *chain)
{
    for (size_t i = 0; i < chain->n; i++)
        warn_entry(chain, &chain->entries[i]);
}
