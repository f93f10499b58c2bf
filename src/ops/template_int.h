#ifndef OPS_TEMPLATE_INT_H
#define OPS_TEMPLATE_INT_H

/*
 * Inside of templates: what its files share.
 *
 *   template_parse.c   text ─▶ plain text and slots (names, types, defaults resolved)
 *   template_sql.c     reads the plain text as SQL: which context each slot stands in ─▶ pieces
 *   template_json.c    walks the JSON ─▶ pieces; renders JSON
 *   template_value.c   cell ─▶ value of a slot's type
 *   template_sql_put.c value ─▶ SQL that stays in its place
 *   template_render.c  pieces and a row ─▶ text
 */

#include "ops/template.h"

enum slot_type { SLOT_ANY, SLOT_INT, SLOT_FLOAT, SLOT_BOOL, SLOT_DATETIME, SLOT_STRING };
enum slot_source { SLOT_COLUMN, SLOT_COUNTER, SLOT_TIMESTAMP, SLOT_DATE };

enum {
    VALUE_NUMBER_MAX = 400, /* Bytes of a number; a double has at most 309 digits. */
    TEMPLATE_QUOTED = 64    /* Bytes of what a sentence quotes. */
};

enum value_kind {
    VALUE_NULL,
    VALUE_TEXT,
    VALUE_NUMBER, /* p[0..n) is a number both in SQL and in JSON. */
    VALUE_BOOL,   /* p[0..n) is true or false. */
    VALUE_SQL     /* An expression of the caller or the dialect. */
};

struct value {
    enum value_kind kind;
    const char *p;
    size_t n;
    char scratch[VALUE_NUMBER_MAX]; /* p may point here. */
};

/* Where in SQL a slot stands. */
enum sql_context {
    SQL_BARE,
    SQL_STRING,      /* '...' */
    SQL_ESCAPED,     /* E'...' and U&'...' of PostgreSQL: the backslash escapes. */
    SQL_DOUBLE,      /* "..." */
    SQL_DOUBLE_TEXT, /* "..." of MySQL, which is text, and U&"...": the backslash escapes. */
    SQL_BACKTICK,    /* `...` */
    SQL_BRACKET,     /* [...] of SQLite */
    SQL_LINE,        /* -- and # comments */
    SQL_BLOCK,
    SQL_DOLLAR
};

enum slot_flags {
    SLOT_GLUED = 1 << 0,        /* Touches a word or another slot: only digits keep it one word. */
    SLOT_BLANK_BEFORE = 1 << 1, /* A blank must part it from what stands before. */
    SLOT_BLANK_MINUS = 1 << 2,  /* So for negative numbers only. */
    SLOT_BLANK_AFTER = 1 << 3,
    SLOT_AFTER_ESCAPED = 1 << 4, /* A literal here may go on an E'...': the backslash escapes. */
    SLOT_SIGN_AFTER = 1 << 5     /* In a block comment: * or / follows. */
};

struct slot {
    enum slot_source source;
    enum slot_type type;
    uint32_t column;
    const char *column_name;
    const char *label;          /* "{name:int}", for sentences. */
    const char *before, *after; /* Wildcards, or "". */
    bool has_default;
    struct value *fallback;
    size_t at;        /* In the plain text. */
    size_t source_at; /* Byte in the template. */
    enum sql_context context;
    unsigned flags; /* enum slot_flags */
    bool whole;     /* JSON: stands for the value, not for a part of a string. */
};

/* Rendering is walking this list. */
struct piece {
    struct piece *next;
    const char *text; /* As it stands... */
    size_t n;
    struct slot *slot; /* ...then this; or NULL. */
    const char *tag;   /* SQL_DOLLAR: the tag that text begins (opens) or ends with. */
    size_t tag_n;
    bool opens, closes;
};

struct template
{
    bool is_json;
    enum sql_dialect dialect;
    const struct schema *schema;
    struct arena *arena;
    struct piece *first, **last;
    struct template_shape shape;
    enum template_on_error on_error;
    enum template_counting counting;
    const char *expression;
    int64_t counter;
    const char *stamp, *day; /* Of now, as text. */
    uint64_t misfits, guessed;
};

/* ---- template_parse.c ---- */

struct parser {
    const struct template_options *options;
    struct arena *arena;
    const char *argument;
    bool wildcards;
    struct name *names; /* Sorted. */
    size_t n_names;
    size_t n_slots; /* So far. */
};

/* Plain text (braces resolved) and the slots in it. */
struct parsed {
    const char *source; /* The template (or JSON string). */
    size_t source_n;
    const char *path; /* JSON: where the string stands; NULL: line and column say it. */
    char *text;
    size_t n;
    struct slot *slots;
    size_t n_slots;
};

bool parser_init(struct parser *ps, const struct template_options *options, bool wildcards,
    struct arena *arena, struct err *err) MUST_CHECK;
/* source, source_n and path are the caller's; the rest is filled in. */
bool parser_read(struct parser *ps, struct parsed *p, struct err *err) MUST_CHECK;

/* ERR_ARG (or `code`) at byte `at` of p->source: "template, line 1, column 5: ...". Returns false. */
bool parser_fail(const struct parser *ps, const struct parsed *p, size_t at, enum err_code code,
    struct err *err, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* How many of n bytes a sentence quotes: whole characters. */
int template_cut(const char *p, size_t n);

/* A template without pieces, with what the options say. NULL when memory ends. */
struct template *template_new(const struct template_options *options, struct arena *arena);
/* Make the texts that {current_date} and {current_timestamp} give; false when memory ends. */
bool template_set_now(struct template *t, int64_t now_ns) MUST_CHECK;
/* Append a piece; NULL when memory ends. Text is not copied. */
struct piece *template_add(struct template *t, const char *text, size_t n, struct slot *slot);

/* ---- template_value.c ---- */

/* False when the cell does not fit the type. Counts guessed dates in *guessed. */
bool value_from_cell(
    const struct cell *cell, enum slot_type type, struct value *out, uint64_t *guessed);
/* A default, as it is written in the template; false when it does not fit. */
bool value_from_default(const char *p, size_t n, enum slot_type type, struct value *out);
const char *value_wanted(enum slot_type type); /* "a whole number" */
void value_text(struct value *v, const char *p, size_t n);

/* ---- template_sql_put.c, template_json.c ---- */

bool template_sql_put(const struct template *t, const struct slot *slot, const struct value *v,
    struct buf *out, struct err *err) MUST_CHECK;
void template_json_put(const struct slot *slot, const struct value *v, struct buf *out);

#endif
