#ifndef OPS_OP_H
#define OPS_OP_H

/*
 * Operations: the steps a workflow is made of.
 *
 * Each operation is one file in this folder defining one `const struct op`, and one line in
 * op_table[] (table.c). That struct is the only place its arguments are described: bind.c parses
 * and validates from it, and describe/ derives JSON Schema, CLI help and the reference from
 * it. An operation never sees argv, HTTP or chat text; of JSON it sees only values that its arguments
 * are declared to carry.
 *
 * Life of an operation in a run (the engine is workflow/pipeline.c):
 *
 *   op_bind ─▶ open ─▶ [scan each batch ─▶ scan_end] ─▶ push each batch ─▶ finish ─▶ result ─▶ close
 */

#include "formats/sink.h"
#include "formats/source.h"

/* ---- arguments ---- */

/* Borrowed strings; the storage belongs to whoever called op_bind(). */
struct strs {
    const char **v;
    size_t n;
};

/* An array of bound structs. For ARG_MAP each struct begins with `const char *key`. */
struct items {
    void *v;
    size_t n;
};

enum arg_type {
    ARG_BOOL,   /* bool; true/false/1/0/yes/no/on/off in any case */
    ARG_INT,    /* int64_t */
    ARG_NUMBER, /* double */
    ARG_STR,    /* const char * */
    ARG_STRS, /* struct strs; a JSON array, or a string split at commas (columns may hold commas: use an array) */
    ARG_CHOICE, /* int: index into choices[] ; any case */
    ARG_FILE,   /* const char *: a file of the conversation, opened with op_env_open() */
    ARG_JSON,   /* const struct json *: any value, checked by the operation */
    ARG_OBJECT, /* nested struct in place, described by `fields` */
    ARG_OBJECTS, /* struct items of structs described by `fields`; one object alone counts as a list of one */
    ARG_MAP, /* struct items; keys in order, each value an object described by `fields`, or a plain value
                    that stands for the field named by `shorthand` */
    ARG_MAYBE /* int: as ARG_BOOL, and -1 when it is not given */
};

/* The C type each arg_type is bound to; ARG() checks it at compile time. */
#define ARG_C_BOOL bool
#define ARG_C_INT int64_t
#define ARG_C_NUMBER double
#define ARG_C_STR const char *
#define ARG_C_STRS struct strs
#define ARG_C_CHOICE int
#define ARG_C_FILE const char *
#define ARG_C_JSON const struct json *
#define ARG_C_OBJECTS struct items
#define ARG_C_MAP struct items
#define ARG_C_MAYBE int

struct arg {
    const char *name; /* JSON key; --with-dashes on the command line. */
    enum arg_type type;
    bool required;
    bool is_column; /* Its string(s) name columns of the input: pickers and the bot use this. */
    bool hidden;    /* Accepted, but left out of help (old spellings with another meaning). */
    size_t offset;  /* Of the bound field in the struct. */
    const char *
        fallback; /* Default, as JSON text ("false", "\"data\"", "2"), or NULL: zero / NULL / empty. */
    const char *const *choices; /* ARG_CHOICE: NULL-terminated. */
    const char *const
        *choice_aliases; /* Pairs "eq", "equals", ...; NULL-terminated; may be NULL. */
    double min,
        max; /* ARG_INT, ARG_NUMBER: inclusive; lengths for ARG_STR; counts for lists. Both 0: unbounded. */
    const char *const *aliases; /* Old and camelCase spellings; NULL-terminated; may be NULL. */
    const struct arg *fields;   /* Nested kinds: ends with a NULL name. */
    size_t size;                /* Nested kinds: of the struct. */
    const char *shorthand;      /* ARG_MAP, ARG_OBJECT. */
    /* ARG_JSON: an object whose fields depend on what the choice argument `depends` beside it is. */
    const char *depends;
    const struct arg *(*fields_of)(int choice);
    /* The setting that decides when the argument is not given (plan_apply_settings()), or NULL. */
    const char *setting;
    /* The setting that lists which values may be used; an empty list allows all. NULL: no such setting. */
    const char *allowed;
    const char *help; /* One sentence, for help and OpenAPI. */
    const char *ask;  /* What the bot asks when it is missing. */
};

