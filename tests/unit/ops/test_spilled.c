/*
 * Operations that remember much do the same on disk as in memory: random tables, with every budget
 * from hardly any to plenty.
 */

#include "op_fixture.h"

#include "base/buf.h"
#include "base/fs.h"
#include "formats/source.h"
#include "table/hash.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RIGHT_ROWS = 5000, LEFT_ROWS = 2500, LONG = 3000 };

/* From where nothing fits into memory to where all does. */
static const size_t limits[] = { 4 << 10, 100 << 10, 600 << 10, 1 << 20, 64 << 20 };

struct scratch {
    char dir[32], tmp[48];
    uint64_t random;
};

/* One operation over left.csv: what came of it. */
struct outcome {
    struct buf text; /* Rows, result, ledger, warnings. */
    struct err err;
    bool ok;
};

/* The linker puts this before hash_bytes() of the library: so few different hashes that most are shared. */
static bool weak_hashes;
struct hash128 __real_hash_bytes(const void *p, size_t n);
struct hash128 __wrap_hash_bytes(const void *p, size_t n);
struct hash128 __wrap_hash_bytes(const void *p, size_t n)
{
    struct hash128 h = __real_hash_bytes(p, n);

    return weak_hashes ? (struct hash128){ h.lo & 0x1f, h.hi & 3 } : h;
}

static uint32_t below(struct scratch *s, uint32_t n)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)((s->random >> 32) * n >> 32);
}

/* Keys that differ, that are the same, and that would be the same if they were bent. */
static void put_key(struct scratch *s, FILE *f, uint32_t range)
{
    static const char *const forms[] = { "%u", "%u", "%u", "%u", "0%u", "%u.0", "\"  %u\"", "K%u",
        "k%u", "\"%u,\"", "Ärger %u", "ärger %u" };
    uint32_t form = below(s, ARRAY_LEN(forms) + 1), key = below(s, range);

    if (form < ARRAY_LEN(forms))
        fprintf(f, forms[form], key);
}

static void write_table(
    struct scratch *s, const char *name, uint32_t rows, uint32_t range, bool once)
{
    static const char *const kinds[] = { "a", "A", "b", "", "a" };
    char path[96];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("key,kind,number,flag,day,note\n", f);
    for (uint32_t i = 0; i < rows; i++) {
        if (once)
            fprintf(f, "K%u", i);
        else
            put_key(s, f, range);
        fprintf(f, ",%s,", kinds[below(s, ARRAY_LEN(kinds))]);
        if (below(s, 5))
            fprintf(f, "%d", (int)below(s, 200) - 100);
        fprintf(f, ",%s,2024-02-%02u,", below(s, 2) ? "true" : "false", 1 + below(s, 28));
        for (uint32_t n = below(s, 400) ? below(s, 30) : LONG; n > 0; n--)
            fputc('a' + (int)below(s, 3), f);
        fputc('\n', f);
    }
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);

    assert_non_null(s);
    s->random = 88172645463325252u;
    strcpy(s->dir, "/tmp/test_spilled_XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->tmp, sizeof s->tmp, "%s/tmp", s->dir);
    assert_int_equal(mkdir(s->tmp, 0700), 0);
    write_table(s, "left.csv", LEFT_ROWS, 2500, false);
    write_table(s, "right.csv", RIGHT_ROWS, 1800, false);
    write_table(s, "once.csv", RIGHT_ROWS, 0, true);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scratch *s = *state;
    struct err err;

    assert_int_equal(rmdir(s->tmp), 0); /* Nothing was left in it. */
    assert_true(fs_remove_tree(s->dir, &err));
    free(s);
    return 0;
}

/* ---- one operation ---- */

static bool open_named(const char *dir, const char *name, const struct op_env *env, bool typed,
    struct source **out, struct err *err)
{
    struct source_env *source_env = arena_calloc(env->arena, 1, sizeof *source_env);
    char path[96];
    int fd;

    *source_env = (struct source_env){
        .formats = env->formats, .warnings = env->warnings, .tmp_dir = dir, .typed = typed
    };
    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return source_open(fd, name, &reader_args_default, source_env, out, err);
}

static bool open_file(
    const struct op_env *env, const char *name, bool typed, struct source **out, struct err *err)
{
    const struct scratch *s = env->engine;

    return open_named(s->dir, name, env, typed, out, err);
}

