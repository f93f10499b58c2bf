/* Keys: made, looked up, ended; and links that are signed. */

#include "server/auth.h"

#include "base/clock.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct scene {
    char root[64], db[96];
    struct store *store;
    struct auth *auth;
    struct arena arena;
    struct err err;
};

#define OK(s, call)                                   \
    do {                                              \
        if (!(call))                                  \
            fail_msg("%s: %s", #call, (s)->err.text); \
    } while (0)

static int begin(void **state)
{
    struct scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    strcpy(s->root, "/tmp/sheetflow-auth-XXXXXX");
    assert_non_null(mkdtemp(s->root));
    snprintf(s->db, sizeof s->db, "%s/chat.db", s->root);
    arena_init(&s->arena, NULL);
    OK(s, store_open(&(struct store_config){ .path = s->db }, &s->store, &s->err));
    OK(s, auth_new(s->store, &s->auth, &s->err));
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;

    auth_free(s->auth);
    store_close(s->store);
    arena_deinit(&s->arena);
    OK(s, fs_remove_tree(s->root, &s->err));
    free(s);
    return 0;
}

static bool create(struct scene *s, const char *wanted, struct store_key *key, char *text)
{
    struct json *v;
    bool ok;

    OK(s, json_parse(wanted, strlen(wanted), &v, &s->err));
    ok = key_create(s->store, v, key, &s->arena, text, &s->err);
    json_free(v);
    if (ok)
        OK(s, auth_load(s->auth, &s->err));
    return ok;
}

static void test_a_key_stands_for_its_role_and_owner(void **state)
{
    struct scene *s = *state;
    char text[AUTH_KEY_TEXT], second[AUTH_KEY_TEXT], changed[AUTH_KEY_TEXT];
    struct principal p;
    struct store_key key, other;

    assert_false(auth_has_keys(s->auth));
    OK(s, create(s, "{\"name\":\"n\",\"role\":\"writer\",\"owner\":\"ada\"}", &key, text));
    OK(s, create(s, "{\"name\":\"bob\",\"role\":\"admin\"}", &other, second));
    assert_true(auth_has_keys(s->auth));
    assert_true(auth_has_usable(s->auth));
    assert_int_equal(strlen(text), AUTH_KEY_TEXT - 1);
    assert_int_equal(strncmp(text, "sf_", 3), 0);
    assert_string_not_equal(text, second);
    assert_null(strstr(key.sha256, text + 3));
    assert_true(auth_key(s->auth, text, strlen(text), &p));
    assert_int_equal(p.role, ROLE_WRITER);
    assert_string_equal(p.owner, "ada");
    assert_string_equal(p.key, key.id);
    assert_string_equal(principal_sees(&p), "ada");
    assert_true(auth_key_id(s->auth, other.id, &p));
    assert_string_equal(p.owner, "bob");
    assert_null(principal_sees(&p));

    for (size_t i = 0; i < sizeof text - 1; i++) { /* Each letter counts. */
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        assert_false(auth_key(s->auth, changed, strlen(changed), &p));
    }
    assert_false(auth_key(s->auth, text, strlen(text) - 1, &p));
    assert_false(auth_key(s->auth, "", 0, &p));
    assert_false(auth_key_id(s->auth, "", &p));
}

static void test_revoked_and_expired_keys_open_nothing(void **state)
{
    struct scene *s = *state;
    char text[AUTH_KEY_TEXT], old[AUTH_KEY_TEXT];
    struct principal p;
    struct store_key key, expired;

    OK(s, create(s, "{\"name\":\"n\",\"role\":\"writer\"}", &key, text));
    setenv("SOURCE_DATE_EPOCH", "1000000000", 1);
    OK(s, create(s, "{\"name\":\"o\",\"role\":\"admin\",\"expires\":\"1m\"}", &expired, old));
    assert_true(auth_key(s->auth, old, strlen(old), &p));
    setenv("SOURCE_DATE_EPOCH", "1000000059", 1);
    assert_true(auth_key(s->auth, old, strlen(old), &p));
    setenv("SOURCE_DATE_EPOCH", "1000000060", 1);
    assert_false(auth_key(s->auth, old, strlen(old), &p));
    assert_false(auth_key_id(s->auth, expired.id, &p));
    unsetenv("SOURCE_DATE_EPOCH");
    OK(s, key_revoke(s->store, key.id, &s->err));
    OK(s, auth_load(s->auth, &s->err));
    assert_false(auth_key(s->auth, text, strlen(text), &p));
    assert_false(auth_has_usable(s->auth));
    assert_true(auth_has_keys(s->auth)); /* So nobody is let in without one either. */
    assert_false(key_revoke(s->store, "nonsense", &s->err));
    assert_int_equal(s->err.code, ERR_NOT_FOUND);
}

static void test_uses_are_written_later(void **state)
{
    struct scene *s = *state;
    char text[AUTH_KEY_TEXT];
    struct principal p;
    struct store_key key, *keys;
    size_t n;

    OK(s, create(s, "{\"name\":\"n\",\"role\":\"reader\"}", &key, text));
    assert_true(auth_key(s->auth, text, strlen(text), &p));
    OK(s, store_keys(s->store, &s->arena, &keys, &n, &s->err));
    assert_int_equal(keys[0].last_used_ns, 0);
    OK(s, auth_load(s->auth, &s->err)); /* Forgets nothing. */
    auth_write_uses(s->auth);
    OK(s, store_keys(s->store, &s->arena, &keys, &n, &s->err));
    assert_true(keys[0].last_used_ns >= key.created_ns);
}

static void test_what_a_key_cannot_be(void **state)
{
    static const struct {
        const char *wanted, *sentence;
    } cases[] = {
        { "{}", "name: a text of 1 to 100 characters is required" },
        { "{\"name\":\"\",\"role\":\"admin\"}", "name: a text of 1 to 100 characters is required" },
        { "{\"name\":\"n\"}", "role: one of admin, writer and reader is required" },
        { "{\"name\":\"n\",\"role\":\"open\"}",
            "role: one of admin, writer and reader is required" },
        { "{\"name\":\"a b\",\"role\":\"admin\"}",
            "owner: is required where the name is not 1 to 64 letters, digits, dots, underscores, "
            "hyphens and @" },
        { "{\"name\":\"n\",\"role\":\"admin\",\"owner\":\"\"}",
            "owner: 1 to 64 letters, digits, dots, underscores, hyphens and @ are expected" },
        { "{\"name\":\"n\",\"role\":\"admin\",\"expires\":\"-1d\"}",
            "expires: a time from now is expected: 90d for days, 12h for hours or 30m for "
            "minutes" },
        { "{\"name\":\"n\",\"role\":\"admin\",\"expires\":\"99999999999999999999d\"}",
            "expires: a time from now is expected: 90d for days, 12h for hours or 30m for "
            "minutes" },
        { "{\"name\":\"n\",\"role\":\"admin\",\"expires\":7}",
            "expires: a time from now is expected: 90d for days, 12h for hours or 30m for "
            "minutes" },
        { "{\"nmae\":\"n\",\"role\":\"admin\"}", "there is no 'nmae' here; did you mean 'name'?" },
    };
    struct scene *s = *state;
    char text[AUTH_KEY_TEXT];
    struct store_key key;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(create(s, cases[i].wanted, &key, text));
        assert_string_equal(s->err.text, cases[i].sentence);
        assert_int_equal(s->err.code, ERR_ARG);
    }
    assert_false(auth_has_keys(s->auth));
}

