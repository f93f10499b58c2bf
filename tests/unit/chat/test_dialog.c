/* Whole dialogs: what is said, what is answered, and where the dialog stands. Files are those of tests/chat/tables.json. */

#include "chat/dialog.h"
#include "chat/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tables.h"

enum { FILES_MAX = 4, TURNS_MAX = 8 };

static const struct {
    const char *name;
    struct {
        const char *say;   /* "+file" is an upload. */
        const char *reply; /* Part of what is answered. */
        enum dialog_state state;
    } turns[TURNS_MAX];
} dialogs[] = {
    { "what is in the file",
        { { "+customers.xlsx", "uploaded successfully", DIALOG_IDLE },
            { "what columns are there?", "has 11 rows and 8 columns", DIALOG_IDLE },
            { "how many rows does it have?", "**customers.xlsx** has 11 rows.", DIALOG_IDLE },
            { "how many rows have no email?", "**email** is empty",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "courtesies are no wishes",
        { { "hello!", "Upload an Excel or CSV file", DIALOG_IDLE },
            { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "hi", "What would you like to do with **customers.xlsx**?", DIALOG_IDLE },
            { "thanks a lot", "You are welcome", DIALOG_IDLE },
            { "hello, keep the active ones", "**status** is **active**",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "nothing was done yet", { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
                                  { "what did you do?", "I have done nothing", DIALOG_IDLE },
                                  { "where is the result?", "no result yet", DIALOG_IDLE } } },
    { "a slip in the name of a kind is put right, and said",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "status is pendng", "I read \"pendng\" as **pending**.",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "what is quoted stays as it is",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "status is \"pendng\"", "**status** is **pendng**\n\nThere is no \"pendng\"",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "somebody else's name is looked for as written",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "name is grace hoper",
                "**name** is **grace hoper**\n\nThere is no \"grace hoper\" in **name**; did you "
                "mean \"grace hopper\"?",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "what became no condition is told",
        { { "+invoices.csv", "uploaded", DIALOG_IDLE },
            { "invoices from Germany, gross over 5000, not reminded",
                "I did nothing with \"not reminded\".", DIALOG_AWAITING_CONFIRMATION },
            { "only those without a due date, please", "**Due Date** is empty",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "what is in no cell is told",
        { { "+receivables.csv", "uploaded", DIALOG_IDLE },
            { "unpaid invoices from Mars", "I did nothing with \"Mars\".",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "a rule is for all rows",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "uppercase the names of active customers", "That is done in all rows",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "columns cannot be compared", { { "+stock.xlsx", "uploaded", DIALOG_IDLE },
                                        { "qty on hand below reorder level",
                                            "compare one column with another", DIALOG_IDLE } } },
    { "what is nowhere near",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "status is archived",
                "There is no \"archived\" in **status**, which has active, inactive, pending.",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "a column has one value, the later one",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "status is active", "**status** is **active**", DIALOG_AWAITING_CONFIRMATION },
            { "also pending", "**status** is **active** or **pending**",
                DIALOG_AWAITING_CONFIRMATION },
            { "status is inactive", "1. Keep the rows where **status** is **inactive**\n",
                DIALOG_AWAITING_CONFIRMATION },
            { "and only London",
                "1. Keep the rows where **status** is **inactive** and **city** is **London**\n",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "what is pending is about the file that it was said of",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "keep the active ones", "**status** is **active**", DIALOG_AWAITING_CONFIRMATION },
            { "+shop.csv", "What is pending stays, for **customers.xlsx**",
                DIALOG_AWAITING_CONFIRMATION },
            { "only London", "for **customers.xlsx**", DIALOG_AWAITING_CONFIRMATION } } },
    { "the file to join comes as an answer",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "join with another file", "Which file should be joined?",
                DIALOG_AWAITING_PARAMETERS },
            { "+shop.csv", "from **shop.csv** by **customer_id**",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "one file or the other",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE }, { "+shop.csv", "uploaded", DIALOG_IDLE },
            { "keep the active customers", "for **customers.xlsx**", DIALOG_AWAITING_CONFIRMATION },
            { "use shop.csv", "I work on **shop.csv** now", DIALOG_IDLE },
            { "quantity over 2", "for **shop.csv**", DIALOG_AWAITING_CONFIRMATION } } },
    { "a join is offered once",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE }, { "+shop.csv", "uploaded", DIALOG_IDLE },
            { "join customers by customer_id", "from **customers.xlsx**",
                DIALOG_AWAITING_CONFIRMATION },
            { "join customers by customer_id", "in the table already",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "what is missing of a change is asked for, and the answer remembered",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "keep the active ones", "**status** is **active**", DIALOG_AWAITING_CONFIRMATION },
            { "also fill the blanks in credit", "What should the blanks be filled with?",
                DIALOG_AWAITING_CONFIRMATION },
            { "0", "**credit**: fill blanks with **0**", DIALOG_AWAITING_CONFIRMATION } } },
    { "a step less, after a run",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "keep the active ones and uppercase their names", "uppercase",
                DIALOG_AWAITING_CONFIRMATION },
            { "remove step 2", "1. Keep the rows where **status** is **active**\n",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "another language is not half understood",
        { { "+orders-export.csv", "uploaded", DIALOG_IDLE },
            { "Betrag in Zahlen umwandeln", "did not understand", DIALOG_IDLE } } },
    { "rows by number",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "the first 10 rows", "I cannot pick rows by chance or by number", DIALOG_IDLE },
            { "rows 2 to 5", "I cannot pick rows", DIALOG_IDLE } } },
    { "numbers are never lost on the way",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "name and 5", "Which rows do you want?", DIALOG_AWAITING_PARAMETERS } } },
    { "start over",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "keep the active ones", "**status** is **active**", DIALOG_AWAITING_CONFIRMATION },
            { "start over", "Cancelled", DIALOG_CANCELLED },
            { "also drop duplicates", "1. Keep all columns, each row once\n",
                DIALOG_AWAITING_CONFIRMATION } } },
    { "yes, in other words",
        { { "+customers.xlsx", "uploaded", DIALOG_IDLE },
            { "keep the active ones", "**status** is **active**", DIALOG_AWAITING_CONFIRMATION },
            { "go for it!", "Working on it", DIALOG_PROCESSING } } },
};