/* Rows as text: where they stood, and all of every cell. */
static bool take_rows(void *arg, const struct batch *b, struct err *err)
{
    struct buf *out = arg;

    (void)err;
    for (uint32_t row = 0; row < b->n_rows; row++) {
        buf_addf(out, "%llu:", (unsigned long long)batch_row(b, row));
        for (uint32_t c = 0; c < b->n_columns; c++) {
            const struct cell *cell = &b->columns[c][row];
            char scratch[CELL_SHOWN_MAX];
            size_t n;
            const char *p = cell_shown(cell, scratch, &n);

            buf_addf(out, " %u.%u.%u'", cell->type, cell->type == CELL_DATE ? cell->kind : 0,
                cell->format);
            buf_add(out, p, n);
        }
        buf_addc(out, '\n');
    }
    return true;
}

static bool feed(const struct op *op, void *state, struct source *source,
    const struct op_emit *emit, struct err *err)
{
    struct batch *b;

    for (;;) {
        if (!source_next(source, &b, err))
            return false;
        if (!b)
            return !op->finish || op->finish(state, emit, err);
        if (!op->push(state, b, emit, err))
            return false;
    }
}

/* The first pass, for an operation that wants one. */
static bool scan(const struct op *op, void *state, struct source *source, struct err *err)
{
    struct batch *b;

    if (!op->scan || (op->wants_scan && !op->wants_scan(state)))
        return true;
    for (;;) {
        if (!source_next(source, &b, err))
            return false;
        if (!b)
            return op->scan_end(state, err) && source_rewind(source, err);
        if (!op->scan(state, b, err))
            return false;
    }
}

static void add_file(struct buf *out, const char *dir, const char *name)
{
    char path[96], part[4096];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "r");
    assert_non_null(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_add(out, part, n);
    fclose(f);
    unlink(path);
}

static void run(struct scratch *s, const char *name, const char *args, size_t limit,
    const char *tmp_dir, struct outcome *out)
{
    const struct op *op = op_find(name);
    struct json *json = json_quoted(args), *result = json_new_object();
    struct budget budget = { .limit = limit };
    struct arena arena;
    struct formats *formats = formats_new();
    struct warnings *warnings = warn_new();
    uint64_t dropped[DROP_COUNT] = { 0 };
    struct op_env env = { .arena = &arena,
        .budget = limit ? &budget : NULL,
        .formats = formats,
        .warnings = warnings,
        .dropped = dropped,
        .file_label = "left.csv",
        .tmp_dir = tmp_dir,
        .open_file = open_file,
        .engine = s };
    struct op_emit emit = { take_rows, &out->text };
    struct op_args bound = { 0 };
    const struct schema *schema;
    struct source *left = NULL;
    char sql[FS_NAME_MAX + 1] = "out.sql";
    void *state;
    char *text;

    assert_non_null(op);
    arena_init(&arena, NULL);
    buf_init(&out->text, 1 << 28);
    if (!op_bind(op, json, &arena, &bound, &out->err) ||
        !open_named(s->dir, "left.csv", &env, true, &left, &out->err))
        fail_msg("%s", out->err.text);
    env.reader = &bound.reader;
    env.output = &bound.output;
    if ((op->flags & OP_TEXT) && !fs_file_create(s->dir, sql, "out", &env.out, &out->err))
        fail_msg("%s", out->err.text);
    out->ok = op->open(bound.own, &env, source_schema(left), &schema, &state, &out->err);
    if (out->ok) {
        out->ok = scan(op, state, left, &out->err) && feed(op, state, left, &emit, &out->err) &&
                  (!op->result || op->result(state, result, &out->err));
        if (op->close)
            op->close(state);
    }
    if (env.out && out->ok) {
        assert_true(fs_file_commit(env.out, false, sql, &out->err));
        add_file(&out->text, s->dir, sql);
    } else {
        fs_file_abort(env.out);
    }
    text = json_text(result);
    buf_addf(&out->text, "dropped %llu, warnings %llu\n",
        (unsigned long long)dropped[DROP_DUPLICATE], (unsigned long long)warn_total(warnings));
    buf_adds(&out->text, text);
    free(text);
    source_close(left);
    json_free(json);
    json_free(result);
    warn_free(warnings);
    formats_free(formats);
    arena_deinit(&arena);
    assert_int_equal(budget.used, 0);
}

static void check_same(
    const char *args, size_t limit, const struct outcome *a, const struct outcome *b)
{
    size_t at = 0;

    if (a->ok != b->ok || (!a->ok && strcmp(a->err.text, b->err.text) != 0))
        fail_msg("%s in %zu bytes: '%s' and '%s'", args, limit, a->ok ? "" : a->err.text,
            b->ok ? "" : b->err.text);
    if (!a->ok)
        return;
    while (at < a->text.len && at < b->text.len && a->text.data[at] == b->text.data[at])
        at++;
    if (at < a->text.len || at < b->text.len)
        fail_msg("%s in %zu bytes differs at %zu:\n%.200s\nand\n%.200s", args, limit, at,
            a->text.data + (at > 100 ? at - 100 : 0), b->text.data + (at > 100 ? at - 100 : 0));
}

