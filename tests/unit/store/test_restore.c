/* Archives from outside: hostile ones are refused with their sentence and leave nothing; older ones
 * restore. */

#include "tar_fixture.h"

#include "store/dump.h"

#include <dirent.h>

#define NOW 1770379200000000000
#define LIMIT (1u << 20)
#define ID "3f2b8c1e-1111-4000-8000-00000000000a"
#define OTHER "3f2b8c1e-2222-4000-8000-00000000000b"
#define RUN "3f2b8c1e-3333-4000-8000-00000000000c"
#define STEP "3f2b8c1e-4444-4000-8000-00000000000d"
#define A_CSV_SHA "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7" /* "a\n" */

#define CONVERSATION_ROW                                           \
    "{\"table\":\"conversation\",\"id\":\"" ID                     \
    "\",\"participant\":\"BlueWhale-4821\",\"name\":null,"         \
    "\"status\":\"active\",\"partition\":\"2026/"                  \
    "02\",\"metadata\":\"{}\",\"created_ns\":1770379200000000000," \
    "\"updated_ns\":1770379200000000000}\n"
#define RUN_ROW                                                                               \
    "{\"table\":\"run\",\"id\":\"" RUN                                                        \
    "\",\"status\":\"completed\",\"steps\":\"[]\",\"input\":null,"                            \
    "\"options\":\"{}\",\"error\":null,\"created_ns\":1,\"started_ns\":1,\"completed_ns\":1," \
    "\"attempt\":1}\n"
#define STEP_ROW(output)                                                                           \
    "{\"table\":\"step\",\"id\":\"" STEP "\",\"run\":\"" RUN "\",\"index\":0,\"operation\":\"x\"," \
    "\"arguments\":\"{}\",\"input_file\":null,\"output_file\":" output                             \
    ",\"status\":\"completed\","                                                                   \
    "\"progress\":100,\"error\":null,\"result\":null,\"rows_in\":1,\"rows_out\":1,\"warnings\":"   \
    "\"[]\","                                                                                      \
    "\"started_ns\":1,\"completed_ns\":1}\n"
#define FILE_ROW(name)                                           \
    "{\"table\":\"file\",\"name\":\"" name                       \
    "\",\"kind\":\"uploads\",\"base\":\"a\",\"format\":\"csv\"," \
    "\"facts\":\"{}\",\"size\":2,\"sha256\":\"" A_CSV_SHA "\",\"run\":null,\"created_ns\":1}\n"

/* ---- what is left after a refusal: nothing ---- */

