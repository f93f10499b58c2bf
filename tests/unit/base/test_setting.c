/* Settings: which source wins, and what is said about a wrong one. */

#include "base/fs.h"
#include "base/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/sheetflow-settings-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_yaml(const char *text)
{
    struct err err;

    assert_true(fs_save(path, text, strlen(text), &err));
}

static void later_sources_win(void **state)
{
    char *env[] = { (char *)"PATH=/bin", (char *)"SHEETFLOW_APP_PORT=7002",
        (char *)"SHEETFLOW_LOGGING_LEVEL=DEBUG", NULL };
    const struct setting_flag flags[] = { { "app.port", "7003" }, { NULL, NULL } };
    struct settings *s;
    struct err err;

    (void)state;
    write_yaml("app:\n  port: 7001\n  name: Büro\nexcel:\n  include_info_sheet: no\n"
               "api:\n  cors_origins: [http://a, http://b]\nlogging:\n");
    assert_true(settings_load(path, env, flags, &s, &err));
    assert_int_equal(settings_int(s, "app.port"), 7003);
    assert_string_equal(settings_source(s, "app.port"), "flag");
    assert_string_equal(settings_string(s, "app.name"), "Büro");
    assert_string_equal(settings_string(s, "logging.level"), "debug");
    assert_string_equal(settings_source(s, "logging.level"), "environment SHEETFLOW_LOGGING_LEVEL");
    assert_false(settings_bool(s, "excel.include_info_sheet"));
    assert_int_equal(settings_list_len(s, "api.cors_origins"), 2);
    assert_string_equal(settings_list_at(s, "api.cors_origins", 1), "http://b");
    assert_string_equal(settings_source(s, "app.host"), "default");
    assert_string_equal(settings_string(s, "app.host"), "127.0.0.1");
    settings_free(s);
}

static void wrong_settings_are_told_with_their_place(void **state)
{
    static const struct {
        const char *yaml, *sentence;
    } cases[] = {
        { "app:\n  prot: 1\n", "there is no setting 'app.prot'" },
        { "app:\n  prot: 1\n", "did you mean 'app.port'?" },
        { "app:\n  prot: 1\n", "line 2" },
        { "excell:\n  max_column_width: 9\n", "there is no setting 'excell'" },
        { "app:\n  port: many\n", "app.port: 'many' is not a whole number" },
        { "app:\n  port: 70000\n", "app.port: 70000 is not between 0 and 65535" },
        { "excel:\n  include_info_sheet: maybe\n", "is not true or false" },
        { "logging:\n  level: loud\n", "'loud' is not one of debug, info, warning, error" },
        { "app: [1, 2]\n", "there is no setting 'app'" },
        { "app:\n  port: 1\n bad\n", "line" },
        { "- a\n", "a section with settings is expected" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct settings *s;
        struct err err = { 0 };

        write_yaml(cases[i].yaml);
        if (settings_load(path, NULL, NULL, &s, &err))
            fail_msg("accepted: %s", cases[i].yaml);
        if (!strstr(err.text, cases[i].sentence))
            fail_msg("says '%s', not '%s'", err.text, cases[i].sentence);
    }
}

static void an_unknown_variable_is_refused(void **state)
{
    char *env[] = { (char *)"SHEETFLOW_APP_PROT=1", NULL };
    struct settings *s;
    struct err err;

    (void)state;
    assert_false(settings_load(NULL, env, NULL, &s, &err));
    assert_non_null(strstr(err.text, "SHEETFLOW_APP_PROT"));
}

static void an_empty_file_and_a_missing_one(void **state)
{
    struct settings *s;
    struct err err;

    (void)state;
    write_yaml("# nothing\n");
    assert_true(settings_load(path, NULL, NULL, &s, &err));
    settings_free(s);
    assert_false(settings_load("/nonexistent.yaml", NULL, NULL, &s, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void the_table_is_whole(void **state)
{
    (void)state;
    for (const struct setting *t = setting_table; t->path; t++) {
        assert_non_null(t->fallback);
        assert_non_null(t->help);
        assert_int_equal(t->help[strlen(t->help) - 1], '.');
        assert_true((t->type == SETTING_CHOICE) == (t->choices != NULL));
        for (const struct setting *u = setting_table; u < t; u++)
            assert_string_not_equal(t->path, u->path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_sources_win),
        cmocka_unit_test(wrong_settings_are_told_with_their_place),
        cmocka_unit_test(an_unknown_variable_is_refused),
        cmocka_unit_test(an_empty_file_and_a_missing_one),
        cmocka_unit_test(the_table_is_whole),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