static void test_links(void **state)
{
    struct scene *s = *state;
    char text[AUTH_KEY_TEXT], signature[65], until[24];
    int64_t now = clock_wall_ns() / 1000000000;
    struct principal p;
    struct store_key key;

    OK(s, create(s, "{\"name\":\"ada\",\"role\":\"reader\"}", &key, text));
    snprintf(until, sizeof until, "%lld", (long long)now + 60);
    auth_sign(s->auth, "/a", key.id, now + 60, signature);
    assert_true(auth_signed(s->auth, "/a", key.id, until, signature, &p));
    assert_string_equal(p.owner, "ada");
    assert_false(auth_signed(s->auth, "/b", key.id, until, signature, &p));
    assert_false(auth_signed(s->auth, "/a", "", until, signature, &p));
    assert_false(auth_signed(s->auth, "/a", key.id, "99999999999", signature, &p));
    assert_false(auth_signed(s->auth, "/a", key.id, until, "", &p));
    signature[63] = signature[63] == '0' ? '1' : '0';
    assert_false(auth_signed(s->auth, "/a", key.id, until, signature, &p));
    auth_sign(s->auth, "/a", key.id, now - 1, signature);
    snprintf(until, sizeof until, "%lld", (long long)now - 1);
    assert_false(auth_signed(s->auth, "/a", key.id, until, signature, &p));
    auth_sign(s->auth, "/a", key.id, now + 60, signature);
    snprintf(until, sizeof until, "%lld", (long long)now + 60);
    OK(s, key_revoke(s->store, key.id, &s->err));
    OK(s, auth_load(s->auth, &s->err));
    assert_false(auth_signed(s->auth, "/a", key.id, until, signature, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_key_stands_for_its_role_and_owner, begin, end),
        cmocka_unit_test_setup_teardown(test_revoked_and_expired_keys_open_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_uses_are_written_later, begin, end),
        cmocka_unit_test_setup_teardown(test_what_a_key_cannot_be, begin, end),
        cmocka_unit_test_setup_teardown(test_links, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
