/*
 * Arguments: what each good or bad request becomes, or says back to the person who sent it.
 */

#include "op_fixture.h"

#include "ops/condition.h"

static void try_bind(const char *op_name, const char *args, bool *ok, struct op_args *out,
    struct arena *arena, struct json **json, struct err *err)
{
    const struct op *op = op_find(op_name);

    assert_non_null(op);
    *json = args ? json_quoted(args) : NULL;
    *err = (struct err){ 0 };
    *ok = op_bind(op, *json, arena, out, err);
}

/* want: the sentence, or NULL where it binds. */
static const struct {
    const char *label, *op, *args, *want, *argument;
} cases[] = {
    { "no arguments at all", "excel/extract-columns", NULL, NULL, NULL },
    { "an empty object", "excel/extract-columns", "{}", NULL, NULL },
    { "null counts as not given", "excel/extract-columns", "{'columns': null}", NULL, NULL },
    { "null does not meet a requirement", "excel/search", "{'conditions': null}",
        "conditions is required. What to look for: [{\"column\": \"age\", \"operator\": "
        "\"greater_than\", \"value\": 30}].",
        "conditions" },
    { "not an object", "excel/search", "[1]", "a list is not an object of arguments", "" },
    { "a typo", "excel/extract-columns", "{'column': 'a'}",
        "excel/extract-columns has no argument 'column'; did you mean 'columns'?", "column" },
    { "nothing like it", "excel/extract-columns", "{'xyzzy': 1}",
        "excel/extract-columns has no argument 'xyzzy'. It takes: columns, remove_duplicates, "
        "include_statistics, sheet, header_row, delimiter, quote, encoding, merged, errors, "
        "header_rows, hidden, totals, values, blank_lines",
        "xyzzy" },
    { "an alias and its name", "excel/search",
        "{'sheet': 'a', 'sheet_name': 'b', 'conditions': []}",
        "sheet_name: means the same argument as 'sheet'; give one of them", "sheet_name" },
    { "camel case", "normalization/apply",
        "{'normalizations': [{'columnName': 'a', 'normalizationType': 'uppercase'}], "
        "'returnReport': 'off'}",
        NULL, NULL },
    { "a boolean as a number", "excel/extract-columns", "{'remove_duplicates': 1}", NULL, NULL },
    { "a boolean as text", "excel/extract-columns", "{'remove_duplicates': 'YES'}", NULL, NULL },
    { "no boolean", "excel/extract-columns", "{'remove_duplicates': 'maybe'}",
        "remove_duplicates: 'maybe' is not yes or no", "remove_duplicates" },
    { "two is no boolean", "excel/extract-columns", "{'remove_duplicates': 2}",
        "remove_duplicates: 2 is not yes or no", "remove_duplicates" },
    { "a whole number as text", "sql/generate", "{'batch_size': ' 10 '}", NULL, NULL },
    { "a whole number with a point", "sql/generate", "{'batch_size': 10.0}", NULL, NULL },
    { "no whole number", "sql/generate", "{'batch_size': 1.5}",
        "batch_size: 1.5 is not a whole number", "batch_size" },
    { "words for a number", "sql/generate", "{'batch_size': 'ten'}",
        "batch_size: 'ten' is not a whole number", "batch_size" },
    { "below the bound", "sql/generate", "{'batch_size': 0}",
        "batch_size: 0 is not between 1 and 1000000", "batch_size" },
    { "at the bounds", "sql/generate", "{'batch_size': 1000000, 'rows_per_insert': 1}", NULL,
        NULL },
    { "a choice in any case", "sql/generate", "{'database_type': 'MySQL'}", NULL, NULL },
    { "an alias of a choice", "sql/generate", "{'database_type': 'postgres'}", NULL, NULL },
    { "no choice", "sql/generate", "{'database_type': 'oracle'}",
        "database_type: 'oracle' is not one of its choices. It takes: postgresql, mysql, sqlite",
        "database_type" },
    { "a list for a choice", "sql/generate", "{'database_type': ['mysql']}",
        "database_type: a list is not one of its choices. It takes: postgresql, mysql, sqlite",
        "database_type" },
    { "a number for a sheet", "excel/extract-columns", "{'sheet': 2}", NULL, NULL },
    { "a list for text", "sql/generate", "{'table_name': ['x']}", "table_name: a list is not text",
        "table_name" },
    { "an empty name", "sql/generate", "{'table_name': ''}", "table_name: the text is empty",
        "table_name" },
    { "a column that is a list", "excel/extract-columns", "{'columns': [['a']]}",
        "columns[0]: a list is not text", "columns[0]" },
    { "an empty column", "excel/extract-columns", "{'columns': ['a', '']}",
        "columns[1]: the text is empty", "columns[1]" },
    { "an object for columns", "excel/extract-columns", "{'columns': {'a': 1}}",
        "columns: an object is not a list of names", "columns" },
    { "a place deep inside", "excel/search",
        "{'conditions': [{'column': 'a', 'operator': 'is_empty'}, {'column': 'a', 'operator': "
        "'near'}]}",
        "conditions[1].operator: 'near' is not one of its choices; did you mean 'lesser'?", NULL },
    { "one object for a list", "excel/search",
        "{'conditions': {'column': 'a', 'operator': 'is_empty'}}", NULL, NULL },
    { "text for a list of objects", "excel/search", "{'conditions': 'name equals Ada'}",
        "conditions: 'name equals Ada' is not a list of objects", "conditions" },
    { "broken JSON text", "excel/search", "{'conditions': '[{]'}", NULL, "conditions" },
    { "a plain value for an object", "sql/generate", "{'auto_increment': 'yes'}", NULL, NULL },
    { "an unknown key in an object", "sql/generate", "{'auto_increment': {'enable': true}}",
        "auto_increment has no argument 'enable'; did you mean 'enabled'?",
        "auto_increment.enable" },
    { "a map with an empty name", "json/generate", "{'column_mapping': {'': 'x'}}",
        "column_mapping: one of the names is empty", "column_mapping" },
    { "a list in a map", "json/generate", "{'column_mapping': {'a': [1]}}",
        "column_mapping.a: a list is not text", "column_mapping.a" },
    { "a path for a file name", "excel/search",
        "{'conditions': [{'column': 'a', 'operator': 'is_empty'}], 'output_filename': 'a/b.csv'}",
        "output_filename: 'a/b.csv' is not a file name without folders", "output_filename" },
    { "an encoding nobody knows", "csv/convert-to-excel", "{'encoding': 'utf-9'}",
        "encoding: 'utf-9' is not a known encoding, such as utf-8 or windows-1252", "encoding" },
    { "line breaks in a value", "excel/extract-columns", "{'remove_duplicates': 'a\\nb\\u007fc'}",
        "remove_duplicates: 'a b c' is not yes or no", "remove_duplicates" },
    { "a long name is cut at a character", "excel/extract-columns",
        "{'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxéé': 1}",
        "excel/extract-columns has no argument "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'. It takes: columns, "
        "remove_duplicates, include_statistics, sheet, header_row, delimiter, quote, encoding, "
        "merged, errors, header_rows, hidden, totals, values, blank_lines",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxéé" },
    { "a quote of two characters", "csv/convert-to-excel", "{'quote': '<>'}",
        "quote: '<>' is not one character or 'none'", "quote" },
};

static void sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct op_args bound;
        struct arena arena;
        struct json *json;
        struct err err;
        bool ok, should = !cases[i].want && !cases[i].argument;

        arena_init(&arena, NULL);
        try_bind(cases[i].op, cases[i].args, &ok, &bound, &arena, &json, &err);
        /* The list of choices is long where operators are; its beginning does. */
        if (strcmp(cases[i].label, "a place deep inside") == 0) {
            assert_false(ok);
            assert_string_equal(err.argument, "conditions[1].operator");
        } else {
            if (ok != should)
                fail_msg("%s: %s", cases[i].label, ok ? "was taken" : err.text);
            if (cases[i].want && strcmp(err.text, cases[i].want) != 0)
                fail_msg("%s: got '%s'", cases[i].label, err.text);
            if (cases[i].argument)
                assert_string_equal(err.argument, cases[i].argument);
            if (!ok)
                assert_int_equal(err.code, ERR_ARG);
        }
        json_free(json);
        arena_deinit(&arena);
    }
}

