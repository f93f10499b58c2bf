/* Steps of runs. */

#include "store/sqlite/db.h"

/* ---- writing ---- */

static void copy_texts(struct store_tx *tx, struct step *copy, const struct step *st)
{
    *copy = *st;
    copy->operation = tx_text(tx, st->operation, "");
    copy->arguments = tx_text(tx, st->arguments, "{}");
    copy->input_file = tx_text(tx, st->input_file, NULL);
    copy->output_file = tx_text(tx, st->output_file, NULL);
    copy->error = tx_text(tx, st->error, NULL);
    copy->result = tx_text(tx, st->result, NULL);
    copy->warnings = tx_text(tx, st->warnings, "[]");
}

static bool tell_why_not_added(struct db *db, const struct step *st, struct err *err)
{
    static const char sql[] = "SELECT 1 FROM runs WHERE id = ?1";
    struct query q;
    bool found;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, st->run);
    if (!query_exists(&q, &found, err))
        return false;
    return found ? err_set(err, ERR_STATE, "step %u of the run %s exists already",
                       (unsigned)st->index + 1, st->run)
                 : err_set(err, ERR_NOT_FOUND, "there is no run %s", st->run);
}

static bool apply_add(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "INSERT INTO steps (run, id, place, operation, arguments, input_file, output_file, status,"
        " progress, error, result, rows_in, rows_out, warnings, started_ns, completed_ns)"
        " SELECT key, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16"
        " FROM runs WHERE id = ?1 ON CONFLICT DO NOTHING";
    const struct step *st = change;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, st->run);
    query_text(&q, st->id);
    query_int(&q, st->index);
    query_text(&q, st->operation);
    query_text(&q, st->arguments);
    query_text(&q, st->input_file);
    query_text(&q, st->output_file);
    query_text(&q, step_status_name(st->status));
    query_int(&q, st->progress);
    query_text(&q, st->error);
    query_text(&q, st->result);
    query_uint(&q, st->rows_in);
    query_uint(&q, st->rows_out);
    query_text(&q, st->warnings);
    query_int(&q, st->started_ns);
    query_int(&q, st->completed_ns);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : tell_why_not_added(db, st, err);
}

void store_add_step(struct store_tx *tx, const struct step *st)
{
    struct step *copy = tx_add(tx, apply_add, NULL, sizeof *copy);

    if (copy)
        copy_texts(tx, copy, st);
}

struct change {
    char from[64];
    struct step to;
};

static const char *word(int status)
{
    return step_status_name((enum step_status)status);
}

static bool tell_why_unchanged(struct db *db, const struct step *st, struct err *err)
{
    char now[STATUS_ROOM];

    if (!query_status(db, "SELECT status FROM steps WHERE id = ?1", st->id, now, err))
        return false;
    if (!now[0])
        return err_set(err, ERR_NOT_FOUND, "there is no step %s", st->id);
    return err_set(err, ERR_STATE, "step %u is %s and cannot become %s", (unsigned)st->index + 1,
        now, word(st->status));
}

static bool apply_change(struct db *db, void *change, struct err *err)
{
    static const char sql[] =
        "UPDATE steps SET input_file = coalesce(?2, input_file), output_file = ?3, status = ?4,"
        " progress = ?5, error = ?6, result = ?7, rows_in = ?8, rows_out = ?9, warnings = ?10,"
        " started_ns = ?11, completed_ns = ?12"
        " WHERE id = ?1 AND instr(?13, ',' || status || ',') > 0";
    const struct change *c = change;
    const struct step *st = &c->to;
    struct query q;
    int changes;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, st->id);
    query_text(&q, st->input_file);
    query_text(&q, st->output_file);
    query_text(&q, step_status_name(st->status));
    query_int(&q, st->progress);
    query_text(&q, st->error);
    query_text(&q, st->result);
    query_uint(&q, st->rows_in);
    query_uint(&q, st->rows_out);
    query_text(&q, st->warnings);
    query_int(&q, st->started_ns);
    query_int(&q, st->completed_ns);
    query_text(&q, c->from);
    if (!query_run(&q, &changes, err))
        return false;
    return changes == 1 ? true : tell_why_unchanged(db, st, err);
}

void store_change_step(struct store_tx *tx, unsigned from, const struct step *st)
{
    struct change *c = tx_add(tx, apply_change, NULL, sizeof *c);

    if (!c)
        return;
    status_list(from, STEP_STATUS_COUNT, word, c->from, sizeof c->from);
    copy_texts(tx, &c->to, st);
}

/* ---- reading ---- */

static bool take_row(struct query *q, struct arena *arena, struct step *st, struct err *err)
{
    query_get_id(q, 0, st->id);
    query_get_id(q, 1, st->run);
    st->index = query_get_u32(q, 2);
    st->operation = query_get_text(q, 3, arena);
    st->arguments = query_get_text(q, 4, arena);
    st->input_file = query_get_text(q, 5, arena);
    st->output_file = query_get_text(q, 6, arena);
    if (!step_status_find((const char *)sqlite3_column_text(q->stmt, 7), &st->status))
        return err_set(err, ERR_INTERNAL, "a step's status is not known");
    st->progress = query_get_u32(q, 8);
    st->error = query_get_text(q, 9, arena);
    st->result = query_get_text(q, 10, arena);
    st->rows_in = query_get_uint(q, 11);
    st->rows_out = query_get_uint(q, 12);
    st->warnings = query_get_text(q, 13, arena);
    st->started_ns = query_get_int(q, 14);
    st->completed_ns = query_get_int(q, 15);
    return true;
}

bool read_steps(struct db *db, const char *conversation, const char *run, struct arena *arena,
    struct step **out, size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT s.id, r.id, s.place, s.operation, s.arguments, s.input_file, s.output_file,"
        " s.status, s.progress, s.error, s.result, s.rows_in, s.rows_out, s.warnings,"
        " s.started_ns, s.completed_ns"
        " FROM conversations c JOIN runs r ON r.conversation = c.key JOIN steps s ON s.run = r.key"
        " WHERE c.id = ?1 AND (?2 IS NULL OR r.id = ?2) ORDER BY r.key, s.place";
    struct rows rows = { .arena = arena, .size = sizeof **out };
    struct query q;
    bool row, ok;

    if (!query_open(&q, db, sql, err))
        return false;
    query_text(&q, conversation);
    query_text(&q, run);
    while ((ok = query_next(&q, &row, err)) && row) {
        struct step *st = rows_add(&rows, err);

        ok = st && take_row(&q, arena, st, err);
        if (!ok)
            break;
    }
    if (!query_end(&q, ok, err) || (rows.n == 0 && !check_conversation(db, conversation, err)))
        return false;
    *out = (struct step *)(void *)rows.v;
    *n = rows.n;
    return true;
}

bool store_steps(struct store *s, const char *conversation, const char *run, struct arena *arena,
    struct step **out, size_t *n, struct err *err)
{
    struct db *db = reader_take(s, err);
    bool ok;

    if (!db)
        return false;
    ok = read_steps(db, conversation, run, arena, out, n, err);
    reader_give(s, db);
    return ok;
}