/* The same with every budget; and on disk with `little`, which a missing folder shows. */
static void check_with(struct scratch *s, const char *name, const char *args, size_t little)
{
    struct outcome plain, got;

    run(s, name, args, 0, s->tmp, &plain);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        run(s, name, args, limits[i], s->tmp, &got);
        check_same(args, limits[i], &plain, &got);
        buf_deinit(&got.text);
    }
    run(s, name, args, little, "/nonexistent", &got);
    if (got.ok)
        fail_msg("%s needs no disk: this tests nothing", args);
    assert_int_equal(got.err.code, ERR_CREATE);
    buf_deinit(&got.text);
    buf_deinit(&plain.text);
}

static void check_op(struct scratch *s, const char *name, const char *args)
{
    check_with(s, name, args, limits[1]);
}

/* ---- cases ---- */

static void joins(void **state)
{
    static const char *const files[] = { "right.csv", "once.csv" };
    static const char *const duplicates[] = { "first", "last", "error", "all" };
    static const char *const options[] = { "", ", 'trim': true", ", 'ignore_case': true",
        ", 'match_blank': true", ", 'trim': true, 'ignore_case': true, 'match_blank': true" };
    char args[512];

    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        for (size_t d = 0; d < ARRAY_LEN(duplicates); d++) {
            for (size_t o = 0; o < ARRAY_LEN(options); o++) {
                snprintf(args, sizeof args,
                    "{'bind_file': '%s', 'comparison_column': 'key', 'bind_columns': "
                    "['note', 'number', 'day', 'flag', 'kind'], 'conflict': 'suffix', "
                    "'on_duplicate': '%s'%s}",
                    files[f], duplicates[d], options[o]);
                if (strcmp(duplicates[d], "error") != 0 || f == 1)
                    check_op(*state, "excel/bind-single-key", args);
            }
        }
    }
}

static void joins_by_two_keys(void **state)
{
    check_op(*state, "excel/bind-multi-key",
        "{'bind_file': 'right.csv', 'comparison_columns': ['key', 'kind'], 'bind_columns': "
        "['note'], 'conflict': 'suffix', 'on_duplicate': 'all', 'match_blank': true}");
    check_op(*state, "excel/bind-multi-key",
        "{'bind_file': 'right.csv', 'comparison_columns': ['number', 'kind'], 'bind_columns': "
        "['note'], 'conflict': 'suffix', 'on_duplicate': 'last'}");
}

/* Keys whose hashes are the same are still different keys. */
static void shared_hashes(void **state)
{
    static const char *const duplicates[] = { "first", "last", "all" };
    struct scratch *s = *state;
    char args[256];

    for (size_t i = 0; i < ARRAY_LEN(duplicates); i++) {
        struct outcome plain, got;
        char *end;

        snprintf(args, sizeof args,
            "{'bind_file': 'right.csv', 'comparison_column': 'key', 'bind_columns': ['note'], "
            "'conflict': 'suffix', 'on_duplicate': '%s'}",
            duplicates[i]);
        run(s, "excel/bind-single-key", args, 0, s->tmp, &plain);
        weak_hashes = true;
        run(s, "excel/bind-single-key", args, limits[1], s->tmp, &got);
        weak_hashes = false;
        /* Keys are counted by their hashes; all else is the same. */
        end = strstr(got.text.data, "\ndropped");
        assert_non_null(end);
        assert_memory_equal(got.text.data, plain.text.data, (size_t)(end - got.text.data));
        assert_string_equal(
            strstr(end, "\"near_misses\""), strstr(plain.text.data, "\"near_misses\""));
        buf_deinit(&plain.text);
        buf_deinit(&got.text);
    }
}

/* The same row is named wherever the other one was: far down, behind what fits. */
static void a_late_duplicate(void **state)
{
    struct scratch *s = *state;
    char path[96];
    struct outcome plain, got;
    const char *args = "{'bind_file': 'late.csv', 'comparison_column': 'key', 'bind_columns': "
                       "['note'], 'conflict': 'suffix', 'on_duplicate': 'error'}";
    FILE *f;

    write_table(s, "late.csv", RIGHT_ROWS, 0, true);
    snprintf(path, sizeof path, "%s/late.csv", s->dir);
    f = fopen(path, "a");
    assert_non_null(f);
    fputs("K4000,,,,,x\nK5,,,,,x\nK4000,,,,,x\n", f);
    fclose(f);
    run(s, "excel/bind-single-key", args, 0, s->tmp, &plain);
    assert_string_equal(plain.err.text,
        "late.csv has the key 'K4000' (column 'key') more than once, again on row 5002");
    buf_deinit(&plain.text);
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        run(s, "excel/bind-single-key", args, limits[i], s->tmp, &got);
        assert_false(got.ok);
        assert_string_equal(got.err.text, plain.err.text);
        assert_int_equal(got.err.at.row, 5002);
        buf_deinit(&got.text);
    }
}

