/* Keys, whose conversations are whose, and quotas. */

#include "store_fixture.h"

static struct store_key new_key(const char *id, const char *role, const char *owner)
{
    struct store_key k = { .name = "a key", .role = role, .owner = owner, .created_ns = 5 };

    snprintf(k.id, sizeof k.id, "%s", id);
    snprintf(k.sha256, sizeof k.sha256, "hash of %s", id);
    return k;
}

static void add_key(struct scratch *s, const struct store_key *k)
{
    struct store_tx *tx = store_begin(s->store);

    store_add_key(tx, k);
    OK(s, store_commit(tx, &s->err));
}

static struct store_key *read_keys(struct scratch *s, size_t *n)
{
    struct store_key *keys;

    OK(s, store_keys(s->store, &s->arena, &keys, n, &s->err));
    return keys;
}

static void test_keys_come_back_as_they_were_added(void **state)
{
    struct scratch *s = *state;
    struct store_key a = new_key("aaaaaaaaaaaaaaaa", "admin", "ada");
    struct store_key b = new_key("bbbbbbbbbbbbbbbb", "reader", "bob"), *keys;
    size_t n;

    b.expires_ns = 77;
    read_keys(s, &n);
    assert_int_equal(n, 0);
    add_key(s, &a);
    add_key(s, &b);
    scratch_reopen(s);
    keys = read_keys(s, &n);
    assert_int_equal(n, 2);
    assert_string_equal(keys[0].id, a.id);
    assert_string_equal(keys[0].name, "a key");
    assert_string_equal(keys[0].role, "admin");
    assert_string_equal(keys[0].owner, "ada");
    assert_string_equal(keys[0].sha256, a.sha256);
    assert_int_equal(keys[0].created_ns, 5);
    assert_int_equal(keys[0].expires_ns, 0);
    assert_int_equal(keys[1].expires_ns, 77);
}

static void test_revoking_and_use(void **state)
{
    struct scratch *s = *state;
    struct store_key k = new_key("aaaaaaaaaaaaaaaa", "writer", "ada"), *keys;
    struct store_tx *tx;
    size_t n;

    add_key(s, &k);
    tx = store_begin(s->store);
    store_revoke_key(tx, k.id, 100);
    store_touch_key(tx, k.id, 90);
    store_touch_key(tx, k.id, 80); /* An earlier use, told later. */
    OK(s, store_commit(tx, &s->err));
    tx = store_begin(s->store);
    store_revoke_key(tx, k.id, 200); /* The first time counts. */
    OK(s, store_commit(tx, &s->err));
    keys = read_keys(s, &n);
    assert_int_equal(keys[0].revoked_ns, 100);
    assert_int_equal(keys[0].last_used_ns, 90);
}

static void test_what_the_store_refuses(void **state)
{
    struct scratch *s = *state;
    struct store_key k = new_key("aaaaaaaaaaaaaaaa", "writer", "ada");
    struct store_tx *tx;
    size_t n;

    add_key(s, &k);
    tx = store_begin(s->store);
    store_add_key(tx, &k);
    FAILS(s, store_commit(tx, &s->err), ERR_STATE, "the key aaaaaaaaaaaaaaaa exists already");
    tx = store_begin(s->store);
    store_revoke_key(tx, "cccccccccccccccc", 1);
    FAILS(s, store_commit(tx, &s->err), ERR_NOT_FOUND, "there is no key cccccccccccccccc");
    k = new_key("dddddddddddddddd", "king", "ada");
    tx = store_begin(s->store);
    store_add_key(tx, &k);
    assert_false(store_commit(tx, &s->err));
    read_keys(s, &n);
    assert_int_equal(n, 1);
}

static struct conversation add_owned(struct scratch *s, const char *participant, const char *owner)
{
    struct conversation c = new_conversation(s, participant);
    struct store_tx *tx = store_begin(s->store);

    c.owner = owner;
    store_add_conversation(tx, &c);
    OK(s, store_commit(tx, &s->err));
    return c;
}

static uint64_t count(
    struct scratch *s, const char *owner, const char *status, const char *query, size_t *page)
{
    struct conversation_filter f = {
        .owner = owner, .status = status, .query = query, .limit = 10
    };
    struct conversation *list;
    uint64_t total;

    OK(s, store_conversation_list(s->store, &f, &s->arena, &list, page, &total, &s->err));
    for (size_t i = 0; owner && i < *page; i++)
        assert_string_equal(list[i].owner, owner);
    return total;
}

