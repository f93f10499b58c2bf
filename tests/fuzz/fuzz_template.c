/*
 * Templates of SQL: no value changes what the text around it is.
 *
 * The input is a template and values. It is rendered twice, with the values and with harmless ones of the
 * same kind, and both texts are cut into tokens by a lexer of our own. The tokens must be the same, the inside of
 * literals, quoted names and comments aside. A JSON string made of the same template must be JSON.
 *
 *   first byte: dialect; then the template up to a byte 0xFF; then values, each up to 0xFF
 */

#include "ops/template.h"

#include "base/num.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { COLUMNS = 3, TOKENS_MAX = 65536 };

/* Kinds of tokens; single signs stand for themselves, words by a hash. */
enum token { T_STRING = 256, T_NAME, T_COMMENT, T_DOLLAR, T_OPEN, T_WORDS };

struct lexer {
    enum sql_dialect dialect;
    const char *p, *end;
    bool escapes_on; /* Only blanks since an E'...'. */
};

static bool word_byte(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80;
}

/* How SQLite writes NUL and CR in a literal: what is concatenated is one literal. NULL: that does not stand at p. */
static const char *sqlite_joint_end(const char *p, const char *end)
{
    static const char *const joints[] = { "'||char(0)||'", "'||char(13)||'" };

    for (size_t i = 0; i < ARRAY_LEN(joints); i++) {
        size_t n = strlen(joints[i]);

        if ((size_t)(end - p) >= n && memcmp(p, joints[i], n) == 0)
            return p + n;
    }
    return NULL;
}

/* Behind the quote at p; with `backslash`, what follows one is skipped. NULL: not closed. */
static const char *quoted_end(const struct lexer *lx, const char *p, char quote, bool backslash)
{
    const char *joint;

    for (p++; p < lx->end; p++) {
        if (backslash && *p == '\\') {
            p++;
        } else if (*p == quote && quote != ']' && p + 1 < lx->end && p[1] == quote) {
            p++;
        } else if (*p == quote) {
            joint =
                lx->dialect == SQL_SQLITE && quote == '\'' ? sqlite_joint_end(p, lx->end) : NULL;
            if (!joint)
                return p + 1;
            p = joint - 1;
        }
    }
    return NULL;
}

static const char *block_end(const struct lexer *lx)
{
    const char *p = lx->p + 2;

    for (int depth = 1; p + 1 < lx->end; p++) {
        if (p[0] == '*' && p[1] == '/') {
            p++;
            if (--depth == 0)
                return p + 1;
        } else if (lx->dialect == SQL_POSTGRESQL && p[0] == '/' && p[1] == '*') {
            p++;
            depth++;
        }
    }
    return NULL;
}

static const char *line_end(const struct lexer *lx)
{
    const char *p = lx->p;

    while (p < lx->end && *p != '\n' && !(lx->dialect == SQL_POSTGRESQL && *p == '\r'))
        p++;
    return p;
}

/* Behind $tag$...$tag$; NULL: there is none here. *open: it is not closed. */
static const char *dollar_end(const struct lexer *lx, bool *open)
{
    const char *p = lx->p + 1, *close;
    size_t n;

    if (p < lx->end && *p >= '0' && *p <= '9')
        return NULL;
    while (p < lx->end && word_byte((unsigned char)*p))
        p++;
    if (p == lx->end || *p != '$')
        return NULL;
    n = (size_t)(p + 1 - lx->p);
    close = memmem(p + 1, (size_t)(lx->end - p - 1), lx->p, n);
    *open = !close;
    return close ? close + n : lx->end;
}

static bool is_word(const char *p, const char *end, const char *word)
{
    return (size_t)(end - p) == strlen(word) && strncasecmp(p, word, strlen(word)) == 0;
}