/* A struct of all kinds. */
struct inner {
    const char *key;
    const char *text;
    int64_t n;
};

struct all {
    bool yes;
    int maybe, maybe_not;
    int64_t whole;
    double number;
    const char *text;
    struct strs names;
    int choice;
    const struct json *any;
    struct inner place, absent;
    struct items list, map;
};

static const char *const words[] = { "one", "two_three", NULL };
static const char *const word_aliases[] = { "2", "two_three", NULL };
static const char *const old_names[] = { "old_whole", NULL };

static const struct arg inner_fields[] = {
    { ARG(struct inner, text, STR), .fallback = "\"t\"", .help = "." },
    { ARG(struct inner, n, INT), .fallback = "7", .help = "." },
    { 0 },
};

static const struct arg all_fields[] = {
    { ARG(struct all, yes, BOOL), .fallback = "true", .help = "." },
    { ARG(struct all, maybe, MAYBE), .help = "." },
    { ARG(struct all, maybe_not, MAYBE), .help = "." },
    { ARG(struct all, whole, INT), .aliases = old_names, .help = "." },
    { ARG(struct all, number, NUMBER), .min = -1.5, .max = 1.5, .help = "." },
    { ARG(struct all, text, STR), .help = "." },
    { ARG(struct all, names, STRS), .fallback = "[\"x\", \"y\"]", .help = "." },
    { ARG(struct all, choice, CHOICE), .choices = words, .choice_aliases = word_aliases,
        .fallback = "\"one\"", .help = "." },
    { ARG(struct all, any, JSON), .help = "." },
    { ARG_PLACE(struct all, place, inner_fields), .shorthand = "n", .help = "." },
    { ARG_PLACE(struct all, absent, inner_fields), .help = "." },
    { ARG_LIST(struct all, list, OBJECTS, struct inner, inner_fields), .help = "." },
    { ARG_LIST(struct all, map, MAP, struct inner, inner_fields), .shorthand = "text",
        .help = "." },
    { 0 },
};

