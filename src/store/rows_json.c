/* Rows to JSON lines and back, both from one description of the fields. */

#include "store/rows_json.h"

#include "base/fs.h"
#include "base/utf8.h"
#include "store/files.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 64 << 20, TEXT_MAX_BYTES = 1 << 30 };

enum field_kind {
    FIELD_ID,          /* char[ID_LEN] */
    FIELD_ID_OR_EMPTY, /* the same; "" is null */
    FIELD_TEXT,        /* const char *, never NULL */
    FIELD_TEXT_OR_NULL,
    FIELD_OBJECT, /* const char *: text of a JSON object */
    FIELD_ARRAY,  /* const char *: text of a JSON array */
    FIELD_JSON_OR_NULL,
    FIELD_FILE_NAME,    /* const char * */
    FIELD_PATH_OR_NULL, /* const char * */
    FIELD_SHA256,       /* char[65] */
    FIELD_TIME,         /* int64_t */
    FIELD_U64,
    FIELD_U32,
    FIELD_PERCENT, /* uint32_t */
    FIELD_CONVERSATION_STATUS,
    FIELD_RUN_STATUS,
    FIELD_STEP_STATUS,
    FIELD_FILE_KIND
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
};

#define FIELD(T, member, KIND)                            \
    {                                                     \
#member, FIELD_##KIND, offsetof(struct T, member) \
    }

static const struct field conversation_fields[] = {
    FIELD(conversation, id, ID),
    FIELD(conversation, participant, TEXT),
    FIELD(conversation, name, TEXT_OR_NULL),
    FIELD(conversation, owner, TEXT_OR_NULL),
    FIELD(conversation, dialog, JSON_OR_NULL),
    FIELD(conversation, status, CONVERSATION_STATUS),
    FIELD(conversation, partition, TEXT),
    FIELD(conversation, metadata, OBJECT),
    FIELD(conversation, created_ns, TIME),
    FIELD(conversation, updated_ns, TIME),
    { 0 },
};

static const struct field run_fields[] = {
    FIELD(run, id, ID),
    FIELD(run, status, RUN_STATUS),
    FIELD(run, steps, ARRAY),
    FIELD(run, input, TEXT_OR_NULL),
    FIELD(run, options, OBJECT),
    FIELD(run, error, JSON_OR_NULL),
    FIELD(run, created_ns, TIME),
    FIELD(run, started_ns, TIME),
    FIELD(run, completed_ns, TIME),
    FIELD(run, attempt, U32),
    { 0 },
};

static const struct field step_fields[] = {
    FIELD(step, id, ID),
    FIELD(step, run, ID),
    FIELD(step, index, U32),
    FIELD(step, operation, TEXT),
    FIELD(step, arguments, OBJECT),
    FIELD(step, input_file, PATH_OR_NULL),
    FIELD(step, output_file, PATH_OR_NULL),
    FIELD(step, status, STEP_STATUS),
    FIELD(step, progress, PERCENT),
    FIELD(step, error, TEXT_OR_NULL),
    FIELD(step, result, JSON_OR_NULL),
    FIELD(step, rows_in, U64),
    FIELD(step, rows_out, U64),
    FIELD(step, warnings, ARRAY),
    FIELD(step, started_ns, TIME),
    FIELD(step, completed_ns, TIME),
    { 0 },
};

static const struct field file_fields[] = {
    FIELD(stored_file, name, FILE_NAME),
    FIELD(stored_file, kind, FILE_KIND),
    FIELD(stored_file, base, TEXT),
    FIELD(stored_file, format, TEXT),
    FIELD(stored_file, facts, OBJECT),
    FIELD(stored_file, size, U64),
    FIELD(stored_file, sha256, SHA256),
    FIELD(stored_file, run, ID_OR_EMPTY),
    FIELD(stored_file, created_ns, TIME),
    { 0 },
};

static const struct field message_fields[] = {
    FIELD(message, id, ID),
    FIELD(message, type, TEXT),
    FIELD(message, content, TEXT),
    FIELD(message, metadata, OBJECT),
    FIELD(message, created_ns, TIME),
    { 0 },
};