/* A word, or a number; E'...' is one token. TRUE, FALSE and NULL are values. */
static int word(struct lexer *lx)
{
    const char *from = lx->p, *end;
    unsigned hash = 5381;
    bool e, u;

    while (lx->p < lx->end && (word_byte((unsigned char)*lx->p) || *lx->p == '$'))
        lx->p++;
    e = lx->dialect == SQL_POSTGRESQL && is_word(from, lx->p, "e") && lx->p < lx->end &&
        *lx->p == '\'';
    u = lx->dialect == SQL_POSTGRESQL && is_word(from, lx->p, "u") && lx->end - lx->p > 1 &&
        lx->p[0] == '&' && lx->p[1] == '\'';
    if (e || u) {
        end = quoted_end(lx, lx->p + u, '\'', e);
        lx->escapes_on = e;
        lx->p = end ? end : lx->end;
        return end ? T_STRING : T_OPEN;
    }
    if (is_word(from, lx->p, "true") || is_word(from, lx->p, "false"))
        return T_WORDS;
    for (const char *p = from; p < lx->p; p++) {
        /* Any digits are as good as any others. */
        if (*p >= '0' && *p <= '9' && p > from && p[-1] >= '0' && p[-1] <= '9')
            continue;
        hash = hash * 33 + (*p >= '0' && *p <= '9' ? '0' : (unsigned char)*p);
    }
    return T_WORDS + (int)(hash % 1000000);
}

static int token(struct lexer *lx)
{
    const char *end = NULL;
    char c = *lx->p, next = lx->p + 1 < lx->end ? lx->p[1] : '\0';
    bool mysql = lx->dialect == SQL_MYSQL, open = false;
    bool after = lx->escapes_on;
    int kind = (unsigned char)c;

    if ((c == '-' && next == '-' &&
            (!mysql || lx->p + 2 == lx->end || (unsigned char)lx->p[2] <= ' ')) ||
        (mysql && c == '#')) {
        lx->p = line_end(lx);
        return T_COMMENT;
    }
    if (c == '/' && next == '*') {
        end = block_end(lx);
        lx->p = end ? end : lx->end;
        return end ? T_COMMENT : T_OPEN;
    }
    lx->escapes_on = false;
    if (word_byte((unsigned char)c))
        return word(lx);
    if (c == '$' && lx->dialect == SQL_POSTGRESQL && (end = dollar_end(lx, &open))) {
        lx->p = end;
        return open ? T_OPEN : T_DOLLAR;
    }
    if (c == '\'' || (c == '"' && mysql)) {
        end = quoted_end(lx, lx->p, c, mysql || after);
        kind = T_STRING;
        lx->escapes_on = after;
    } else if (c == '"' || (c == '`' && lx->dialect != SQL_POSTGRESQL)) {
        end = quoted_end(lx, lx->p, c, false);
        kind = T_NAME;
    } else if (c == '[' && lx->dialect == SQL_SQLITE) {
        end = quoted_end(lx, lx->p, ']', false);
        kind = T_NAME;
    } else {
        end = lx->p + 1;
    }
    lx->p = end ? end : lx->end;
    return end ? kind : T_OPEN;
}

static size_t tokens(enum sql_dialect d, const char *p, size_t n, int *out)
{
    struct lexer lx = { .dialect = d, .p = p, .end = p + n };
    size_t count = 0;

    while (lx.p < lx.end && count < TOKENS_MAX) {
        if (*lx.p == ' ' || (*lx.p >= '\t' && *lx.p <= '\r'))
            lx.p++;
        else
            out[count++] = token(&lx);
    }
    return count;
}

static void die(const char *what, const struct buf *a, const struct buf *b)
{
    fprintf(stderr, "%s\n--- harmless\n%.*s\n--- hostile\n%.*s\n", what, (int)a->len, a->data,
        (int)b->len, b->data);
    abort();
}

static void compare(enum sql_dialect d, const struct buf *harmless, const struct buf *hostile)
{
    static int want[TOKENS_MAX], got[TOKENS_MAX];
    size_t n = tokens(d, harmless->data, harmless->len, want);
    size_t m = tokens(d, hostile->data, hostile->len, got);

    if (n != m || memcmp(want, got, n * sizeof *want) != 0)
        die("the tokens differ", harmless, hostile);
    for (size_t i = 0; i < n; i++) {
        if (want[i] == T_OPEN)
            die("something is not closed", harmless, hostile);
    }
}