/* Through the text that is stored between messages. */
static void store(struct dialog *d)
{
    char *text = dialog_write(d);
    struct err err;

    assert_non_null(text);
    dialog_free(d);
    assert_true(dialog_read(text, &arena, d, &err));
    free(text);
}

static void test_dialogs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dialogs); i++) {
        struct chat_table files[FILES_MAX];
        struct dialog d = { 0 };
        size_t n = 0;

        for (size_t k = 0; k < TURNS_MAX && dialogs[i].turns[k].say; k++) {
            const char *say = dialogs[i].turns[k].say;
            struct dialog_turn turn;
            struct err err;

            if (*say == '+') { /* The last one comes first. */
                memmove(&files[1], &files[0], n * sizeof *files);
                chat_table(say + 1, strlen(say + 1), &files[0]);
                assert_true(dialog_uploaded(&d, files, ++n, &arena, &turn, &err));
            } else {
                assert_true(dialog_say(&d, say, files, n, &arena, &turn, &err));
            }
            if (!strstr(turn.reply, dialogs[i].turns[k].reply) ||
                d.state != dialogs[i].turns[k].state)
                fail_msg("%s: %s: %s (%s)", dialogs[i].name, say, turn.reply,
                    dialog_state_name(d.state));
            store(&d);
        }
        dialog_free(&d);
        arena_reset(&arena);
    }
}

/* ---- what a run did ---- */

static struct json *parsed(const char *text)
{
    struct json *value;
    struct err err;

    if (!json_parse(text, strlen(text), &value, &err))
        fail_msg("%s", err.text);
    return value;
}

static void test_what_a_run_did_is_told_with_its_figures(void **state)
{
    struct json *steps =
        parsed("[{\"operation\":\"csv/search\",\"description\":\"Keep some\"},"
               "{\"operation\":\"excel/bind-single-key\",\"description\":\"Join\"},"
               "{\"operation\":\"normalization/apply\",\"description\":\"Fill\"}]");
    struct json *results =
        parsed("[{\"operation\":\"csv/"
               "search\",\"rows_in\":11,\"rows_out\":8,\"dropped\":{\"filtered\":3}},"
               "{\"operation\":\"excel/bind-single-key\",\"rows_in\":8,\"rows_out\":8,"
               "\"statistics\":{\"source_rows\":8,\"matched_rows\":5}},"
               "{\"operation\":\"normalization/apply\",\"rows_in\":8,\"rows_out\":8,"
               "\"output_file_path\":\"outputs/x.csv\",\"report\":{\"columns_processed\":["
               "{\"changed\":4,\"unconverted\":1}]},\"warnings\":[{\"message\":\"a date is odd\","
               "\"count\":2}]}]");
    static const char *const asked[] = { "how many rows were dropped?", "how many rows are left?",
        "How many remained?", "how many rows does the result have" };
    struct dialog d = { .state = DIALOG_COMPLETED };
    struct chat_table file;
    struct dialog_turn turn;
    struct err err;

    (void)state;
    d.told = reply_done(&arena, results, steps);
    assert_non_null(strstr(d.told, "1. Keep some — 11 rows in, 8 out (3 filtered)\n"));
    assert_non_null(strstr(d.told, "2. Join — 8 rows in, 8 out, 5 of 8 matched\n"));
    assert_non_null(
        strstr(d.told, "3. Fill — 8 rows in, 8 out, 4 values changed, 1 left as it was → `x.csv`, "
                       "with 1 warning:\n   - a date is odd (2 times)\n"));
    chat_table("customers.xlsx", strlen("customers.xlsx"), &file);
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        assert_true(dialog_say(&d, asked[i], &file, 1, &arena, &turn, &err));
        assert_non_null(strstr(turn.reply, "(3 filtered)"));
        assert_string_equal(turn.intent, "question");
    }
    assert_true(dialog_say(&d, "undo that, please", &file, 1, &arena, &turn, &err));
    assert_string_equal(turn.intent, "question");
    json_free(steps);
    json_free(results);
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogs),
        cmocka_unit_test(test_what_a_run_did_is_told_with_its_figures),
    };

    return cmocka_run_group_tests(tests, load_tables, free_tables);
}
