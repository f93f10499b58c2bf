#ifndef OPS_SQL_INSERT_H
#define OPS_SQL_INSERT_H

/*
 * The parts of an INSERT statement: its head, and a tuple for each row.
 *
 *   INSERT INTO t (id, a, b) VALUES      head, once
 *   (nextval('seq_id'), 'x', 2)          tuple, a row
 */

#include "formats/sql_write.h"
#include "ops/columns.h"

/* {sql column: data column}; with a template {placeholder: data column}. */
struct sql_column {
    const char *key;
    const char *column;
};

/* A column that numbers the rows. */
struct sql_auto {
    bool enabled;
    const char *column_name;
    int increment_type; /* enum sql_increment; SQL_INCREMENT_DEFAULT: the dialect's. */
    int64_t start_value;
    const char *sequence_name;
};

enum sql_increment {
    SQL_INCREMENT_DEFAULT,
    SQL_INCREMENT_NONE,
    SQL_INCREMENT_SERIAL,
    SQL_INCREMENT_MYSQL,
    SQL_INCREMENT_SQLITE,
    SQL_INCREMENT_SEQUENCE,
    SQL_INCREMENT_UUID
};

struct sql_insert_args {
    enum sql_dialect dialect;
    const char *table;
    const struct items *mapping; /* struct sql_column */
    const struct strs *columns;
    const struct sql_auto *auto_increment;
    enum sql_empty empty;
};

struct sql_insert {
    const struct sql_insert_args *args;
    struct columns columns; /* Of the input, in the order of the statement. */
    const char *head;       /* Up to VALUES. */
    size_t head_len;
    bool numbers;           /* The tuple begins with the auto_increment value. */
    const char *next_value; /* Its literal where it is the same for all rows; NULL: counted. */
    int64_t counter;
};

/* Is the value written, rather than left to the database? */
bool sql_auto_writes(const struct sql_auto *a);

/*
 * The expression that gives the next value in the database: nextval('seq'), UUID(), ...; *out is NULL where there is
 * none and the script has to count. Memory of `arena`.
 */
bool sql_auto_expression(const struct sql_auto *a, enum sql_dialect d, struct arena *arena,
    const char **out, struct err *err) MUST_CHECK;

/* `args` outlives the insert. Errors: ERR_COLUMN, ERR_ARG (a name that cannot be one), ERR_DATA (no column). */
bool sql_insert_open(struct sql_insert *x, const struct sql_insert_args *args,
    const struct schema *in, struct arena *arena, struct err *err) MUST_CHECK;

/* Append the tuple of one row. Errors: ERR_DATA with the row. */
bool sql_insert_tuple(struct sql_insert *x, const struct batch *in, uint32_t row, struct buf *out,
    struct err *err) MUST_CHECK;

#endif