static const struct field event_fields[] = {
    FIELD(event, seq, U64),
    FIELD(event, type, TEXT),
    FIELD(event, body, OBJECT),
    { 0 },
};

/* Where the rows of a table lie in struct conversation_rows; the conversation itself lies in
 * place. */
struct table {
    const char *name;
    const struct field *fields;
    size_t size, list, count;
};

#define TABLE(name, T, fields, list)                                              \
    {                                                                             \
        name, fields, sizeof(struct T), offsetof(struct conversation_rows, list), \
            offsetof(struct conversation_rows, n_##list)                          \
    }

static const struct table tables[] = {
    TABLE("run", run, run_fields, runs),
    TABLE("step", step, step_fields, steps),
    TABLE("file", stored_file, file_fields, files),
    TABLE("message", message, message_fields, messages),
    TABLE("event", event, event_fields, events),
};

/* ---- writing ---- */

static const char *word_of(const struct field *f, int value)
{
    switch (f->kind) {
    case FIELD_CONVERSATION_STATUS:
        return conversation_status_name((enum conversation_status)value);
    case FIELD_RUN_STATUS:
        return run_status_name((enum run_status)value);
    case FIELD_STEP_STATUS:
        return step_status_name((enum step_status)value);
    default:
        return file_kind_folder((enum file_kind)value);
    }
}

static struct json *value_of(const struct field *f, const void *row)
{
    const char *at = (const char *)row + f->offset;
    const char *text;
    uint64_t u64;
    uint32_t u32;
    int64_t i64;
    int word;

    switch (f->kind) {
    case FIELD_ID:
    case FIELD_SHA256:
        return json_new_string(at);
    case FIELD_ID_OR_EMPTY:
        return *at ? json_new_string(at) : json_new_null();
    case FIELD_TIME:
        memcpy(&i64, at, sizeof i64);
        return json_new_int(i64);
    case FIELD_U64:
        memcpy(&u64, at, sizeof u64);
        return json_new_int(u64 > INT64_MAX ? INT64_MAX : (int64_t)u64);
    case FIELD_U32:
    case FIELD_PERCENT:
        memcpy(&u32, at, sizeof u32);
        return json_new_int(u32);
    case FIELD_CONVERSATION_STATUS:
    case FIELD_RUN_STATUS:
    case FIELD_STEP_STATUS:
    case FIELD_FILE_KIND:
        memcpy(&word, at, sizeof word);
        return json_new_string(word_of(f, word));
    default:
        memcpy(&text, at, sizeof text);
        return json_new_string(text);
    }
}

static bool write_row(const char *table, const struct field *fields, const void *row,
    struct buf *out, struct err *err)
{
    struct json *o = json_new_object();
    size_t before = out->len;
    bool ok = json_set_string(o, "table", table);

    for (const struct field *f = fields; ok && f->name; f++)
        ok = json_set(o, f->name, value_of(f, row));
    if (ok) {
        json_write(o, false, out);
        buf_addc(out, '\n');
    } else {
        err_nomem(err);
    }
    json_free(o);
    if (ok && out->len - before > LINE_MAX_BYTES)
        return err_set(err, ERR_BUDGET, "a %s of the conversation is longer than %d MiB", table,
            LINE_MAX_BYTES >> 20);
    return ok && buf_ok(out, "the conversation", err);
}

bool rows_json_write(const struct conversation_rows *rows, struct buf *out, struct err *err)
{
    if (!write_row("conversation", conversation_fields, &rows->conversation, out, err))
        return false;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        const char *list;
        size_t n;

        memcpy(&list, (const char *)rows + tables[t].list, sizeof list);
        memcpy(&n, (const char *)rows + tables[t].count, sizeof n);
        for (size_t i = 0; i < n; i++) {
            if (!write_row(tables[t].name, tables[t].fields, list + i * tables[t].size, out, err))
                return false;
        }
    }
    return true;
}

/* ---- checks of single values ---- */

bool rows_path_ok(const char *path)
{
    if (!*path || *path == '/' || strlen(path) >= FS_PATH_MAX)
        return false;
    for (const char *part = path; part;) {
        const char *slash = strchr(part, '/');
        size_t n = slash ? (size_t)(slash - part) : strlen(part);

        if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part = slash ? slash + 1 : NULL;
    }
    return true;
}