static int entries(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int n = 0;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void check_nothing_left(struct scratch *s, const char *name)
{
    struct reconcile_report report;
    struct conversation *list;
    int in_tmp = entries(s->dirs.tmp);
    uint64_t total;
    size_t n;

    OK(s, store_conversation_list(s->store, &(struct conversation_filter){ .limit = 1 }, &s->arena,
              &list, &n, &total, &s->err));
    OK(s, store_reconcile(s->store, &s->dirs, &report, &s->err)); /* Empty partitions may stay. */
    if (total != 0 || in_tmp != 0 || report.orphans_removed != 0 ||
        access("/tmp/sheetflow-evil", F_OK) == 0)
        fail_msg("%s: something was left behind", name);
}

static bool restore(struct scratch *s, const char *path, char id[ID_LEN])
{
    return dump_restore(s->store, &s->dirs, path, RESTORE_REFUSE, PARTITION_TIME, "%Y/%m", LIMIT,
        NOW, NULL, id, &s->err);
}

/* ---- hostile archives ---- */

static void way_up(struct tar *t)
{
    tar_header(t, ID "/../../../sheetflow-evil", '0', "", 2);
    tar_content(t, "a\n");
}

static void way_up_first(struct tar *t)
{
    tar_header(t, "../" ID "/uploads/a.csv", '0', "", 2);
    tar_content(t, "a\n");
}

static void absolute(struct tar *t)
{
    tar_header(t, "/tmp/sheetflow-evil", '0', "", 2);
    tar_content(t, "a\n");
}

static void symlink_out(struct tar *t)
{
    tar_header(t, ID "/uploads/a.csv", '2', "/etc/passwd", 0);
}

static void symlink_folder(struct tar *t)
{
    tar_header(t, ID "/uploads", '2', "/tmp", 0);
    tar_file(t, ID, "uploads/sheetflow-evil", "a\n");
}

static void hard_link(struct tar *t)
{
    tar_header(t, ID "/uploads/a.csv", '1', "/etc/passwd", 0);
}

static void device(struct tar *t)
{
    tar_header(t, ID "/uploads/a.csv", '3', "", 0);
}

static void fifo(struct tar *t)
{
    tar_header(t, ID "/uploads/a.csv", '6', "", 0);
}

static void huge(struct tar *t)
{
    tar_header(t, ID "/uploads/a.csv", '0', "", 077777777777ull);
}

static void many_small(struct tar *t)
{
    char name[64];

    for (int i = 0; i < 10001; i++) {
        snprintf(name, sizeof name, "logs/%d.log", i);
        tar_extra(t, ID, name, "");
    }
}

static void sum_too_large(struct tar *t)
{
    char *big = malloc(600001);

    assert_non_null(big);
    memset(big, 'x', 600000);
    big[600000] = '\0';
    tar_file(t, ID, "uploads/a.csv", big);
    tar_file(t, ID, "uploads/b.csv", big);
    free(big);
}

static void two_tops(struct tar *t)
{
    tar_file(t, ID, "uploads/a.csv", "a\n");
    tar_file(t, OTHER, "uploads/a.csv", "a\n");
}

static void top_no_id(struct tar *t)
{
    tar_file(t, "backup", "uploads/a.csv", "a\n");
}

static void file_as_top(struct tar *t)
{
    tar_header(t, ID, '0', "", 2);
    tar_content(t, "a\n");
}

static void twice(struct tar *t)
{
    tar_file(t, ID, "uploads/a.csv", "a\n");
    tar_file(t, ID, "uploads/a.csv", "b\n");
}

static void unknown_twice(struct tar *t)
{
    tar_file(t, ID, "logs/a.log", "a\n");
    tar_file(t, ID, "logs/a.log", "b\n");
}

static void nested(struct tar *t)
{
    tar_file(t, ID, "uploads/deep/a.csv", "a\n");
}

static void hidden(struct tar *t)
{
    tar_file(t, ID, "uploads/.bashrc", "a\n");
}

static void temporary(struct tar *t)
{
    tar_file(t, ID, "outputs/a.tmp", "a\n");
}

static void backslash(struct tar *t)
{
    tar_file(t, ID, "uploads/..\\a.csv", "a\n");
}

static void control(struct tar *t)
{
    tar_file(t, ID, "uploads/a\033[2J.csv", "a\n");
}

static void not_utf8(struct tar *t)
{
    tar_file(t, ID, "uploads/a\xff.csv", "a\n");
}

static void pax_path(struct tar *t)
{
    static const char record[] = "29 path=../../sheetflow-evil\n";

    tar_header(t, "PaxHeaders/x", 'x', "", sizeof record - 1);
    tar_content(t, record);
    tar_file(t, ID, "uploads/a.csv", "a\n");
}

static void long_name(struct tar *t)
{
    static const char name[] = "../../sheetflow-evil";

    tar_header(t, "././@LongLink", 'L', "", sizeof name);
    tar_content(t, name);
    tar_file(t, ID, "uploads/a.csv", "a\n");
}

static void nothing(struct tar *t)
{
    (void)t;
}

static void no_object(struct tar *t)
{
    tar_extra(t, ID, "uploads/a.csv", "a\n");
}

static void no_manifest(struct tar *t)
{
    tar_extra(t, ID, "conversation_metadata.json", "{}");
    tar_extra(t, ID, "rows.jsonl", CONVERSATION_ROW);
}

static void wrong_hash(struct tar *t)
{
    tar_extra(t, ID, "uploads/a.csv", "b\n");
    tar_list(t, "uploads/a.csv", "a\n");
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW FILE_ROW("a.csv"));
    tar_manifest(t, ID);
}

