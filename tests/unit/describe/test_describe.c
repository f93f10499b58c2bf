/*
 * Help, schema and reference, read off the declarations.
 */

#include "describe/help.h"
#include "describe/reference.h"
#include "describe/schema.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *text_of(const struct json *value)
{
    char *text = json_text(value);

    assert_non_null(text);
    return text;
}

static void check_text(const struct json *value, const char *want)
{
    char *text = text_of(value);

    assert_string_equal(text, want);
    free(text);
}

static void schema_of_kinds(void **state)
{
    struct json *s = schema_arguments(op_find("excel/search")), *m;
    const struct json *p = json_get(s, "properties"), *fields;

    (void)state;
    assert_string_equal(
        json_get_string(s, "$schema"), "https://json-schema.org/draft/2020-12/schema");
    assert_string_equal(json_get_string(s, "type"), "object");
    assert_false(json_get_bool(s, "additionalProperties", true));
    check_text(json_get(s, "required"), "[\"conditions\"]");
    assert_string_equal(json_get_string(json_get(p, "conditions"), "type"), "array");
    assert_int_equal(json_get_int(json_get(p, "conditions"), "minItems", 0), 1);
    fields = json_get(json_get(json_get(p, "conditions"), "items"), "properties");
    assert_true(json_get_bool(json_get(fields, "column"), "x-column", false));
    assert_string_equal(json_get_string(json_get(fields, "case_sensitive"), "type"), "boolean");
    assert_null(json_get(json_get(fields, "value"), "type"));
    check_text(json_get(json_get(p, "logic"), "enum"), "[\"AND\",\"OR\"]");
    assert_string_equal(json_get_string(json_get(p, "logic"), "default"), "AND");
    assert_string_equal(json_get_string(json_get(p, "output_format"), "default"), "xlsx");
    assert_true(json_get_bool(json_get(p, "match_all"), "deprecated", false));
    assert_int_equal(json_get_int(json_get(p, "header_row"), "default", -1), 1);
    json_free(s);

    m = schema_arguments(op_find("excel/map-columns"));
    p = json_get(json_get(m, "properties"), "mapping");
    assert_string_equal(json_get_string(p, "type"), "object");
    assert_int_equal(json_len(json_get(json_get(p, "additionalProperties"), "anyOf")), 2);
    json_free(m);
}

/* What `parameters` may hold depends on the type beside it. */
static void schema_of_parameters(void **state)
{
    struct json *s = schema_arguments(op_find("normalization/apply"));
    const struct json *entry =
        json_get(json_get(json_get(s, "properties"), "normalizations"), "items");
    const struct json *all = json_get(entry, "allOf"), *found = NULL;

    (void)state;
    assert_int_equal(json_len(all), 24);
    for (size_t i = 0; i < json_len(all); i++) {
        const struct json *type =
            json_get(json_get(json_get(json_at(all, i), "if"), "properties"), "normalization_type");

        if (strcmp(json_get_string(type, "const"), "round_decimal") == 0)
            found =
                json_get(json_get(json_get(json_at(all, i), "then"), "properties"), "parameters");
    }
    assert_non_null(found);
    assert_int_equal(
        json_get_int(json_get(json_get(found, "properties"), "decimals"), "default", 0), 2);
    json_free(s);
}

static void schema_of_operations(void **state)
{
    (void)state;
    for (const struct op *const *op = op_table; *op; op++) {
        struct json *o = schema_operation(*op), *again;
        char *text = text_of(o);
        struct err err;

        assert_string_equal(json_get_string(o, "name"), (*op)->name);
        assert_true(json_len(json_get(o, "examples")) > 0);
        assert_int_equal(json_len(json_get(o, "formats")) == 0, ((*op)->flags & OP_RESULT) != 0);
        assert_true(json_parse(text, strlen(text), &again, &err));
        json_free(again);
        json_free(o);
        free(text);
    }
}