bool rows_file_name_ok(const char *name)
{
    size_t n = strlen(name), tmp = strlen(FS_TMP_SUFFIX);

    if (n == 0 || n > FS_NAME_MAX || strchr(name, '/') || name[0] == '.' ||
        utf8_valid_prefix(name, n) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    }
    return n < tmp || strcmp(name + n - tmp, FS_TMP_SUFFIX) != 0; /* Start-up removes those. */
}

static bool is_json(const char *text, size_t n, enum field_kind kind)
{
    struct json *v;
    struct err ignored;
    bool ok;

    if (!json_parse_max(text, n, TEXT_MAX_BYTES, &v, &ignored))
        return false;
    ok = kind == FIELD_OBJECT  ? json_kind(v) == JSON_KIND_OBJECT
         : kind == FIELD_ARRAY ? json_kind(v) == JSON_KIND_ARRAY
                               : true;
    json_free(v);
    return ok;
}

static bool is_sha256(const char *s, size_t n)
{
    return n == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* ---- reading ---- */

static bool text_ok(const struct field *f, const char *s, size_t n)
{
    switch (f->kind) {
    case FIELD_OBJECT:
    case FIELD_ARRAY:
    case FIELD_JSON_OR_NULL:
        return is_json(s, n, f->kind);
    case FIELD_FILE_NAME:
        return rows_file_name_ok(s);
    case FIELD_PATH_OR_NULL:
        return rows_path_ok(s);
    default:
        return true;
    }
}

static bool take_word(const struct field *f, const char *s, char *at)
{
    enum conversation_status conversation;
    enum run_status run;
    enum step_status step;
    enum file_kind kind;
    int value;

    if (f->kind == FIELD_CONVERSATION_STATUS && conversation_status_find(s, &conversation))
        value = (int)conversation;
    else if (f->kind == FIELD_RUN_STATUS && run_status_find(s, &run))
        value = (int)run;
    else if (f->kind == FIELD_STEP_STATUS && step_status_find(s, &step))
        value = (int)step;
    else if (f->kind == FIELD_FILE_KIND && file_kind_find(s, &kind))
        value = (int)kind;
    else
        return false;
    memcpy(at, &value, sizeof value);
    return true;
}

static bool take_int(const struct field *f, const struct json *v, char *at)
{
    int64_t i = json_int(v, -1);
    uint64_t u64 = (uint64_t)i;
    uint32_t u32 = (uint32_t)i;

    if (json_kind(v) != JSON_KIND_INT || i < 0)
        return false;
    if (f->kind == FIELD_TIME) {
        memcpy(at, &i, sizeof i);
        return true;
    }
    if (f->kind == FIELD_U64) {
        memcpy(at, &u64, sizeof u64);
        return true;
    }
    if (i > UINT32_MAX || (f->kind == FIELD_PERCENT && i > 100))
        return false;
    memcpy(at, &u32, sizeof u32);
    return true;
}

static bool may_be_null(enum field_kind kind)
{
    return kind == FIELD_ID_OR_EMPTY || kind == FIELD_TEXT_OR_NULL || kind == FIELD_JSON_OR_NULL ||
           kind == FIELD_PATH_OR_NULL;
}

/* *nomem tells the one failure that is not the text's. */
static bool take(
    const struct field *f, const struct json *v, struct arena *arena, void *row, bool *nomem)
{
    char *at = (char *)row + f->offset;
    const char *s = json_str(v), *copy;

    if (json_isnull(v))
        return may_be_null(f->kind);
    if (f->kind == FIELD_TIME || f->kind == FIELD_U64 || f->kind == FIELD_U32 ||
        f->kind == FIELD_PERCENT)
        return take_int(f, v, at);
    if (!s || strlen(s) != json_str_len(v)) /* A NUL inside would cut it. */
        return false;
    switch (f->kind) {
    case FIELD_ID:
    case FIELD_ID_OR_EMPTY:
        if (!conversation_id_ok(s))
            return false;
        memcpy(at, s, ID_LEN);
        return true;
    case FIELD_SHA256:
        if (!is_sha256(s, strlen(s)))
            return false;
        memcpy(at, s, 65);
        return true;
    case FIELD_CONVERSATION_STATUS:
    case FIELD_RUN_STATUS:
    case FIELD_STEP_STATUS:
    case FIELD_FILE_KIND:
        return take_word(f, s, at);
    default:
        if (!text_ok(f, s, strlen(s)))
            return false;
        copy = arena_strdup(arena, s);
        *nomem = !copy;
        memcpy(at, &copy, sizeof copy);
        return copy != NULL;
    }
}

static bool take_fields(const struct field *fields, const char *table, const struct json *o,
    struct arena *arena, void *row, struct err *err)
{
    bool nomem = false;

    for (const struct field *f = fields; f->name; f++) {
        const struct json *v = json_get(o, f->name);

        if (take(f, v, arena, row, &nomem))
            continue;
        if (nomem)
            return err_nomem(err);
        return err_set(
            err, ERR_DATA, v ? "the %s's %s is not valid" : "the %s has no %s", table, f->name);
    }
    return true;
}

/* Room for one more row of a table; arrays double, so that lines may come in any order of
 * tables. */
static void *add_row(struct conversation_rows *rows, const struct table *t, struct arena *arena)
{
    char *list, *grown;
    size_t n;

    memcpy(&list, (char *)rows + t->list, sizeof list);
    memcpy(&n, (char *)rows + t->count, sizeof n);
    if ((n & (n - 1)) == 0) { /* 0, 1, 2, 4, ...: full. */
        grown = arena_calloc(arena, n ? 2 * n : 1, t->size);
        if (!grown)
            return NULL;
        if (n)
            memcpy(grown, list, n * t->size);
        list = grown;
        memcpy((char *)rows + t->list, &list, sizeof list);
    }
    n++;
    memcpy((char *)rows + t->count, &n, sizeof n);
    return list + (n - 1) * t->size;
}

static bool read_line(const struct json *o, bool first, struct arena *arena,
    struct conversation_rows *rows, struct err *err)
{
    const char *name = json_get_string(o, "table");
    void *row;

    if (first) {
        if (!name || strcmp(name, "conversation") != 0)
            return err_set(err, ERR_DATA, "the conversation does not come first");
        return take_fields(conversation_fields, name, o, arena, &rows->conversation, err);
    }
    for (size_t t = 0; name && t < ARRAY_LEN(tables); t++) {
        if (strcmp(tables[t].name, name) != 0)
            continue;
        row = add_row(rows, &tables[t], arena);
        return row ? take_fields(tables[t].fields, name, o, arena, row, err) : err_nomem(err);
    }
    return err_set(err, ERR_DATA, "it is not a row of a known table");
}

/* Rows name their conversation through where they lie. */
static void set_conversation(struct conversation_rows *rows)
{
    for (size_t i = 0; i < rows->n_runs; i++)
        memcpy(rows->runs[i].conversation, rows->conversation.id, ID_LEN);
    for (size_t i = 0; i < rows->n_files; i++)
        memcpy(rows->files[i].conversation, rows->conversation.id, ID_LEN);
}

bool rows_json_read(
    const char *text, size_t n, struct arena *arena, struct conversation_rows *out, struct err *err)
{
    struct conversation_rows rows = { 0 };
    const char *end = text + n;
    unsigned long line = 0;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        struct json *o = NULL;
        bool ok;

        if (!stop)
            stop = end;
        line++;
        ok = json_parse_max(text, (size_t)(stop - text), LINE_MAX_BYTES + 1, &o, err) &&
             read_line(o, line == 1, arena, &rows, err);
        json_free(o);
        if (!ok) {
            if (err->code == ERR_MALFORMED)
                err->code = ERR_DATA;
            return err_wrap(err, "rows.jsonl, line %lu", line);
        }
        text = stop + 1;
    }
    if (line == 0)
        return err_set(err, ERR_DATA, "rows.jsonl is empty");
    set_conversation(&rows);
    *out = rows;
    return true;
}
