/*
 * Lints every declaration, so that a half-filled one fails the build rather than a user.
 */

#include "op_fixture.h"

#include "ops/bind_int.h"
#include "ops/rules/rule.h"

static int faults;

#define CHECK(what, cond)                           \
    do {                                            \
        if (!(cond)) {                              \
            print_error("%s: %s\n", (what), #cond); \
            faults++;                               \
        }                                           \
    } while (0)

static bool ends_with(const char *s, char c)
{
    return s && *s && s[strlen(s) - 1] == c;
}

static void check_fields(const char *where, const struct arg *fields, size_t size);

static void check_arg(const char *owner, const struct arg *a, size_t size)
{
    char where[256];
    struct json *value;
    struct err err;

    snprintf(where, sizeof where, "%s: %s", owner, a->name);
    CHECK(where, ends_with(a->help, '.'));
    CHECK(where, a->offset < size);
    CHECK(where, !a->required || !a->fallback);
    CHECK(where, !a->hidden || !a->required);
    CHECK(where, (a->type == ARG_CHOICE) == (a->choices != NULL));
    CHECK(where, a->min <= a->max);
    CHECK(where, !a->ask || ends_with(a->ask, '?'));
    CHECK(where, strspn(a->name, "abcdefghijklmnopqrstuvwxyz_") == strlen(a->name));
    for (const char *const *p = a->choice_aliases; p && *p; p += 2) {
        bool found = false;

        for (const char *const *c = a->choices; *c; c++)
            found |= strcmp(*c, p[1]) == 0;
        CHECK(where, found && "the alias names a choice");
    }
    if (a->fallback) {
        CHECK(where, a->type < ARG_JSON);
        CHECK(where, json_parse(a->fallback, strlen(a->fallback), &value, &err));
        json_free(value);
    }
    CHECK(where, (a->fields != NULL) ==
                     (a->type == ARG_OBJECT || a->type == ARG_OBJECTS || a->type == ARG_MAP));
    CHECK(where, (a->depends != NULL) == (a->fields_of != NULL));
    if (a->fields) {
        bool found = !a->shorthand;

        CHECK(where, a->size > 0);
        check_fields(where, a->fields, a->size);
        for (const struct arg *f = a->fields; f->name; f++)
            found |= a->shorthand && strcmp(f->name, a->shorthand) == 0;
        CHECK(where, found && "the shorthand names a field");
    }
}

/* No two arguments answer to one key. */
static void check_keys(const char *where, const struct arg *const *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(where, arg_find(args, n, args[i]->name) == (int)i);
        for (const char *const *a = args[i]->aliases; a && *a; a++) {
            int found = arg_find(args, n, *a);

            CHECK(where, found >= 0);
            /* An argument of that name may stand before the alias (sheet_name), but not another alias. */
            if (found != (int)i)
                CHECK(where, strcmp(args[found]->name, *a) == 0);
        }
    }
}

static void check_fields(const char *where, const struct arg *fields, size_t size)
{
    const struct arg *args[BIND_MAX_FIELDS];
    size_t n = 0;

    for (; fields[n].name && n < BIND_MAX_FIELDS; n++) {
        args[n] = &fields[n];
        check_arg(where, &fields[n], size);
    }
    CHECK(where, !fields[n].name);
    check_keys(where, args, n);
}

static void check_examples(const struct op *op)
{
    CHECK(op->name, op->examples && op->examples[0].title);
    for (const struct op_example *e = op->examples; e && e->title; e++) {
        struct json *arguments = NULL;
        struct op_args bound;
        struct arena arena;
        struct err err = { 0 };

        arena_init(&arena, NULL);
        CHECK(e->title, json_parse(e->args, strlen(e->args), &arguments, &err));
        CHECK(e->title, op_bind(op, arguments, &arena, &bound, &err));
        CHECK(e->title, e->in && ends_with(e->in, '\n'));
        CHECK(e->title, (e->out != NULL) == !(op->flags & OP_RESULT));
        json_free(arguments);
        arena_deinit(&arena);
    }
}

static void declarations(void **state)
{
    const char *before = "";

    (void)state;
    for (const struct op *const *p = op_table; *p; p++) {
        const struct op *op = *p;
        const struct arg *args[BIND_MAX_FIELDS];
        unsigned kinds = op->flags & (OP_TABLE | OP_TEXT | OP_RESULT);

        CHECK(op->name, strcmp(before, op->name) < 0);
        CHECK(op->name, kinds == OP_TABLE || kinds == OP_TEXT || kinds == OP_RESULT);
        CHECK(op->name, (op->suffix == NULL) == (kinds == OP_RESULT));
        CHECK(op->name, (op->format == FILE_UNKNOWN) == (kinds == OP_RESULT));
        CHECK(op->name, op->open && op->push && op->args && op->says && op->says[0]);
        CHECK(op->name, (op->scan == NULL) == (op->scan_end == NULL));
        CHECK(op->name, op->summary && !ends_with(op->summary, '.'));
        CHECK(op->name, !(op->flags & OP_RESULT) || op->result);
        check_fields(op->name, op->args, op->args_size);
        check_keys(op->name, args, op_args_all(op, args));
        for (const char *const *s = op->says; *s; s++)
            CHECK(op->name, strpbrk(*s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
        check_examples(op);
        before = op->name;
    }
    assert_int_equal(faults, 0);
}

static void rules(void **state)
{
    size_t n = 0;

    (void)state;
    for (; rule_table[n]; n++) {
        const struct rule *r = rule_table[n];

        CHECK(r->name, strcmp(r->name, rule_names[n]) == 0);
        CHECK(r->name, r->description && !ends_with(r->description, '.'));
        CHECK(r->name, r->apply && r->params);
        CHECK(r->name, r->params_size >= sizeof(struct rule_params));
        CHECK(r->name, !r->state_size || r->open || r->scan);
        check_fields(r->name, r->params, r->params_size);
    }
    CHECK("rules", rule_names[n] == NULL);
    assert_int_equal(faults, 0);
}

static void finding(void **state)
{
    const struct op *op = NULL;
    struct err err;

    (void)state;
    assert_ptr_equal(op_find("/excel/search/"), op_find("excel/search"));
    assert_null(op_find("excel/search2"));
    assert_null(op_find(""));
    assert_true(op_get("csv/search", &op, &err));
    assert_string_equal(op->name, "csv/search");
    assert_false(op_get("excel/serch", &op, &err));
    assert_string_equal(
        err.text, "there is no operation 'excel/serch'; did you mean 'excel/search'?");
    assert_int_equal(err.code, ERR_ARG);
    assert_false(op_get("zzzzzzzzzzzz", &op, &err));
    assert_string_equal(err.text, "there is no operation 'zzzzzzzzzzzz'");
    assert_non_null(strstr(err.available, "sql/generate"));
}

static void drop_names(void **state)
{
    (void)state;
    assert_string_equal(drop_reason_name(DROP_FILTERED), "filtered");
    assert_string_equal(drop_reason_name(DROP_DUPLICATE), "duplicate");
    assert_string_equal(drop_reason_name(DROP_QUARANTINED), "quarantined");
    assert_string_equal(drop_reason_name(DROP_FAILED), "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declarations),
        cmocka_unit_test(rules),
        cmocka_unit_test(finding),
        cmocka_unit_test(drop_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