static void bind_all(const char *args, struct all *out, struct arena *arena, struct json **json)
{
    struct err err;

    *json = json_quoted(args);
    memset(out, 0, sizeof *out);
    if (!arg_bind(all_fields, "test", "", *json, arena, out, &err))
        fail_msg("%s: %s", args, err.text);
}

static void defaults(void **state)
{
    struct arena arena;
    struct json *json;
    struct all a;

    (void)state;
    arena_init(&arena, NULL);
    bind_all("{}", &a, &arena, &json);
    assert_true(a.yes);
    assert_int_equal(a.maybe, -1);
    assert_int_equal(a.whole, 0);
    assert_null(a.text);
    assert_int_equal(a.names.n, 2);
    assert_string_equal(a.names.v[1], "y");
    assert_int_equal(a.choice, 0);
    assert_null(a.any);
    /* An object that is absent has no defaults inside. */
    assert_int_equal(a.absent.n, 0);
    assert_int_equal(a.list.n, 0);
    json_free(json);
    arena_deinit(&arena);
}

static void values(void **state)
{
    struct arena arena;
    struct json *json;
    struct inner *in;
    struct all a;

    (void)state;
    arena_init(&arena, NULL);
    bind_all("{'yes': 'No', 'maybe': true, 'maybeNot': 0, 'oldWhole': '-12', 'number': '-1.5', "
             "'text': 1.5, 'names': ' a , b,,c ', 'choice': 'TWO_three', 'any': {'k': [1]}, "
             "'place': 3, 'list': [{'text': 'p'}, {'n': 9}], "
             "'map': {'z': 'plain', 'a': {'n': 1}}}",
        &a, &arena, &json);
    assert_false(a.yes);
    assert_int_equal(a.maybe, 1);
    assert_int_equal(a.maybe_not, 0);
    assert_int_equal(a.whole, -12);
    assert_true(a.number == -1.5);
    assert_string_equal(a.text, "1.5");
    assert_int_equal(a.names.n, 3);
    assert_string_equal(a.names.v[0], "a");
    assert_string_equal(a.names.v[2], "c");
    assert_int_equal(a.choice, 1);
    assert_int_equal(json_len(json_get(a.any, "k")), 1);
    assert_int_equal(a.place.n, 3);
    assert_string_equal(a.place.text, "t");
    in = a.list.v;
    assert_int_equal(a.list.n, 2);
    assert_string_equal(in[0].text, "p");
    assert_int_equal(in[0].n, 7);
    assert_int_equal(in[1].n, 9);
    in = a.map.v;
    assert_int_equal(a.map.n, 2);
    assert_string_equal(in[0].key, "z");
    assert_string_equal(in[0].text, "plain");
    assert_int_equal(in[0].n, 7);
    assert_string_equal(in[1].key, "a");
    assert_int_equal(in[1].n, 1);
    json_free(json);
    arena_deinit(&arena);
}

/* Forms send structures as text. The text is replaced by what it means, which lives with the arguments. */
static void json_text_in_forms(void **state)
{
    struct json *json = json_new_object();
    struct arena arena;
    struct err err;
    struct all a = { 0 };

    (void)state;
    arena_init(&arena, NULL);
    json_set_string(json, "names", " [\"a, b\", \"c\"]");
    json_set_string(json, "list", "{\"text\": \"one\"}");
    json_set_string(json, "map", "{\"k\": \"v\"}");
    json_set_string(json, "any", "{\"deep\": {\"er\": 1}}");
    json_set_string(json, "place", "{\"n\": 5}");
    assert_true(arg_bind(all_fields, "test", "", json, &arena, &a, &err));
    assert_int_equal(a.names.n, 2);
    assert_string_equal(a.names.v[0], "a, b");
    assert_int_equal(a.list.n, 1);
    assert_int_equal(a.map.n, 1);
    assert_int_equal(a.place.n, 5);
    assert_int_equal(json_get_int(json_get(a.any, "deep"), "er", 0), 1);
    json_free(json);
    arena_deinit(&arena);

    /* What is no JSON is a name that begins with a bracket. */
    json = json_new_object();
    arena_init(&arena, NULL);
    json_set_string(json, "names", "[x] y");
    json_set_string(json, "any", "{not json");
    assert_true(arg_bind(all_fields, "test", "", json, &arena, &a, &err));
    assert_string_equal(a.names.v[0], "[x] y");
    assert_string_equal(json_str(a.any), "{not json");
    json_free(json);
    arena_deinit(&arena);
}