static void extra_member(struct tar *t)
{
    tar_extra(t, ID, "uploads/b.csv", "a\n");
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW);
    tar_manifest(t, ID);
}

static void extra_elsewhere(struct tar *t)
{
    tar_extra(t, ID, "logs/b.log", "a\n");
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW);
    tar_manifest(t, ID);
}

static void missing_member(struct tar *t)
{
    tar_list(t, "uploads/a.csv", "a\n");
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW FILE_ROW("a.csv"));
    tar_manifest(t, ID);
}

static void listed_twice(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW);
    tar_list(t, "rows.jsonl", CONVERSATION_ROW);
    tar_manifest(t, ID);
}

static void newer_dump(struct tar *t)
{
    tar_extra(t, ID, "manifest.json", "{\"version\":2,\"members\":[]}");
}

static void broken_manifest(struct tar *t)
{
    tar_extra(t, ID, "manifest.json", "{\"version\":1");
}

static void file_without_row(struct tar *t)
{
    tar_file(t, ID, "uploads/a.csv", "a\n");
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW);
    tar_manifest(t, ID);
}

static void row_without_file(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW FILE_ROW("a.csv"));
    tar_manifest(t, ID);
}

static void someone_elses_rows(struct tar *t)
{
    tar_file(t, OTHER, "rows.jsonl", CONVERSATION_ROW);
    tar_manifest(t, OTHER);
}

static void row_name_out(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW FILE_ROW("../a.csv"));
    tar_manifest(t, ID);
}

static void row_path_out(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW RUN_ROW STEP_ROW("\"../../etc/passwd\""));
    tar_manifest(t, ID);
}

static void row_of_no_run(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW STEP_ROW("null"));
    tar_manifest(t, ID);
}

static void row_unknown(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", CONVERSATION_ROW "{\"table\":\"users\"}\n");
    tar_manifest(t, ID);
}

static void row_lacks_field(struct tar *t)
{
    tar_file(
        t, ID, "rows.jsonl", CONVERSATION_ROW "{\"table\":\"event\",\"seq\":1,\"type\":\"x\"}\n");
    tar_manifest(t, ID);
}

static void row_bad_json_inside(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl",
        CONVERSATION_ROW "{\"table\":\"event\",\"seq\":1,\"type\":\"x\",\"body\":\"{\"}\n");
    tar_manifest(t, ID);
}

static void row_with_nul(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl",
        CONVERSATION_ROW
        "{\"table\":\"event\",\"seq\":1,\"type\":\"x\\u0000y\",\"body\":\"{}\"}\n");
    tar_manifest(t, ID);
}

static void rows_fall(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl",
        CONVERSATION_ROW "{\"table\":\"event\",\"seq\":2,\"type\":\"x\",\"body\":\"{}\"}\n"
                         "{\"table\":\"event\",\"seq\":1,\"type\":\"x\",\"body\":\"{}\"}\n");
    tar_manifest(t, ID);
}

static void rows_no_conversation(struct tar *t)
{
    tar_file(t, ID, "rows.jsonl", RUN_ROW);
    tar_manifest(t, ID);
}

