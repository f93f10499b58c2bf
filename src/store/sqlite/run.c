/* Runs of a conversation. */

#include "store/sqlite/db.h"

/* ---- writing ---- */

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "INSERT INTO runs (conversation, id, status, steps, input, options, error,"
        " created_ns, started_ns, completed_ns, attempt)"
        " SELECT key, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM conversations WHERE id = ?1"
        " ON CONFLICT DO NOTHING";
    const struct run *r = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, r->conversation);
    query_text(&q, r->id);
    query_text(&q, run_status_name(r->status));
    query_text(&q, r->steps);
    query_text(&q, r->input);
    query_text(&q, r->options);
    query_text(&q, r->error);
    query_int(&q, r->created_ns);
    query_int(&q, r->started_ns);
    query_int(&q, r->completed_ns);
    query_int(&q, r->attempt);
    if (!query_run(&q, &changes, err))
        return false;
    if (changes == 1)
        return true;
    return check_conversation(db, r->conversation, err) &&
           err_set(err, ERR_STATE, "the run %s exists already", r->id);
}

void store_add_run(struct store_tx *tx, const struct run *r)
{
    struct run *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (!copy)
        return;
    *copy = *r;
    copy->steps = tx_text(tx, r->steps, "[]");
    copy->input = tx_text(tx, r->input, NULL);
    copy->options = tx_text(tx, r->options, "{}");
    copy->error = tx_text(tx, r->error, NULL);
}

struct change {
    char id[ID_LEN];
    char from[64];
    enum run_status to;
    const char *error;
    int64_t started_ns, completed_ns;
};

static const char *word(int status)
{
    return run_status_name((enum run_status)status);
}

static bool tell_why_unchanged(struct db *db, const struct change *c, struct err *err)
{
    char now[STATUS_ROOM];

    if (!query_status(db, "SELECT status FROM runs WHERE id = ?1", c->id, now, err))
        return false;
    if (!now[0])
        return err_set(err, ERR_NOT_FOUND, "there is no run %s", c->id);
    return err_set(
        err, ERR_STATE, "the run %s is %s and cannot become %s", c->id, now, word(c->to));
}

static bool apply_change(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "UPDATE runs SET status = ?2, error = coalesce(?3, error),"
        " started_ns = CASE WHEN ?4 <> 0 THEN ?4 ELSE started_ns END,"
        " completed_ns = CASE WHEN ?5 <> 0 THEN ?5 ELSE completed_ns END,"
        " attempt = attempt + ?6 WHERE id = ?1 AND instr(?7, ',' || status || ',') > 0";
    const struct change *c = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, c->id);
    query_text(&q, run_status_name(c->to));
    query_text(&q, c->error);
    query_int(&q, c->started_ns);
    query_int(&q, c->completed_ns);
    query_int(&q, c->to == RUN_RUNNING);
    query_text(&q, c->from);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : tell_why_unchanged(db, c, err);
}

void store_change_run(struct store_tx *tx, const char *run, unsigned from, enum run_status to,
    const char *error, int64_t started_ns, int64_t completed_ns)
{
    struct change *c = tx_add(tx, apply_change, NULL, sizeof *c);

    if (!c)
        return;
    tx_id(c->id, run);
    status_list(from, RUN_STATUS_COUNT, word, c->from, sizeof c->from);
    c->to = to;
    c->error = tx_text(tx, error, NULL);
    c->started_ns = started_ns;
    c->completed_ns = completed_ns;
}

/* ---- reading ---- */

#define RUN_SELECT                                                                     \
    "SELECT r.id, c.id, r.status, r.steps, r.input, r.options, r.error, r.created_ns," \
    " r.started_ns, r.completed_ns, r.attempt"                                         \
    " FROM runs r JOIN conversations c ON c.key = r.conversation "

static const char *const list_sql[2][2] = {
    { RUN_SELECT "WHERE ?1 IS NULL ORDER BY r.key",
        RUN_SELECT "WHERE ?1 IS NULL AND r.status IN ('pending', 'running') ORDER BY r.key" },
    { RUN_SELECT "WHERE c.id = ?1 ORDER BY r.key",
        RUN_SELECT "WHERE c.id = ?1 AND r.status IN ('pending', 'running') ORDER BY r.key" },
};

static bool take_row(struct query *q, struct arena *arena, struct run *r, struct err *err)
{
    *r = (struct run){ 0 };
    query_get_id(q, 0, r->id);
    query_get_id(q, 1, r->conversation);
    if (!run_status_find((const char *)sqlite3_column_text(q->stmt, 2), &r->status))
        return err_set(err, ERR_INTERNAL, "a run's status is not known");
    r->steps = query_get_text(q, 3, arena);
    r->input = query_get_text(q, 4, arena);
    r->options = query_get_text(q, 5, arena);
    r->error = query_get_text(q, 6, arena);
    r->created_ns = query_get_int(q, 7);
    r->started_ns = query_get_int(q, 8);
    r->completed_ns = query_get_int(q, 9);
    r->attempt = query_get_u32(q, 10);
    return true;
}

bool read_runs(struct db *db, const char *conversation, bool unfinished_only, struct arena *arena,
    struct run **out, size_t *n, struct err *err)
{
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, list_sql[conversation != NULL][unfinished_only], err))
        return false;
    query_text(&q, conversation);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct run *r = rows_add(&rows, err);

        ok = r && take_row(&q, arena, r, err);
        if (!ok)
            break;
    }
    if (!query_end(&q, ok, err) ||
        (conversation && rows.n == 0 && !check_conversation(db, conversation, err)))
        return false;
    *out = (struct run *)(void *)rows.v;
    *n = rows.n;
    return true;
}

bool store_runs(struct store *s, const char *conversation, bool unfinished_only,
    struct arena *arena, struct run **out, size_t *n, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_runs(db, conversation, unfinished_only, arena, out, n, err);
    reader_give(s, db);
    return ok;
}

static bool read_run(struct db *db, const char *conversation, const char *run, struct arena *arena,
    struct run *out, struct err *err)
{
    static const char sql[] = RUN_SELECT "WHERE r.id = ?2 AND c.id = ?1";
    struct query q;
    struct run found;
    bool row = false, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    query_text(&q, run);
    ok = query_next(&q, &row, err) && (!row || take_row(&q, arena, &found, err));
    if (!query_end(&q, ok, err))
        return false;
    if (!row)
        return check_conversation(db, conversation, err) &&
               err_set(err, ERR_NOT_FOUND, "the conversation has no run %.36s", run);
    *out = found;
    return true;
}

bool store_run_get(struct store *s, const char *conversation, const char *run, struct arena *arena,
    struct run *out, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_run(db, conversation, run, arena, out, err);
    reader_give(s, db);
    return ok;
}