static void help_of_operations(void **state)
{
    (void)state;
    for (const struct op *const *op = op_table; *op; op++) {
        const struct arg *a;
        struct buf out;
        struct err err;

        buf_init(&out, 1 << 20);
        help_operation(*op, &out);
        assert_true(buf_ok(&out, "help", &err));
        assert_int_equal(strncmp(out.data, (*op)->name, strlen((*op)->name)), 0);
        for (size_t i = 0; (a = op_arg(*op, i)); i++) {
            struct buf flag;

            buf_init(&flag, 256);
            help_flag(a->name, &flag);
            if (!a->hidden && !strstr(out.data, buf_str(&flag)))
                fail_msg("%s: no %s", (*op)->name, buf_str(&flag));
            buf_deinit(&flag);
        }
        /* Folded where words allow. */
        for (char *line = strtok(out.data, "\n"); line; line = strtok(NULL, "\n")) {
            if (line[0] == ' ' && strlen(line) > HELP_WIDTH &&
                strrchr(line, ' ') - line > HELP_WIDTH)
                fail_msg("%s: '%s'", (*op)->name, line);
        }
        buf_deinit(&out);
    }
}

static void help_shows_what_counts(void **state)
{
    static const char *const parts[] = {
        "Usage: sheetflow op excel/search [--argument value ...] INPUT [OUTPUT]\n",
        "\n  --conditions JSON       What to look for:",
        " Required.\n",
        "\n      column                  Column to look at. Required.\n",
        ("\n  --logic WORD            Whether all conditions must hold (AND) or one is\n"
         "                          enough (OR); statistics.matched counts for each\n"
         "                          condition the rows on which it held by itself. One of:\n"
         "                          AND, OR. Default: AND.\n"),
        "\nReading and writing:\n",
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    help_operation(op_find("excel/search"), &out);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!strstr(buf_str(&out), parts[i]))
            fail_msg("missing: %s\nin:\n%s", parts[i], buf_str(&out));
    }
    assert_null(strstr(buf_str(&out), "match-all"));
    buf_deinit(&out);
}

static void folding(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    help_fold("aa bb", 76, 2, &out);
    assert_string_equal(buf_str(&out), "aa\n  bb\n");
    buf_reset(&out);
    help_fold("aa b", 76, 2, &out);
    assert_string_equal(buf_str(&out), "aa b\n");
    buf_reset(&out);
    help_fold("averylongwordthatdoesnotfit b", 70, 2, &out);
    assert_string_equal(buf_str(&out), "averylongwordthatdoesnotfit\n  b\n");
    buf_deinit(&out);
}

/* docs/reference.md is what the declarations say. SHEETFLOW_WRITE_REFERENCE=1 writes it anew. */
static void reference_is_current(void **state)
{
    const char *path = REFERENCE_PATH;
    struct buf want, got;
    struct err err;
    char chunk[4096];
    size_t n;
    FILE *f;

    (void)state;
    buf_init(&want, 8 << 20);
    buf_init(&got, 8 << 20);
    reference_write(&want);
    assert_true(buf_ok(&want, "the reference", &err));
    if (getenv("SHEETFLOW_WRITE_REFERENCE")) {
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(want.data, 1, want.len, f), want.len);
        assert_int_equal(fclose(f), 0);
    }
    f = fopen(path, "rb");
    if (!f)
        fail_msg("docs/reference.md is missing; write it with SHEETFLOW_WRITE_REFERENCE=1");
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&got, chunk, n);
    fclose(f);
    if (got.len != want.len || memcmp(got.data, want.data, got.len) != 0)
        fail_msg("docs/reference.md is not current; write it with SHEETFLOW_WRITE_REFERENCE=1");
    buf_deinit(&want);
    buf_deinit(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_of_kinds),
        cmocka_unit_test(schema_of_parameters),
        cmocka_unit_test(schema_of_operations),
        cmocka_unit_test(help_of_operations),
        cmocka_unit_test(help_shows_what_counts),
        cmocka_unit_test(folding),
        cmocka_unit_test(reference_is_current),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
