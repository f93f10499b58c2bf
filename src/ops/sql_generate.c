/*
 * sql/generate and sql/generate-to-text: the rows as INSERT statements, in transactions.
 *
 *   -- header, with totals
 *   BEGIN;
 *   INSERT INTO t (id, a, b) VALUES (1, 'x', 2);      rows_per_insert rows each
 *   ...                                               batch_size rows a transaction
 *   COMMIT;
 *
 * The totals stand in the header, but are known at the end: the script is held back while it is small and
 * then written behind a header that fits. A longer one gets room for the numbers, which are filled in
 * at the end. See sql_script.c.
 */

#include "ops/columns.h"
#include "ops/sql_script.h"
#include "ops/values.h"

#include "base/date.h"
#include "base/rand.h"
#include "table/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* {sql column: data column} */
struct column_entry {
    const char *sql;
    const char *column;
};

struct auto_args {
    bool enabled;
    const char *column_name;
    int increment_type; /* enum increment; INCREMENT_DEFAULT: the dialect's. */
    int64_t start_value;
    const char *sequence_name;
};

enum increment {
    INCREMENT_DEFAULT,
    INCREMENT_NONE,
    INCREMENT_SERIAL,
    INCREMENT_MYSQL,
    INCREMENT_SQLITE,
    INCREMENT_SEQUENCE,
    INCREMENT_UUID
};

struct sql_args {
    const char *table_name;
    struct items column_mapping; /* struct column_entry */
    int database_type;           /* enum sql_dialect */
    struct auto_args auto_increment;
    int64_t batch_size, rows_per_insert;
    bool include_transaction;
    int empty_as; /* enum sql_empty */
    struct strs columns;
    bool remove_duplicates;
};

struct sql {
    const struct sql_args *args;
    const struct op_env *env;
    enum sql_dialect dialect;
    struct columns columns; /* Of the input, in the order of the statement. */
    struct hash_set *seen;  /* remove_duplicates */
    const char *head;       /* INSERT INTO t (a, b) VALUES */
    size_t head_len;
    bool generates;         /* The auto_increment column is written. */
    const char *next_value; /* Its literal where all rows have the same: nextval('seq'). */
    int64_t counter;
    struct sql_script *script;
    struct buf tuple; /* (1, 'x') of the row at hand. */
    uint64_t in_batch, in_insert;
};

static const char *const dialect_choices[] = { "postgresql", "mysql", "sqlite", NULL };
static const char *const dialect_aliases[] = { "postgres", "postgresql", "pg", "postgresql",
    "mariadb", "mysql", "sqlite3", "sqlite", NULL };
static const char *const increment_choices[] = { "default", "none", "postgresql_serial",
    "mysql_auto_increment", "sqlite_autoincrement", "manual_sequence", "uuid_generate", NULL };
static const char *const empty_choices[] = { "null", "empty", NULL };
static const char *const database_aliases[] = { "database", "dialect", NULL };
static const char *const auto_name_aliases[] = { "column", NULL };
static const char *const increment_aliases[] = { "type", NULL };
static const char *const start_aliases[] = { "start", NULL };

static const struct arg column_fields[] = {
    { ARG(struct column_entry, column, STR), .required = true, .is_column = true, .min = 1,
        .max = 32767, .help = "Column of the file." },
    { 0 },
};

static const struct arg auto_fields[] = {
    { ARG(struct auto_args, enabled, BOOL), .fallback = "true",
        .help = "Whether there is such a column." },
    { ARG(struct auto_args, column_name, STR), .fallback = "\"id\"", .min = 1, .max = 255,
        .aliases = auto_name_aliases, .help = "Name of the column that counts." },
    { ARG(struct auto_args, increment_type, CHOICE), .fallback = "\"default\"",
        .aliases = increment_aliases, .choices = increment_choices,
        .help = "Who counts: the database (the column is left out), the script, or UUIDs." },
    { ARG(struct auto_args, start_value, INT), .fallback = "1", .min = -9e15, .max = 9e15,
        .aliases = start_aliases, .help = "First number the script gives." },
    { ARG(struct auto_args, sequence_name, STR), .min = 1, .max = 255,
        .help = "Sequence that PostgreSQL takes the numbers from; seq_COLUMN by default." },
    { 0 },
};

