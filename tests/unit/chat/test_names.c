/* Names of participants: their shape, their variety, and what happens when they run out. */

#include "chat/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static bool nobody(void *arg, const char *name, bool *yes, struct err *err)
{
    (void)arg;
    (void)name;
    (void)err;
    *yes = false;
    return true;
}

static bool everybody(void *arg, const char *name, bool *yes, struct err *err)
{
    (void)name;
    (void)err;
    ++*(int *)arg;
    *yes = true;
    return true;
}

static bool all_but_the_fifth(void *arg, const char *name, bool *yes, struct err *err)
{
    (void)name;
    (void)err;
    *yes = ++*(int *)arg < 5;
    return true;
}

static bool broken(void *arg, const char *name, bool *yes, struct err *err)
{
    (void)arg;
    (void)name;
    (void)yes;
    return err_set(err, ERR_IO, "the disk refused");
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ^[A-Z][A-Za-z]+-[1-9]\d{3}$ */
static bool has_shape(const char *name)
{
    const char *dash = strchr(name, '-');

    if (!dash || dash - name < 2 || name[0] < 'A' || name[0] > 'Z' || strlen(dash) != 5)
        return false;
    for (const char *p = name; p < dash; p++) {
        if (!is_letter(*p))
            return false;
    }
    return dash[1] >= '1' && dash[1] <= '9' && strspn(dash + 1, "0123456789") == 4;
}

static void test_shape(void **state)
{
    char name[NAMES_TEXT_MAX], last[NAMES_TEXT_MAX] = "";
    struct err err;
    int different = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        assert_true(names_make(nobody, NULL, name, &err));
        if (!has_shape(name))
            fail_msg("'%s'", name);
        different += strcmp(name, last) != 0;
        strcpy(last, name);
    }
    assert_true(different > 1900);
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned theme = 0; theme < 3; theme++) {
        unsigned n = 0, capitals;
        const char *word;

        for (; (word = names_word(theme, n)) != NULL; n++) {
            capitals = 0;
            for (const char *p = word; *p; p++) {
                assert_true(is_letter(*p));
                capitals += *p < 'a';
            }
            if (capitals != 2 || word[0] >= 'a' || strlen(word) > 20)
                fail_msg("'%s' is not two words", word);
            for (unsigned k = 0; k < 3 * 32; k++) {
                const char *other = names_word(k / 32, k % 32);

                if (other && k != theme * 32 + n && strcmp(word, other) == 0)
                    fail_msg("'%s' is there twice", word);
            }
        }
        assert_true(n >= 24);
    }
    assert_null(names_word(3, 0));
}

static void test_taken_names_are_passed_over(void **state)
{
    char name[NAMES_TEXT_MAX];
    struct err err;
    int asked = 0;

    (void)state;
    assert_true(names_make(all_but_the_fifth, &asked, name, &err));
    assert_int_equal(asked, 5);
}

static void test_no_name_left(void **state)
{
    char name[NAMES_TEXT_MAX] = "untouched";
    struct err err;
    int asked = 0;

    (void)state;
    assert_false(names_make(everybody, &asked, name, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_string_equal(err.text, "no free participant name was found; try again");
    assert_string_equal(name, "untouched");
    assert_true(asked > 10 && asked < 1000);
    assert_false(names_make(broken, NULL, name, &err));
    assert_string_equal(err.text, "the disk refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_taken_names_are_passed_over),
        cmocka_unit_test(test_no_name_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