static const struct {
    const char *name;
    void (*make)(struct tar *t);
    enum err_code code;
    const char *sentence;
} hostile[] = {
    { "a way up", way_up, ERR_DATA,
        "the archive holds a path that leads out of its folder: " ID "/../../../sheetflow-evil" },
    { "a way up at once", way_up_first, ERR_DATA,
        "the archive holds a path that leads out of its folder: ../" ID "/uploads/a.csv" },
    { "an absolute path", absolute, ERR_DATA,
        "the archive holds a path that leads out of its folder: /tmp/sheetflow-evil" },
    { "a symbolic link", symlink_out, ERR_DATA, "the archive holds a link: " ID "/uploads/a.csv" },
    { "a symbolic link as folder", symlink_folder, ERR_DATA,
        "the archive holds a link: " ID "/uploads" },
    { "a hard link", hard_link, ERR_DATA, "the archive holds a link: " ID "/uploads/a.csv" },
    { "a device", device, ERR_DATA,
        "the archive holds something that is neither a file nor a folder: " ID "/uploads/a.csv" },
    { "a pipe", fifo, ERR_DATA,
        "the archive holds something that is neither a file nor a folder: " ID "/uploads/a.csv" },
    { "a huge size", huge, ERR_TOO_LARGE, "the archive unpacks to more than 1 MiB" },
    { "too much together", sum_too_large, ERR_TOO_LARGE, "the archive unpacks to more than 1 MiB" },
    { "too many members", many_small, ERR_TOO_LARGE,
        "the archive holds more than 10000 files and folders" },
    { "two top folders", two_tops, ERR_DATA,
        "the archive holds two conversations: " ID " and " OTHER },
    { "a top folder that is no id", top_no_id, ERR_DATA,
        "the archive's top folder is not the id of a conversation: backup" },
    { "a file in place of the top folder", file_as_top, ERR_DATA,
        "the archive's top folder is not the id of a conversation: " ID },
    { "a file twice", twice, ERR_DATA, "the archive holds uploads/a.csv twice" },
    { "an unknown file twice", unknown_twice, ERR_DATA, "the archive holds logs/a.log twice" },
    { "a folder inside uploads", nested, ERR_DATA,
        "the archive holds a file name that is not allowed: uploads/deep/a.csv" },
    { "a hidden file", hidden, ERR_DATA,
        "the archive holds a file name that is not allowed: uploads/.bashrc" },
    { "a temporary file", temporary, ERR_DATA,
        "the archive holds a file name that is not allowed: outputs/a.tmp" },
    { "a backslash", backslash, ERR_DATA,
        "the archive holds a name that is not allowed: " ID "/uploads/..\\a.csv" },
    { "a control character", control, ERR_DATA,
        "the archive holds a name that is not allowed: " ID "/uploads/a?[2J.csv" },
    { "a name that is not UTF-8", not_utf8, ERR_DATA,
        "the archive holds a name that is not allowed: " ID "/uploads/a" },
    { "a path in an extended header", pax_path, ERR_DATA,
        "the archive holds a path that leads out of its folder: ../../sheetflow-evil" },
    { "a path in a long name", long_name, ERR_DATA,
        "the archive holds a path that leads out of its folder: ../../sheetflow-evil" },
    { "nothing", nothing, ERR_DATA, "the archive is empty" },
    { "no conversation", no_object, ERR_DATA,
        "the archive has no conversation_metadata.json: it is not a dump" },
    { "rows without manifest", no_manifest, ERR_DATA, "the archive has no manifest.json" },
    { "a wrong hash", wrong_hash, ERR_DATA,
        "uploads/a.csv is not what the manifest says: the archive has been changed" },
    { "an extra file", extra_member, ERR_DATA,
        "the archive holds uploads/b.csv, which its manifest does not list" },
    { "an extra file elsewhere", extra_elsewhere, ERR_DATA,
        "the archive holds logs/b.log, which its manifest does not list" },
    { "a missing file", missing_member, ERR_DATA,
        "the archive lacks uploads/a.csv, which its manifest lists" },
    { "a file listed twice", listed_twice, ERR_DATA, "manifest.json lists rows.jsonl twice" },
    { "a dump from the future", newer_dump, ERR_DATA,
        "the dump was made by a newer Sheetflow (version 2; this one knows 1)" },
    { "a broken manifest", broken_manifest, ERR_DATA, NULL },
    { "a file without row", file_without_row, ERR_DATA,
        "the archive holds 1 files, but its rows tell of 0" },
    { "a row without file", row_without_file, ERR_DATA,
        "the archive does not hold the file a.csv that its rows tell of" },
    { "rows of another conversation", someone_elses_rows, ERR_DATA,
        "the conversation is not the one the archive is named for" },
    { "a row's file name that leads out", row_name_out, ERR_DATA,
        "rows.jsonl, line 2: the file's name is not valid" },
    { "a row's path that leads out", row_path_out, ERR_DATA,
        "rows.jsonl, line 3: the step's output_file is not valid" },
    { "a step of no run", row_of_no_run, ERR_NOT_FOUND, "there is no run " RUN },
    { "a row of no table", row_unknown, ERR_DATA,
        "rows.jsonl, line 2: it is not a row of a known table" },
    { "a row that lacks a field", row_lacks_field, ERR_DATA,
        "rows.jsonl, line 2: the event has no body" },
    { "a row with broken JSON", row_bad_json_inside, ERR_DATA,
        "rows.jsonl, line 2: the event's body is not valid" },
    { "a row with a NUL", row_with_nul, ERR_DATA,
        "rows.jsonl, line 2: the event's type is not valid" },
    { "events out of order", rows_fall, ERR_STATE, "event 1 comes after a later one" },
    { "no conversation among the rows", rows_no_conversation, ERR_DATA,
        "rows.jsonl, line 1: the conversation does not come first" },
};

