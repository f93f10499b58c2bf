/*
 * The parts of an INSERT statement.
 */

#include "ops/sql_insert.h"

#include "base/rand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_MAX = 4 << 20 };

bool sql_auto_writes(const struct sql_auto *a)
{
    return a->enabled && a->increment_type >= SQL_INCREMENT_SEQUENCE;
}

/* nextval('seq_id'), the name inside being an identifier. */
static bool next_of_sequence(
    const struct sql_auto *a, struct arena *arena, const char **out, struct err *err)
{
    const char *name =
        a->sequence_name ? a->sequence_name : arena_printf(arena, "seq_%s", a->column_name);
    struct buf identifier, call;
    bool ok;

    if (!name)
        return err_nomem(err);
    buf_init(&identifier, HEAD_MAX);
    buf_init(&call, HEAD_MAX);
    buf_adds(&call, "nextval(");
    ok = sql_identifier(SQL_POSTGRESQL, name, true, &identifier, err) &&
         buf_ok(&identifier, "the sequence", err) &&
         sql_quote(SQL_POSTGRESQL, identifier.data, identifier.len, &call, err);
    buf_addc(&call, ')');
    ok = ok && buf_ok(&call, "the sequence", err);
    if (ok) {
        *out = arena_dup(arena, call.data, call.len);
        ok = *out || err_nomem(err);
    }
    buf_deinit(&identifier);
    buf_deinit(&call);
    return ok;
}

bool sql_auto_expression(const struct sql_auto *a, enum sql_dialect d, struct arena *arena,
    const char **out, struct err *err)
{
    *out = NULL;
    if (!sql_auto_writes(a))
        return true;
    if (a->increment_type == SQL_INCREMENT_UUID) {
        if (d != SQL_SQLITE)
            *out = d == SQL_POSTGRESQL ? "gen_random_uuid()" : "UUID()";
        return true;
    }
    return d != SQL_POSTGRESQL || next_of_sequence(a, arena, out, err);
}

/* Names of SQL columns and the input's column of each. */
struct chosen {
    const char **names;
    struct columns columns;
};

static bool choose(const struct sql_insert_args *a, const struct schema *in, struct arena *arena,
    struct chosen *c, struct err *err)
{
    const struct sql_column *e = a->mapping->v;
    size_t n = a->mapping->n;

    if (!n && !columns_choose(in, a->columns, "columns", arena, &c->columns, err))
        return false;
    if (n) {
        c->columns.at = arena_calloc(arena, n, sizeof *c->columns.at);
        if (!c->columns.at)
            return err_nomem(err);
        for (; c->columns.n < n; c->columns.n++) {
            char where[160];

            snprintf(where, sizeof where, "column_mapping.%s", e[c->columns.n].key);
            if (!schema_get(in, e[c->columns.n].column, where, &c->columns.at[c->columns.n], err))
                return false;
        }
    }
    c->names = arena_calloc(arena, c->columns.n ? c->columns.n : 1, sizeof *c->names);
    if (!c->names)
        return err_nomem(err);
    for (uint32_t i = 0; i < c->columns.n; i++)
        c->names[i] = n ? e[i].key : in->columns[c->columns.at[i]].name;
    return true;
}

static bool add_name(
    const struct sql_insert_args *a, const char *name, bool *first, struct buf *b, struct err *err)
{
    if (!*first)
        buf_adds(b, ", ");
    *first = false;
    if (sql_identifier(a->dialect, name, false, b, err))
        return true;
    snprintf(err->column, sizeof err->column, "%s", name);
    return err_wrap(err, "column '%.64s'", name);
}

/* INSERT INTO t (a, b) VALUES; fills x->columns with those that are written. */
static bool make_head(struct sql_insert *x, const struct chosen *c, struct buf *b, struct err *err)
{
    const struct sql_insert_args *a = x->args;
    bool first = true;

    buf_adds(b, "INSERT INTO ");
    if (!sql_identifier(a->dialect, a->table, true, b, err))
        return false;
    buf_adds(b, " (");
    if (x->numbers && !add_name(a, a->auto_increment->column_name, &first, b, err))
        return false;
    for (uint32_t i = 0; i < c->columns.n; i++) {
        /* The data's own column of that name gives way. */
        if (a->auto_increment->enabled && strcmp(c->names[i], a->auto_increment->column_name) == 0)
            continue;
        if (!add_name(a, c->names[i], &first, b, err))
            return false;
        x->columns.at[x->columns.n++] = c->columns.at[i];
    }
    if (first)
        return err_set(err, ERR_DATA, "there is no column to insert");
    buf_adds(b, ") VALUES");
    return buf_ok(b, "the statement", err);
}

bool sql_insert_open(struct sql_insert *x, const struct sql_insert_args *args,
    const struct schema *in, struct arena *arena, struct err *err)
{
    struct chosen c = { 0 };
    struct buf b;
    bool ok;

    *x = (struct sql_insert){ .args = args, .counter = args->auto_increment->start_value };
    x->numbers = sql_auto_writes(args->auto_increment);
    if (!choose(args, in, arena, &c, err) ||
        !sql_auto_expression(args->auto_increment, args->dialect, arena, &x->next_value, err))
        return false;
    x->columns.at = arena_calloc(arena, c.columns.n ? c.columns.n : 1, sizeof *x->columns.at);
    if (!x->columns.at)
        return err_nomem(err);
    buf_init(&b, HEAD_MAX);
    ok = make_head(x, &c, &b, err);
    if (ok) {
        x->head_len = b.len;
        x->head = arena_dup(arena, b.data, b.len);
        ok = x->head || err_nomem(err);
    }
    buf_deinit(&b);
    return ok;
}

static void add_number(struct sql_insert *x, struct buf *out)
{
    if (x->next_value) {
        buf_adds(out, x->next_value);
    } else if (x->args->auto_increment->increment_type == SQL_INCREMENT_UUID) {
        char uuid[37];

        rand_uuid(uuid);
        buf_addf(out, "'%s'", uuid);
    } else {
        buf_addf(out, "%" PRId64, x->counter++);
    }
}

bool sql_insert_tuple(
    struct sql_insert *x, const struct batch *in, uint32_t row, struct buf *out, struct err *err)
{
    buf_addc(out, '(');
    if (x->numbers)
        add_number(x, out);
    for (uint32_t i = 0; i < x->columns.n; i++) {
        const struct cell *cell = &in->columns[x->columns.at[i]][row];

        if (i || x->numbers)
            buf_add(out, ", ", 2);
        if (!sql_literal(x->args->dialect, cell, x->args->empty, out, err)) {
            err->at.row = batch_row(in, row);
            return err_wrap(err, "row %" PRIu64, batch_row(in, row));
        }
    }
    buf_addc(out, ')');
    return buf_ok(out, "one row of the script", err);
}
