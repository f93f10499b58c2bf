/* New ids and places in old texts. */

#include "store_fixture.h"

#include "store/relocate.h"

#define OLD "aaaaaaaa-1111-4000-8000-000000000001"
#define NEW "bbbbbbbb-1111-4000-8000-000000000001"
#define RUN "aaaaaaaa-2222-4000-8000-000000000002"
#define RUN_NEW "cccccccc-2222-4000-8000-000000000002"
#define OTHER "dddddddd-3333-4000-8000-000000000003"

static const struct {
    const char *name, *from, *to; /* to NULL: unchanged */
} cases[] = {
    { "nothing", "", NULL },
    { "no id", "plain - text - with-dashes-and 12345678-1234", NULL },
    { "an id", "{\"chat_id\":\"" OLD "\"}", "{\"chat_id\":\"" NEW "\"}" },
    { "two ids, one of them a run's", OLD " " RUN, NEW " " RUN_NEW },
    { "an id of someone else", "{\"x\":\"" OTHER "\"}", NULL },
    { "an id at the very end, cut", "aaaaaaaa-1111-4000-8000-00000000000", NULL },
    { "a path", "workflows/2025/01/" OLD "/outputs/a.csv",
        "workflows/2026/02/" NEW "/outputs/a.csv" },
    { "a path without partition", "workflows/" OLD "/uploads/a.csv",
        "workflows/2026/02/" NEW "/uploads/a.csv" },
    { "an absolute path in JSON", "{\"p\":\"/srv/data/workflows/x/" OLD "/intermediate/a.csv\"}",
        "{\"p\":\"workflows/2026/02/" NEW "/intermediate/a.csv\"}" },
    { "a path in prose", "Saved to workflows/1/" OLD "/outputs/a b.csv.",
        "Saved to workflows/2026/02/" NEW "/outputs/a b.csv." },
    { "a link", "http://localhost:5050/api/v1/chat/workflows/" OLD "/files/a.csv",
        "http://localhost:5050/api/v1/chat/workflows/" NEW "/files/a.csv" },
    { "a link that looks like a path", "http:/x/" OLD "/uploads/a.csv",
        "http:/x/" NEW "/uploads/a.csv" },
    { "two paths side by side", "a/" OLD "/uploads/x,b/" OLD "/outputs/y",
        "workflows/2026/02/" NEW "/uploads/x,workflows/2026/02/" NEW "/outputs/y" },
    { "an id as part of a name", "x/" RUN "_a.csv", "x/" RUN_NEW "_a.csv" },
};

static void test_texts(void **state)
{
    struct scratch *s = *state;
    struct relocate r;

    relocate_init(&r, &s->arena, OLD, "workflows/2026/02/");
    OK(s, relocate_add(&r, RUN, RUN_NEW, &s->err));
    OK(s, relocate_add(&r, OLD, NEW, &s->err));
    OK(s, relocate_ready(&r, &s->err));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = cases[i].from;

        OK(s, relocate_text(&r, &text, &s->err));
        if (strcmp(text, cases[i].to ? cases[i].to : cases[i].from) != 0)
            fail_msg("%s: '%s'", cases[i].name, text);
        if (!cases[i].to)
            assert_ptr_equal(text, cases[i].from);
    }
}

static void test_places_without_new_ids(void **state)
{
    struct scratch *s = *state;
    const char *text = "workflows/2025/01/" OLD "/outputs/" RUN, *none = NULL;
    struct relocate r;

    relocate_init(&r, &s->arena, OLD, "workflows/");
    OK(s, relocate_ready(&r, &s->err));
    OK(s, relocate_text(&r, &text, &s->err));
    assert_string_equal(text, "workflows/" OLD "/outputs/" RUN);
    OK(s, relocate_text(&r, &none, &s->err));
    assert_null(none);
}

static void test_an_id_twice(void **state)
{
    struct scratch *s = *state;
    struct relocate r;

    relocate_init(&r, &s->arena, OLD, "workflows/");
    OK(s, relocate_add(&r, OLD, NEW, &s->err));
    OK(s, relocate_add(&r, OLD, NEW, &s->err));
    FAILS(s, relocate_ready(&r, &s->err), ERR_DATA, "the id " OLD " is there twice");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_texts),
        CASE(test_places_without_new_ids),
        CASE(test_an_id_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