/* The piece of the input up to the next 0xFF. */
static size_t take(const uint8_t **p, const uint8_t *end, const char **out)
{
    const uint8_t *from = *p, *stop = memchr(from, 0xFF, (size_t)(end - from));

    *out = (const char *)from;
    *p = stop ? stop + 1 : end;
    return (size_t)((stop ? stop : end) - from);
}

static void check_sql(enum sql_dialect d, const char *text, size_t n, struct template_options *o,
    struct batch *batch, struct arena *arena)
{
    struct buf harmless, hostile;
    struct template *t;
    struct err err;

    buf_init(&harmless, 1 << 20);
    buf_init(&hostile, 1 << 20);
    if (template_sql_compile(text, n, d, o, arena, &t, &err) &&
        template_render(t, batch, 0, &harmless, &err) &&
        template_render(t, batch, 1, &hostile, &err))
        compare(d, &harmless, &hostile);
    buf_deinit(&harmless);
    buf_deinit(&hostile);
}

static void check_json(const char *text, size_t n, struct template_options *o, struct batch *batch,
    struct arena *arena)
{
    struct json *array = json_new_array(), *back;
    struct template *t;
    struct err err;
    struct buf out;

    buf_init(&out, 1 << 20);
    if (!json_add(array, json_new_stringn(text, n)))
        abort();
    if (template_json_compile(array, true, 1, o, arena, &t, &err) &&
        template_render(t, batch, 1, &out, &err)) {
        if (!json_parse(out.data, out.len, &back, &err))
            die(err.text, &out, &out);
        json_free(back);
    }
    json_free(array);
    buf_deinit(&out);
}

/* "x"; for a text that is a number, one with the same sign, point and exponent. */
static struct cell harmless_text(struct arena *arena, const char *p, size_t n)
{
    double ignored;
    char *copy;

    if (n == 0)
        return cell_blank();
    utf8_trim(&p, &n);
    if (n == 0 || !num_parse(p, n, &ignored))
        return cell_text("x", 1);
    copy = arena_dup(arena, p, n);
    for (size_t i = 0; i < n; i++) {
        if (copy[i] >= '1' && copy[i] <= '9')
            copy[i] = '1';
    }
    return cell_text(copy, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[COLUMNS] = { "a", "b", "_n" };
    const uint8_t *p = data + 1, *end = data + size;
    struct template_options options = { .counter = { .name = "id", .start = 1 } };
    enum sql_dialect d;
    struct schema *schema;
    struct batch *batch;
    struct arena arena;
    const char *text;
    size_t n;

    if (size < 2 || size > 65536)
        return 0;
    d = (enum sql_dialect)(data[0] % SQL_DIALECT_COUNT);
    arena_init(&arena, NULL);
    schema = schema_new(&arena, COLUMNS);
    batch = batch_new(&arena, COLUMNS);
    n = take(&p, end, &text);
    batch->n_rows = 2;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const char *value;
        size_t len = take(&p, end, &value);
        struct buf clean;

        schema->columns[i] = (struct column){ names[i], names[i] };
        buf_init(&clean, 1 << 20);
        for (size_t k = 0; k < len; k++)
            buf_addc(&clean, (char)(value[k] & 0x7F)); /* Cells are valid UTF-8. */
        batch->columns[i][0] = harmless_text(&arena, clean.data, clean.len);
        batch->columns[i][1] = clean.len
                                   ? cell_text(arena_dup(&arena, clean.data, clean.len), clean.len)
                                   : cell_blank();
        if (clean.len && clean.data[0] == '#') {
            /* A number of the same sign. */
            bool minus = clean.len > 1 && clean.data[1] == '-';

            batch->columns[i][0] = cell_number(minus ? -1 : 1);
            batch->columns[i][1] = cell_number(minus ? -(double)len * 7 : (double)len * 7);
        }
        buf_deinit(&clean);
    }
    options.schema = schema;
    check_sql(d, text, n, &options, batch, &arena);
    check_json(text, n, &options, batch, &arena);
    arena_deinit(&arena);
    return 0;
}