static void paths_and_lists_of_names(void **state)
{
    struct json *json = json_quoted("{'numbr': 1}");
    struct all a = { 0 };
    struct arena arena;
    struct err err;

    (void)state;
    arena_init(&arena, NULL);
    assert_false(arg_bind(all_fields, "test", "steps[2].x", json, &arena, &a, &err));
    assert_string_equal(err.text, "steps[2].x has no argument 'numbr'; did you mean 'number'?");
    assert_string_equal(err.argument, "steps[2].x.numbr");
    assert_string_equal(err.suggestions, "number");
    assert_non_null(strstr(err.available, "yes"));
    json_free(json);
    arena_deinit(&arena);
}

static void limits(void **state)
{
    const struct op *op = op_find("excel/extract-columns");
    struct json *json = json_new_object(), *list = json_new_array();
    struct op_args bound;
    struct budget budget = { .limit = 64 };
    struct arena arena;
    struct err err;

    (void)state;
    for (int i = 0; i <= 10000; i++)
        json_add(list, json_new_string("a"));
    json_set(json, "columns", list);
    arena_init(&arena, NULL);
    assert_false(op_bind(op, json, &arena, &bound, &err));
    assert_string_equal(err.text, "columns: more than 10000 names");
    json_free(json);
    arena_deinit(&arena);

    json = json_new_object();
    json_set(json, "sheet", json_new_stringn("a\0b", 3));
    arena_init(&arena, NULL);
    assert_false(op_bind(op, json, &arena, &bound, &err));
    assert_string_equal(err.text, "sheet: the text holds a NUL character");
    arena_deinit(&arena);

    arena_init(&arena, &budget);
    assert_false(op_bind(op, json, &arena, &bound, &err));
    json_free(json);
    arena_deinit(&arena);
}

static void shared_arguments(void **state)
{
    struct op_args bound;
    struct arena arena;
    struct json *json;
    struct err err;
    bool ok;

    (void)state;
    arena_init(&arena, NULL);
    try_bind("excel/convert-to-csv", "{'delimiter': 'tab', 'sheet_name': 'Data', 'merged': 'FILL'}",
        &ok, &bound, &arena, &json, &err);
    assert_true(ok);
    assert_int_equal(bound.output.delimiter, '\t');
    assert_null(bound.reader.delimiter);
    assert_string_equal(bound.reader.sheet, "Data");
    assert_int_equal(bound.reader.merged, MERGED_FILL);
    assert_int_equal(bound.reader.header_row, 1);
    assert_int_equal(bound.output.format, FILE_UNKNOWN);
    json_free(json);

    try_bind("csv/convert-to-excel", "{'sheet_name': 'Out', 'sheet': 3, 'output_format': 'JSONL'}",
        &ok, &bound, &arena, &json, &err);
    assert_true(ok);
    assert_string_equal(bound.output.sheet_name, "Out");
    assert_string_equal(bound.reader.sheet, "3");
    assert_int_equal(bound.output.format, FILE_JSONL);
    json_free(json);

    try_bind("json/generate", "{'output_format': 'jsonl'}", &ok, &bound, &arena, &json, &err);
    assert_true(ok);
    assert_int_equal(bound.output.format, FILE_JSONL);
    json_free(json);
    arena_deinit(&arena);
}

static void formats(void **state)
{
    static const struct {
        const char *op;
        enum file_format format;
        bool takes;
    } rows[] = {
        { "excel/search", FILE_XLSX, true },
        { "excel/search", FILE_TSV, true },
        { "excel/search", FILE_SQL, false },
        { "json/generate", FILE_JSON, true },
        { "json/generate", FILE_JSONL, true },
        { "json/generate", FILE_CSV, false },
        { "sql/generate", FILE_SQL, true },
        { "sql/generate", FILE_CSV, false },
        { "excel/extract-columns", FILE_XLSX, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (op_takes_format(op_find(rows[i].op), rows[i].format) != rows[i].takes)
            fail_msg("%s: %s", rows[i].op, file_format_name(rows[i].format));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),
        cmocka_unit_test(defaults),
        cmocka_unit_test(values),
        cmocka_unit_test(json_text_in_forms),
        cmocka_unit_test(paths_and_lists_of_names),
        cmocka_unit_test(limits),
        cmocka_unit_test(shared_arguments),
        cmocka_unit_test(formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
