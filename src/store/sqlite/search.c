/*
 * sheetflow_contains(text, needle): does the text hold the needle, without regard to case?
 *
 * The needle comes folded already. It is compared as it stands, so `%` and `_` mean themselves.
 */

#include "store/sqlite/db.h"

#include "base/utf8.h"

#include <string.h>

static void contains(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct db *db = sqlite3_user_data(context);
    const char *text = (const char *)sqlite3_value_text(values[0]);
    const char *needle = (const char *)sqlite3_value_text(values[1]);
    const char *folded;
    size_t folded_n = 0;

    (void)n;
    if (!text || !needle) {
        sqlite3_result_int(context, 0);
        return;
    }
    arena_reset(&db->scratch);
    folded = utf8_fold(&db->scratch, text, (size_t)sqlite3_value_bytes(values[0]), &folded_n);
    if (!folded) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_int(
        context, memmem(folded, folded_n, needle, (size_t)sqlite3_value_bytes(values[1])) != NULL);
}

bool search_register(struct db *db, struct err *err)
{
    int rc = sqlite3_create_function_v2(db->handle, "sheetflow_contains", 2,
        SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, db, contains, NULL, NULL, NULL);

    return rc == SQLITE_OK ? true : db_err(db, rc, err);
}