static void test_hostile_archives(void **state)
{
    struct scratch *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        char path[FS_PATH_MAX], id[ID_LEN];
        struct tar t;

        tar_init(&t);
        hostile[i].make(&t);
        tar_save(s, &t, path);
        if (restore(s, path, id))
            fail_msg("%s: restored", hostile[i].name);
        if (hostile[i].sentence && strcmp(s->err.text, hostile[i].sentence) != 0)
            fail_msg("%s: '%s'", hostile[i].name, s->err.text);
        if (s->err.code != hostile[i].code)
            fail_msg("%s: %s", hostile[i].name, err_name(s->err.code));
        check_nothing_left(s, hostile[i].name);
        tar_deinit(&t);
    }
}

static void test_what_is_no_archive(void **state)
{
    static const char *const contents[] = { "", "hello", "PK\003\004 not really",
        "\037\213\010 not really" };
    struct scratch *s = *state;
    char path[FS_PATH_MAX], id[ID_LEN];

    OK(s, fs_join(path, s->root, "x", &s->err));
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        OK(s, fs_save(path, contents[i], strlen(contents[i]), &s->err));
        assert_false(restore(s, path, id));
        assert_int_equal(s->err.code, ERR_DATA);
        assert_null(strstr(s->err.text, s->root));
        check_nothing_left(s, "no archive");
    }
}

/* Cut at every 97th byte: whole or not at all. */
static void test_cut_off_archives(void **state)
{
    struct scratch *s = *state;
    struct conversation c = add_conversation(s, "BlueWhale-4821");
    struct store_tx *tx = store_begin(s->store);
    struct stored_file f;
    struct json *object = json_new_object();
    char name[FS_NAME_MAX + 1], sha256[65], path[FS_PATH_MAX], cut[FS_PATH_MAX], id[ID_LEN], *data;
    uint64_t size;
    size_t n;

    OK(s, conversation_dirs_make(&s->dirs, &c, &s->err));
    f = put_file(s, &c, STORED_UPLOAD, "a.csv", "a\n");
    store_add_file(tx, &f);
    OK(s, store_commit(tx, &s->err));
    OK(s, dump_write(s->store, &s->dirs, c.id, object, NOW, name, &size, sha256, &s->err));
    json_free(object);
    tx = store_begin(s->store);
    store_delete_conversation(tx, c.id);
    OK(s, store_commit(tx, &s->err));
    OK(s, fs_remove_tree(s->dirs.workflows, &s->err));
    OK(s, fs_make_dirs(s->dirs.workflows, &s->err));
    OK(s, fs_join(path, s->dirs.dumps, name, &s->err));
    OK(s, fs_join(cut, s->root, "cut.tar.gz", &s->err));
    OK(s, fs_load(path, 1 << 20, &data, &n, &s->err));
    for (size_t at = 0; at + 16 < n; at += 97) {
        OK(s, fs_save(cut, data, at, &s->err));
        assert_false(restore(s, cut, id));
        assert_int_equal(s->err.code, ERR_DATA);
        check_nothing_left(s, "cut off");
    }
    free(data);
    OK(s, restore(s, path, id));
    assert_string_equal(id, c.id);
}