/* clang-format off */
#define SQL_ARGS                                                                                   \
    { ARG(struct sql_args, table_name, STR), .fallback = "\"data\"", .min = 1, .max = 255,         \
        .help = "Table to insert into; schema.table works.",                                       \
        .ask = "What is the table called?" },                                                      \
    { ARG_LIST(struct sql_args, column_mapping, MAP, struct column_entry, column_fields),          \
        .shorthand = "column", .is_column = true,                                                  \
        .help = "SQL columns and the column of the file each is filled from; all columns by default." }, \
    { ARG(struct sql_args, database_type, CHOICE), .fallback = "\"postgresql\"",                   \
        .choices = dialect_choices, .choice_aliases = dialect_aliases, .aliases = database_aliases, \
        .help = "Database the script is for.",                                                     \
        .ask = "For which database: postgresql, mysql or sqlite?" },                               \
    { ARG_PLACE(struct sql_args, auto_increment, auto_fields), .shorthand = "enabled",             \
        .help = "A column that numbers the rows." },                                               \
    { ARG(struct sql_args, batch_size, INT), .fallback = "1000", .min = 1, .max = 1000000,         \
        .help = "Rows in one transaction." },                                                      \
    { ARG(struct sql_args, rows_per_insert, INT), .fallback = "1", .min = 1, .max = 10000,         \
        .help = "Rows in one INSERT statement." },                                                 \
    { ARG(struct sql_args, include_transaction, BOOL), .fallback = "true",                         \
        .help = "Put the statements into transactions." },                                         \
    { ARG(struct sql_args, empty_as, CHOICE), .fallback = "\"null\"", .choices = empty_choices,    \
        .help = "Write blank cells as NULL, or as empty text." }

static const struct arg sql_arg_list[] = { SQL_ARGS, { 0 } };

static const struct arg sql_text_arg_list[] = {
    SQL_ARGS,
    { ARG(struct sql_args, columns, STRS), .is_column = true,
        .help = "Columns to write, where column_mapping does not say it; all of them by default." },
    { ARG(struct sql_args, remove_duplicates, BOOL), .fallback = "false",
        .help = "Write only the first of several rows whose written cells are all the same." },
    { 0 },
};
/* clang-format on */

static const char *const sql_says[] = { "generate sql", "make sql", "sql inserts",
    "insert statements", "convert to sql", "to sql", NULL };
static const char *const sql_text_says[] = { "sql text", "sql as text", "sql statements as text",
    NULL };

static const struct op_example sql_examples[] = {
    { .title = "Inserts for SQLite, without transactions",
        .args = "{\"table_name\": \"people\", \"database_type\": \"sqlite\", "
                "\"include_transaction\": false}",
        .in = "name,age\nMiles O'Brien,44\nAda,\n",
        .out = "-- Generated by Sheetflow\n"
               "-- Generated at: 2026-02-06T12:00:00.000000Z\n"
               "-- Database: sqlite\n"
               "-- Table: people\n"
               "-- Total rows: 2\n"
               "-- Total statements: 2\n"
               "\n"
               "INSERT INTO people (name, age) VALUES ('Miles O''Brien', 44);\n"
               "INSERT INTO people (name, age) VALUES ('Ada', NULL);\n" },
    { 0 },
};

/* ---- open ---- */

static bool sql_check(void *args, struct arena *arena, struct err *err)
{
    const struct sql_args *a = args;
    struct buf b;
    bool ok;

    (void)arena;
    buf_init(&b, 4096);
    ok = sql_identifier((enum sql_dialect)a->database_type, a->table_name, true, &b, err);
    if (!ok) {
        snprintf(err->argument, sizeof err->argument, "table_name");
        err_wrap(err, "table_name");
    }
    buf_deinit(&b);
    if (ok && a->column_mapping.n && a->columns.n)
        return value_fail(err, "columns", "columns and column_mapping cannot both be given");
    return ok;
}

/* Does the database number the rows, or nobody? Then the column is not in the statement. */
static bool leaves_out(const struct auto_args *a)
{
    return a->enabled && a->increment_type < INCREMENT_SEQUENCE;
}

static bool add_identifier(
    struct sql *x, struct buf *b, const char *name, bool *first, struct err *err)
{
    if (!*first)
        buf_adds(b, ", ");
    *first = false;
    return sql_identifier(x->dialect, name, false, b, err);
}

/* Names of SQL columns and the input's column of each. */
struct chosen {
    const char **names;
    struct columns columns;
};

static bool choose(const struct sql *x, const struct schema *in, struct chosen *c, struct err *err)
{
    const struct column_entry *e = x->args->column_mapping.v;
    struct arena *arena = x->env->arena;
    size_t n = x->args->column_mapping.n;

    if (!n && !columns_choose(in, &x->args->columns, "columns", arena, &c->columns, err))
        return false;
    if (n) {
        c->columns.at = arena_calloc(arena, n, sizeof *c->columns.at);
        if (!c->columns.at)
            return err_nomem(err);
        for (; c->columns.n < n; c->columns.n++) {
            char where[160];

            snprintf(where, sizeof where, "column_mapping.%s", e[c->columns.n].sql);
            if (!schema_get(in, e[c->columns.n].column, where, &c->columns.at[c->columns.n], err))
                return false;
        }
    }
    c->names = arena_calloc(arena, c->columns.n ? c->columns.n : 1, sizeof *c->names);
    if (!c->names)
        return err_nomem(err);
    for (uint32_t i = 0; i < c->columns.n; i++)
        c->names[i] = n ? e[i].sql : in->columns[c->columns.at[i]].name;
    return true;
}