static void distinct_rows(void **state)
{
    check_op(*state, "excel/extract-columns-to-file",
        "{'columns': ['key', 'number'], 'remove_duplicates': true}");
    check_op(*state, "excel/extract-columns-to-file",
        "{'columns': ['key', 'kind'], 'remove_duplicates': true}");
    check_op(*state, "excel/extract-columns-to-file", "{'remove_duplicates': true}");
}

static void distinct_statements(void **state)
{
    check_op(*state, "sql/generate-to-text",
        "{'table_name': 't', 'columns': ['key', 'number'], 'remove_duplicates': true}");
    check_op(*state, "sql/generate-custom-to-text",
        "{'template': 'CALL f({key}, {kind|none}, {number:int|0});', 'remove_duplicates': true}");
}

/* How many different values the column has, by the result. */
static int64_t values_of(const struct outcome *o, const char *column)
{
    char key[64];
    const char *p;

    snprintf(key, sizeof key, "\"%s\":{", column);
    p = strstr(o->text.data, key);
    p = p ? strstr(p, "\"value_count\":") : NULL;
    assert_non_null(p);
    return strtoll(strchr(p, ':') + 1, NULL, 10);
}

/* Columns whose values are not all listed any more are counted all the same; the others stay exact. */
static void distinct_values(void **state)
{
    enum { ROWS = 20000, DIFFERENT = 14000, WIDTH = 750 };
    static const size_t some[] = { 0, 64 << 20, 1 << 20, 400 << 10 };
    struct scratch *s = *state;
    struct outcome last;
    char path[96];
    FILE *f;

    snprintf(path, sizeof path, "%s/left.csv", s->dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("key,note,other\n", f);
    for (uint32_t i = 0; i < ROWS; i++)
        fprintf(f, "%u,%0*u,x%u\n", i % 15000, WIDTH, i < DIFFERENT ? i : below(s, DIFFERENT),
            i % 5 ? i : 7);
    fclose(f);
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        struct outcome got;

        run(s, "excel/extract-columns", "{'remove_duplicates': true}", some[i], s->tmp, &got);
        if (!got.ok)
            fail_msg("%s", got.err.text);
        assert_int_equal(values_of(&got, "note"), DIFFERENT);
        assert_int_equal(values_of(&got, "key"), 15000);
        assert_int_equal(values_of(&got, "other"), ROWS / 5 * 4 + 1 - (7 % 5 ? 1 : 0));
        buf_deinit(&got.text);
    }
    run(s, "excel/extract-columns", "{'remove_duplicates': true}", some[3], "/nonexistent", &last);
    assert_false(last.ok); /* So it was the disk that did it. */
    buf_deinit(&last.text);
}

/* What a rule must know of its column before it begins. Statistics are estimates by then: without. */
static void rules(void **state)
{
    static const char *const lists[] = {
        "{'column': 'number', 'type': 'fill_null_values', 'parameters': {'method': 'median'}}",
        "{'column': 'kind', 'type': 'fill_null_values', 'parameters': {'method': 'mode'}}, "
        "{'column': 'key', 'type': 'fill_null_values', 'parameters': {'method': 'mode'}}",
        "{'column': 'note', 'type': 'fill_null_values', 'parameters': {'method': 'mode'}}",
        "{'column': 'number', 'type': 'outlier_removal', 'parameters': {'multiplier': 0.3}}, "
        "{'column': 'number', 'type': 'fill_null_values', 'parameters': {'method': 'median'}}, "
        "{'column': 'number', 'type': 'outlier_removal', 'parameters': {'multiplier': 0.6}}, "
        "{'column': 'day', 'type': 'fill_null_values', 'parameters': {'method': 'mode'}}",
    };
    char args[1024];

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        snprintf(args, sizeof args, "{'normalizations': [%s], 'return_report': false}", lists[i]);
        check_with(*state, "normalization/apply", args, limits[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joins, setup, teardown),
        cmocka_unit_test_setup_teardown(joins_by_two_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(shared_hashes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_duplicate, setup, teardown),
        cmocka_unit_test_setup_teardown(distinct_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(distinct_statements, setup, teardown),
        cmocka_unit_test_setup_teardown(distinct_values, setup, teardown),
        cmocka_unit_test_setup_teardown(rules, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
