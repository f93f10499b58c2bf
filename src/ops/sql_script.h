#ifndef OPS_SQL_SCRIPT_H
#define OPS_SQL_SCRIPT_H

/*
 * A script of SQL being written: its comment header with totals that are known only at the end, and a
 * sample of its statements for the result.
 */

#include "base/json.h"
#include "formats/sql_write.h"

enum {
    SQL_STATEMENT_MAX = 64 << 20, /* Bytes of one row. */
    SQL_SAMPLE = 100,             /* Statements that the result shows. */
    SQL_SAMPLE_BYTES = 256 << 10, /* And their bytes together. */
    SQL_HOLD = 1 << 20 /* A script up to this size is written when its totals are known. */
};

struct sql_script;

struct sql_header {
    enum sql_dialect dialect;
    const char *table; /* Name as it was asked for; NULL: no such line. */
    int64_t now_ns;
};

/* Nothing is written yet. The strings of `header` outlive the script. Owns: *out is the caller's. */
bool sql_script_new(struct fs_file *file, const struct sql_header *header, struct sql_script **out,
    struct err *err) MUST_CHECK;
void sql_script_free(struct sql_script *s); /* NULL is fine. */

bool sql_script_add(struct sql_script *s, const char *p, size_t n, struct err *err) MUST_CHECK;
/* What is added between the two is `n` statements (1, unless a template has several), shown together. */
void sql_script_begin_statement(struct sql_script *s);
void sql_script_end_statement(struct sql_script *s, unsigned n);
void sql_script_count_row(struct sql_script *s);

/* Write what is held back, and the totals. */
bool sql_script_finish(struct sql_script *s, struct err *err) MUST_CHECK;

uint64_t sql_script_rows(const struct sql_script *s);
uint64_t sql_script_statements(const struct sql_script *s);
struct json *sql_script_sample(
    const struct sql_script *s); /* The first statements, without their line end. */

#endif