/* INSERT INTO t (a, b) VALUES; x->columns are those that are written. */
static bool make_head(struct sql *x, const struct schema *in, struct buf *b, struct err *err)
{
    const struct auto_args *a = &x->args->auto_increment;
    struct chosen c = { 0 };
    bool first = true;

    if (!choose(x, in, &c, err))
        return false;
    buf_adds(b, "INSERT INTO ");
    if (!sql_identifier(x->dialect, x->args->table_name, true, b, err))
        return false;
    buf_adds(b, " (");
    if (x->generates && !add_identifier(x, b, a->column_name, &first, err))
        return false;
    x->columns.at =
        arena_calloc(x->env->arena, c.columns.n ? c.columns.n : 1, sizeof *x->columns.at);
    if (!x->columns.at)
        return err_nomem(err);
    for (uint32_t i = 0; i < c.columns.n; i++) {
        /* The data's own column of that name gives way. */
        if (a->enabled && strcmp(c.names[i], a->column_name) == 0)
            continue;
        if (!add_identifier(x, b, c.names[i], &first, err)) {
            snprintf(err->column, sizeof err->column, "%s", c.names[i]);
            return err_wrap(err, "column '%.64s'", c.names[i]);
        }
        x->columns.at[x->columns.n++] = c.columns.at[i];
    }
    if (first)
        return err_set(err, ERR_DATA, "there is no column to insert");
    buf_adds(b, ") VALUES");
    if (!buf_ok(b, "the statement", err))
        return false;
    x->head = arena_dup(x->env->arena, b->data, b->len);
    x->head_len = b->len;
    return x->head || err_nomem(err);
}

/* The literal that numbers every row alike, if there is one. */
static bool make_next_value(struct sql *x, struct buf *b, struct err *err)
{
    const struct auto_args *a = &x->args->auto_increment;
    const char *sequence = a->sequence_name;

    x->counter = a->start_value;
    if (a->increment_type == INCREMENT_UUID) {
        x->next_value = x->dialect == SQL_POSTGRESQL ? "gen_random_uuid()"
                        : x->dialect == SQL_MYSQL    ? "UUID()"
                                                     : NULL;
        return true;
    }
    if (x->dialect != SQL_POSTGRESQL)
        return true;
    if (!sequence)
        sequence = arena_printf(x->env->arena, "seq_%s", a->column_name);
    if (!sequence)
        return err_nomem(err);
    buf_reset(b);
    buf_adds(b, "nextval(");
    if (!sql_quote(x->dialect, sequence, strlen(sequence), b, err))
        return false;
    buf_addc(b, ')');
    if (!buf_ok(b, "the sequence", err))
        return false;
    x->next_value = arena_dup(x->env->arena, b->data, b->len);
    return x->next_value || err_nomem(err);
}

static void sql_close(void *state)
{
    struct sql *x = state;

    hash_set_free(x->seen);
    sql_script_free(x->script);
    buf_deinit(&x->tuple);
}

static bool sql_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    struct sql *x = arena_calloc(env->arena, 1, sizeof *x);
    bool ok;

    if (!x)
        return err_nomem(err);
    x->args = args;
    x->env = env;
    x->dialect = (enum sql_dialect)x->args->database_type;
    x->generates = x->args->auto_increment.enabled && !leaves_out(&x->args->auto_increment);
    buf_init(&x->tuple, SQL_STATEMENT_MAX);
    ok = make_head(x, in, &x->tuple, err) && (!x->generates || make_next_value(x, &x->tuple, err));
    if (ok && x->args->remove_duplicates) {
        x->seen = hash_set_new(env->budget);
        ok = x->seen || err_nomem(err);
    }
    if (ok) {
        const struct sql_header header = { x->dialect, x->args->table_name, env->now_ns };

        ok = sql_script_new(env->out, &header, &x->script, err);
    }
    if (!ok) {
        sql_close(x);
        return false;
    }
    *out = in;
    *state = x;
    return true;
}

/* ---- rows ---- */

static void add_counter(struct sql *x, struct buf *b)
{
    if (x->next_value) {
        buf_adds(b, x->next_value);
    } else if (x->args->auto_increment.increment_type == INCREMENT_UUID) {
        char uuid[37];

        rand_uuid(uuid);
        buf_addf(b, "'%s'", uuid);
    } else {
        buf_addf(b, "%" PRId64, x->counter++);
    }
}