static void test_lists_hold_what_is_the_owners(void **state)
{
    static const struct {
        const char *owner, *status, *query;
        uint64_t total;
    } cases[] = {
        { NULL, NULL, NULL, 4 },
        { "ada", NULL, NULL, 2 },
        { "bob", NULL, NULL, 1 },
        { "ad", NULL, NULL, 0 },
        { "", NULL, NULL, 0 }, /* Nobody's are not those of a name that is empty. */
        { "ada", "created", NULL, 2 },
        { "ada", "failed", NULL, 0 },
        { "ada", NULL, "whale", 1 },
        { "bob", NULL, "whale", 0 },
        { NULL, "created", "whale", 1 },
        { "ada", "created", "whale", 1 },
    };
    struct scratch *s = *state;
    size_t page;

    add_owned(s, "BlueWhale-1000", "ada");
    add_owned(s, "RedShark-1000", "ada");
    add_owned(s, "Moon-1000", "bob");
    add_owned(s, "Sun-1000", NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            count(s, cases[i].owner, cases[i].status, cases[i].query, &page), cases[i].total);
        assert_int_equal(page, cases[i].total);
    }
}

static void test_other_peoples_conversations_are_not_there(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_owned(s, "BlueWhale-1000", "ada"), got;
    struct conversation_change change = {
        .status = -1, .status_if = -1, .owner = "bob", .updated_ns = 9
    };
    struct store_tx *tx;
    char sentence[128];

    snprintf(sentence, sizeof sentence, "there is no conversation %s", c.id);
    OK(s, store_conversation_get_of(s->store, c.id, "ada", &s->arena, &got, &s->err));
    assert_string_equal(got.owner, "ada");
    FAILS(s, store_conversation_get_of(s->store, c.id, "bob", &s->arena, &got, &s->err),
        ERR_NOT_FOUND, sentence);
    tx = store_begin(s->store);
    store_change_conversation(tx, c.id, &change);
    OK(s, store_commit(tx, &s->err));
    OK(s, store_conversation_get_of(s->store, c.id, "bob", &s->arena, &got, &s->err));
    change.owner = "";
    tx = store_begin(s->store);
    store_change_conversation(tx, c.id, &change);
    OK(s, store_commit(tx, &s->err));
    FAILS(s, store_conversation_get_of(s->store, c.id, "bob", &s->arena, &got, &s->err),
        ERR_NOT_FOUND, sentence);
    OK(s, store_conversation_get(s->store, c.id, &s->arena, &got, &s->err));
    assert_null(got.owner);
}

static void test_a_quota_counts_within_the_transaction(void **state)
{
    struct scratch *s = *state;
    struct conversation a = add_owned(s, "BlueWhale-1000", "ada"), b;
    struct store_quota quota = { .conversations = 2 };
    struct stored_file f;
    struct store_tx *tx;
    size_t page;

    add_owned(s, "Moon-1000", "bob"); /* Not ada's. */
    for (int i = 0; i < 2; i++) {
        b = new_conversation(s, i ? "Sun-2000" : "Sun-1000");
        b.owner = "ada";
        tx = store_begin(s->store);
        store_add_conversation(tx, &b);
        store_check_quota(tx, "ada", &quota);
        if (i == 0)
            OK(s, store_commit(tx, &s->err));
        else
            FAILS(s, store_commit(tx, &s->err), ERR_QUOTA,
                "ada may have 2 conversations (quota.max_conversations); delete one first");
    }
    assert_int_equal(count(s, "ada", NULL, NULL, &page), 2);

    quota = (struct store_quota){ .bytes = 3 << 20 };
    for (int i = 0; i < 3; i++) {
        const char *const names[] = { "one.csv", "two.csv", "three.csv" };

        f = put_file(s, &a, STORED_UPLOAD, names[i], "x");
        f.size = (3 << 20) / 2;
        tx = store_begin(s->store);
        store_add_file(tx, &f);
        store_check_quota(tx, "ada", &quota);
        if (i < 2)
            OK(s, store_commit(tx, &s->err));
        else
            FAILS(s, store_commit(tx, &s->err), ERR_QUOTA,
                "the files of ada may take 3 MiB together (quota.max_bytes_mb), and with this "
                "they would take 5 MiB; delete a conversation first");
    }
    tx = store_begin(s->store);
    store_add_file(tx, &f);
    store_check_quota(tx, NULL, &quota); /* Nobody's quota. */
    OK(s, store_commit(tx, &s->err));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_keys_come_back_as_they_were_added),
        CASE(test_revoking_and_use),
        CASE(test_what_the_store_refuses),
        CASE(test_lists_hold_what_is_the_owners),
        CASE(test_other_peoples_conversations_are_not_there),
        CASE(test_a_quota_counts_within_the_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