/* ---- dumps of the older service ---- */

#define OLDER_OBJECT                                                                               \
    "{\"chat_id\":\"" ID "\",\"participant_name\":\"CoralReef-1234\",\"status\":\"processing\","   \
    "\"messages\":[{\"message_id\":\"" OTHER "\",\"message_type\":\"user\",\"content\":\"hello\"," \
    "\"metadata\":{\"file_path\":\"workflows/2025/01/" ID "/uploads/b.csv\"},"                     \
    "\"created_at\":\"2025-01-02T03:04:05.5+01:00\"},"                                             \
    "{\"message_id\":\"m2\",\"message_type\":\"oracle\",\"content\":\"x\",\"created_at\":"         \
    "\"never\"}],"                                                                                 \
    "\"workflow_steps\":[{\"step_id\":\"" STEP                                                     \
    "\",\"operation\":\"excel/extract-columns-to-file\","                                          \
    "\"arguments\":{\"columns\":[\"a\"]},\"input_file\":\"/srv/automation/workflows/2025/01/" ID   \
    "/uploads/b.csv\",\"output_file\":\"workflows/2025/01/" ID                                     \
    "/outputs/b_extracted_20250102_030405.xlsx\",\"status\":\"completed\",\"progress\":100,"       \
    "\"error_message\":null,\"started_at\":\"2025-01-02T02:04:06\",\"completed_at\":\"2025-01-"    \
    "02T02:04:07\"},"                                                                              \
    "{\"step_id\":\"s2\",\"operation\":\"excel/search\",\"arguments\":{},\"status\":\"failed\","   \
    "\"error_message\":\"no such column\"}],"                                                      \
    "\"uploaded_files\":[\"uploads/b.csv\",{\"filename\":\"a.csv\"}],"                             \
    "\"output_files\":[\"outputs/b_extracted_20250102_030405.xlsx\"],\"metadata\":{\"k\":[1,2]},"  \
    "\"created_at\":\"2025-01-02T02:00:00Z\",\"updated_at\":\"2025-01-02T03:00:00Z\","             \
    "\"partition_key\":\"2025/01\"}"

static void save_older(struct scratch *s, char *path)
{
    struct tar t;

    tar_init(&t);
    tar_header(&t, ID "/", '5', "", 0);
    tar_header(&t, ID "/intermediate/", '5', "", 0);
    tar_extra(&t, ID, "uploads/b.csv", "b\n");
    tar_extra(&t, ID, "uploads/a.csv", "a\n");
    tar_extra(&t, ID, "uploads/z.csv", "not listed\n");
    tar_extra(&t, ID, "outputs/b_extracted_20250102_030405.xlsx", "o\n");
    tar_extra(&t, ID, "metadata.json", "{}");
    tar_extra(&t, ID, "logs/run.log", "not needed");
    tar_extra(&t, ID, "conversation_metadata.json", OLDER_OBJECT);
    tar_save(s, &t, path);
    tar_deinit(&t);
}