static bool make_tuple(struct sql *x, const struct batch *in, uint32_t row, struct err *err)
{
    struct buf *b = &x->tuple;

    buf_reset(b);
    buf_addc(b, '(');
    if (x->generates)
        add_counter(x, b);
    for (uint32_t i = 0; i < x->columns.n; i++) {
        if (i || x->generates)
            buf_add(b, ", ", 2);
        if (!sql_literal(x->dialect, &in->columns[x->columns.at[i]][row],
                (enum sql_empty)x->args->empty_as, b, err)) {
            err->at.row = batch_row(in, row);
            return err_wrap(err, "row %" PRIu64, batch_row(in, row));
        }
    }
    buf_addc(b, ')');
    return buf_ok(b, "one row of the script", err);
}

/* End the open statement; with `commit` the open transaction too. */
static bool end_statement(struct sql *x, bool commit, struct err *err)
{
    if (x->in_insert) {
        if (!sql_script_add(x->script, ";\n", 2, err))
            return false;
        sql_script_end_statement(x->script);
        x->in_insert = 0;
    }
    if (!commit || !x->in_batch)
        return true;
    x->in_batch = 0;
    return !x->args->include_transaction || sql_script_add(x->script, "COMMIT;\n", 8, err);
}

static bool add_row(struct sql *x, struct err *err)
{
    if (!x->in_batch && x->args->include_transaction &&
        !(sql_script_add(x->script, sql_begin(x->dialect), strlen(sql_begin(x->dialect)), err) &&
            sql_script_add(x->script, "\n", 1, err)))
        return false;
    if (!x->in_insert) {
        sql_script_begin_statement(x->script);
        if (!sql_script_add(x->script, x->head, x->head_len, err))
            return false;
    }
    if (!(x->in_insert ? sql_script_add(x->script, ",\n  ", 4, err)
                       : sql_script_add(x->script, x->args->rows_per_insert > 1 ? "\n  " : " ",
                             x->args->rows_per_insert > 1 ? 3 : 1, err)) ||
        !sql_script_add(x->script, x->tuple.data, x->tuple.len, err))
        return false;
    sql_script_count_row(x->script);
    x->in_insert++;
    x->in_batch++;
    if (x->in_batch == (uint64_t)x->args->batch_size)
        return end_statement(x, true, err);
    return x->in_insert < (uint64_t)x->args->rows_per_insert || end_statement(x, false, err);
}

static bool sql_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    struct sql *x = state;

    (void)emit; /* The engine passes the table on. */
    for (uint32_t row = 0; row < in->n_rows; row++) {
        bool added = true;

        if (x->seen &&
            !hash_set_add(x->seen, hash_row(in, row, x->columns.at, x->columns.n), &added, err))
            return false;
        if (!added) {
            x->env->dropped[DROP_DUPLICATE]++;
            continue;
        }
        if (!make_tuple(x, in, row, err) || !add_row(x, err))
            return false;
    }
    return true;
}

static bool sql_finish(void *state, const struct op_emit *emit, struct err *err)
{
    struct sql *x = state;

    (void)emit;
    return end_statement(x, true, err) && sql_script_finish(x->script, err);
}

static bool sql_result(void *state, struct json *result, struct err *err)
{
    struct sql *x = state;
    struct json *data = json_new_object();
    char stamp[DATE_TEXT_MAX];

    date_format_utc(x->env->now_ns, stamp);
    json_set_bool(data, "success", true);
    json_set_string(data, "table_name", x->args->table_name);
    json_set_string(data, "database_type", sql_dialect_name(x->dialect));
    json_set_int(data, "total_rows", (int64_t)sql_script_rows(x->script));
    json_set_int(data, "total_statements", (int64_t)sql_script_statements(x->script));
    json_set_string(data, "generated_at", stamp);
    json_set(data, "statements", sql_script_sample(x->script));
    return json_set(result, "data", data) || err_nomem(err);
}

#define SQL_OP                                                                        \
    .flags = OP_TEXT, .format = FILE_SQL, .args_size = sizeof(struct sql_args),       \
    .examples = sql_examples, .check = sql_check, .open = sql_open, .push = sql_push, \
    .finish = sql_finish, .result = sql_result, .close = sql_close

const struct op op_sql_generate = {
    .name = "sql/generate",
    .summary = "Write the rows as SQL INSERT statements",
    .suffix = "sql",
    .args = sql_arg_list,
    .says = sql_says,
    SQL_OP,
};

const struct op op_sql_generate_to_text = {
    .name = "sql/generate-to-text",
    .summary = "Write chosen columns as SQL INSERT statements",
    .suffix = "sql_text",
    .args = sql_text_arg_list,
    .says = sql_text_says,
    SQL_OP,
};