/* Bind field `f` of struct `T`; a wrong KIND for the field won't compile. */
#define ARG(T, f, KIND) ARG_NAMED(T, f, #f, KIND)
#define ARG_NAMED(T, f, label, KIND)     \
    .name = (label), .type = ARG_##KIND, \
    .offset = offsetof(T, f) + 0 * sizeof(&((T *)0)->f == (ARG_C_##KIND *)0)

/* As ARG() for the nested kinds: an OBJECT in place (left zeroed when it is absent), OBJECTS or a MAP of struct S. */
#define ARG_PLACE(T, f, list)                                                              \
    .name = #f, .type = ARG_OBJECT, .offset = offsetof(T, f), .size = sizeof(((T *)0)->f), \
    .fields = (list)
#define ARG_LIST(T, f, KIND, S, list) ARG(T, f, KIND), .size = sizeof(S), .fields = (list)

/* The arguments that many operations share, declared once in common.c. */
struct output_args {
    int format;                  /* enum file_format; FILE_UNKNOWN: the operation's default. */
    const char *output_filename; /* Bare name, or NULL. */
    int types;                   /* enum op_types */
    int csv_dialect;             /* enum csv_flavor */
    const char *sheet_name;      /* OP_SHEET_NAME: of the workbook that is written; else NULL. */
    char delimiter; /* OP_DELIMITER: of the text that is written; 0: the format's own. */
};
enum op_types { TYPES_SAFE, TYPES_TEXT };

/* ---- declaration ---- */

/* Runs as a test, and appears in the docs and the OpenAPI examples. */
struct op_example {
    const char *title;
    const char *args; /* JSON object. */
    const char *in,
        *out; /* CSV text in; CSV, JSON or SQL text out (NULL: the result matters, not a file). */
    const char *bind; /* CSV text of bind_file (called bind.csv), where there is one. */
};

enum op_flags {
    OP_TABLE = 1 << 0, /* Its result is a table: the engine writes it in the format asked for. */
    OP_TEXT =
        1 << 1, /* It writes its own text file through env->out; the table passes on unchanged. */
    OP_RESULT = 1 << 2,     /* No file: only a result; the table passes on unchanged. */
    OP_MAPS_ROWS = 1 << 3,  /* rows_in = rows_out + dropped must hold. */
    OP_TYPED = 1 << 4,      /* Wants safely typed input whatever the output format. */
    OP_NO_INFO = 1 << 5,    /* Its workbook has no Info sheet. */
    OP_NO_TYPES = 1 << 6,   /* Has no `types` argument. */
    OP_SHEET_NAME = 1 << 7, /* `sheet_name` names the sheet it writes, not the one it reads. */
    OP_DELIMITER = 1 << 8,  /* `delimiter` is the one it writes; it has none for reading. */
    OP_JSON_TEXT = 1 << 9,  /* OP_TEXT that writes JSON or JSON lines, as `output_format` says. */
};

enum drop_reason { DROP_FILTERED, DROP_DUPLICATE, DROP_QUARANTINED, DROP_FAILED, DROP_COUNT };
const char *drop_reason_name(enum drop_reason r); /* "filtered" */

/* What the engine gives an operation; all of it outlives the operation. */
struct op_env {
    struct arena *arena; /* Lives until close. */
    struct budget *budget;
    struct formats *formats;
    struct warnings *warnings;
    uint64_t *dropped;      /* [DROP_COUNT]: the operation adds what it drops. */
    int64_t now_ns;         /* When the run began. */
    const char *file_label; /* Name of the file the step reads, for sentences. */
    const char *tmp_dir;
    struct fs_file *out; /* OP_TEXT: where the text goes. */
    const struct reader_args *reader;
    const struct output_args *output;
    /* Open a file that an ARG_FILE argument names. */
    bool (*open_file)(const struct op_env *env, const char *name, bool typed, struct source **out,
        struct err *err);
    void *engine; /* For open_file. */
};

/* Where an operation's batches go. */
struct op_emit {
    bool (*push)(void *arg, const struct batch *b, struct err *err);
    void *arg;
};
static inline MUST_CHECK bool op_emit(
    const struct op_emit *e, const struct batch *b, struct err *err)
{
    return e->push(e->arg, b, err);
}

struct op {
    const char *name;        /* "excel/extract-columns": URL, CLI, workflow step. */
    const char *summary;     /* One line, imperative, no full stop. */
    unsigned flags;          /* enum op_flags */
    const char *suffix;      /* Of output names: "search"; NULL when there is no file. */
    enum file_format format; /* Default output format (OP_TABLE), or the one of its text. */
    const char *enabled;     /* The setting that switches it on and off, or NULL. */
    size_t args_size;
    const struct arg *args;            /* Its own; ends with a NULL name. */
    const char *const *says;           /* Chat phrases, lower case, NULL-terminated. */
    const struct op_example *examples; /* Ends with a NULL title. */

    /* Checks that need no file (regular expressions, arguments against each other). May rewrite args, allocating in
     * `arena`. NULL: none. */
    bool (*check)(void *args, struct arena *arena, struct err *err);

    /*
     * Begin: look at the input's columns, build the state and the output's schema (in env->arena, or `in` itself).
     * Errors: ERR_COLUMN through schema_get(), ERR_DATA.
     */
    bool (*open)(const void *args, const struct op_env *env, const struct schema *in,
        const struct schema **out, void **state, struct err *err);

    /* A first pass over all input, for operations that need it; both NULL otherwise. wants_scan (NULL: always, when
     * scan is set) tells after open whether this instance does. */
    bool (*wants_scan)(const void *state);
    bool (*scan)(void *state, const struct batch *in, struct err *err);
    bool (*scan_end)(void *state, struct err *err);

    /* Every batch of the input; emit any number of batches (schema: the output's). */
    bool (*push)(void *state, const struct batch *in, const struct op_emit *emit, struct err *err);
    /* The end of the input. May be NULL. */
    bool (*finish)(void *state, const struct op_emit *emit, struct err *err);
    /* Add `data`, `statistics`, `report`, ... to the step's result. May be NULL. */
    bool (*result)(void *state, struct json *result, struct err *err);
    void (*close)(void *state); /* Frees what is not in env->arena. May be NULL. */
};

extern const struct op *const op_table[]; /* Sorted by name; ends with NULL. */

/* Operations of the HTTP API alone: no steps of workflows, and in no list. Ends with NULL. */
extern const struct op *const op_unlisted[];
const struct op *op_find_unlisted(const char *name); /* NULL when unknown. */

/* NULL when unknown. Leading "/" and a trailing one are ignored. */
const struct op *op_find(const char *name);
/* As op_find(), failing with ERR_ARG and the nearest names. */
bool op_get(const char *name, const struct op **out, struct err *err) MUST_CHECK;

/* ---- binding ---- */

/* All arguments of one step, bound. */
struct op_args {
    const struct op *op;
    struct reader_args reader;
    struct output_args output;
    void *own; /* op->args_size bytes */
};

/*
 * Check `arguments` (a JSON object; NULL: none) against the declaration and bind it, op->check() included.
 * Memory comes from `arena`; strings point into `arguments`, which outlives *out.
 *
 * Errors: ERR_ARG naming the argument's path ("conditions[1].operator"), what is accepted and the nearest name.
 */
bool op_bind(const struct op *op, const struct json *arguments, struct arena *arena,
    struct op_args *out, struct err *err) MUST_CHECK;

/*
 * Bind one list of fields (for nested JSON that an operation interprets later, such as `parameters`).
 * `path` prefixes argument paths ("normalizations[0].parameters"), "" for none; `owner` names who has the arguments in
 * "OWNER has no argument 'x'".
 */
bool arg_bind(const struct arg *fields, const char *owner, const char *path,
    const struct json *object, struct arena *arena, void *dst, struct err *err) MUST_CHECK;

/* The spelling under which `object` gives the argument; NULL when it does not, or gives null. */
const char *arg_given(const struct json *object, const struct arg *arg);

/*
 * The JSON object that command-line flags stand for: pairs {name, text} as typed, where a NULL text is a bare flag.
 * Types come from the declaration; "@file" is read by the caller beforehand. Errors: ERR_ARG / ERR_USAGE.
 */
struct flag {
    const char *name, *value;
};
bool args_from_flags(const struct op *op, const struct flag *flags, size_t n, struct json **out,
    struct err *err) MUST_CHECK;

/* Walk all arguments of an operation, shared ones included, in the order help shows them. */
const struct arg *op_arg(const struct op *op, size_t i); /* NULL past the end. */
bool op_takes_format(const struct op *op, enum file_format f);

#endif