static void check_older_files(struct scratch *s, const struct conversation_rows *rows)
{
    static const struct {
        const char *name, *base, *format;
    } wanted[] = {
        { "z.csv", "z", "csv" }, /* Not listed: before those that are. */
        { "b.csv", "b", "csv" },
        { "a.csv", "a", "csv" }, /* The last upload. */
        { "b_extracted_20250102_030405.xlsx", "b", "xlsx" },
    };

    (void)s;
    assert_int_equal(rows->n_files, 4);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_string_equal(rows->files[i].name, wanted[i].name);
        assert_string_equal(rows->files[i].base, wanted[i].base);
        assert_string_equal(rows->files[i].format, wanted[i].format);
    }
    assert_string_equal(rows->files[2].sha256, A_CSV_SHA);
    assert_string_equal(rows->files[3].run, rows->runs[0].id);
    assert_int_equal(rows->files[3].kind, STORED_OUTPUT);
}

static void test_older_dump(void **state)
{
    struct scratch *s = *state;
    struct conversation_rows rows;
    struct reconcile_report report;
    char path[FS_PATH_MAX], id[ID_LEN];

    save_older(s, path);
    OK(s, restore(s, path, id));
    assert_string_equal(id, ID);
    OK(s, store_snapshot(s->store, id, &s->arena, &rows, &s->err));
    assert_string_equal(rows.conversation.participant, "CoralReef-1234");
    assert_int_equal(rows.conversation.status, CONVERSATION_ACTIVE); /* Nothing is going on. */
    assert_string_equal(rows.conversation.partition, "2025/01");
    assert_string_equal(rows.conversation.metadata, "{\"k\":[1,2]}");
    assert_int_equal(rows.conversation.created_ns, 1735783200000000000);
    assert_int_equal(rows.n_messages, 2);
    assert_string_equal(rows.messages[0].id, OTHER);
    assert_int_equal(rows.messages[0].created_ns, 1735783445500000000);
    assert_string_equal(
        rows.messages[0].metadata, "{\"file_path\":\"workflows/2025/01/" ID "/uploads/b.csv\"}");
    assert_true(conversation_id_ok(rows.messages[1].id));
    assert_string_equal(rows.messages[1].type, "system");
    assert_int_equal(rows.n_runs, 1);
    assert_int_equal(rows.runs[0].status, RUN_FAILED);
    assert_string_equal(rows.runs[0].input, "b.csv");
    assert_string_equal(rows.runs[0].steps,
        "[{\"operation\":\"excel/extract-columns-to-file\",\"arguments\":{\"columns\":[\"a\"]}},"
        "{\"operation\":\"excel/search\",\"arguments\":{}}]");
    assert_int_equal(rows.n_steps, 2);
    assert_string_equal(rows.steps[0].input_file, "workflows/2025/01/" ID "/uploads/b.csv");
    assert_string_equal(rows.steps[1].error, "no such column");
    check_older_files(s, &rows);
    OK(s, store_reconcile(s->store, &s->dirs, &report, &s->err));
    assert_int_equal(report.tmp_removed + report.orphans_removed + report.rows_missing, 0);
}

static void test_older_dump_as_a_copy(void **state)
{
    struct scratch *s = *state;
    struct conversation_rows rows;
    char path[FS_PATH_MAX], id[ID_LEN], wanted[256];

    save_older(s, path);
    OK(s, dump_restore(s->store, &s->dirs, path, RESTORE_COPY, PARTITION_FOLDER, NULL, LIMIT, NOW,
              NULL, id, &s->err));
    OK(s, store_snapshot(s->store, id, &s->arena, &rows, &s->err));
    snprintf(wanted, sizeof wanted, "workflows/%s/uploads/b.csv", id);
    assert_string_equal(rows.steps[0].input_file, wanted);
    assert_string_not_equal(rows.steps[0].id, STEP);
    assert_string_equal(rows.conversation.participant, "CoralReef-1234"); /* Free, so it stays. */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_hostile_archives),
        CASE(test_what_is_no_archive),
        CASE(test_cut_off_archives),
        CASE(test_older_dump),
        CASE(test_older_dump_as_a_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
