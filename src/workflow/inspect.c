/*
 * inspect: what a file holds. One pass over all of it; where only its rows are to be counted and opening it has told
 * how many there are, none.
 */

#include "workflow/job.h"

#include "table/profile.h"

static bool profile_all(
    struct job *job, struct source *source, struct profile *profile, struct err *err)
{
    struct batch *b;

    for (;;) {
        if (!job_go_on(job, err) || !source_next(source, &b, err))
            return false;
        if (!b)
            return true;
        if (!profile_add(profile, b, err))
            return false;
    }
}

static bool count_rows(struct job *job, struct source *source, uint64_t *rows, struct err *err)
{
    struct batch *b;

    if (source_count(source, rows))
        return true;
    *rows = 0;
    for (;;) {
        if (!job_go_on(job, err) || !source_next(source, &b, err))
            return false;
        if (!b)
            return true;
        *rows += b->n_rows;
    }
}

/* What the reader has found out about the file itself. */
static bool add_file(const struct look *look, struct json *data)
{
    const struct source_info *info = source_info(look->source);
    char delimiter[] = { info->delimiter, '\0' };
    bool ok;

    ok = json_set_string(data, "file_name", look->file->label);
    ok = json_set_string(data, "format", file_format_name(info->format)) && ok;
    ok = json_set_string(data, "encoding", info->encoding) && ok;
    ok = json_set_string(data, "delimiter", info->delimiter ? delimiter : NULL) && ok;
    ok = json_set(data, "sheets", look_sheets(look)) && ok;
    ok = json_set_string(
             data, "sheet", info->n_sheets > 0 ? info->sheets[info->sheet].name : NULL) &&
         ok;
    return json_set_int(data, "file_size", (int64_t)look->size) && ok;
}

static struct json *known_values(const struct column_profile *c)
{
    struct json *list = json_new_array();

    for (uint32_t i = 0; i < c->n_samples; i++)
        json_add(list, json_new_string(c->samples[i]));
    return list;
}

static bool add_columns(const struct schema *schema, struct profile *profile, bool details,
    bool values, struct json *data)
{
    struct json *names = json_new_array(), *types = json_new_object();
    struct json *profiles = details ? json_new_object() : NULL;
    struct json *known = values ? json_new_object() : NULL;
    bool ok = true;

    for (uint32_t i = 0; i < schema->n_columns; i++) {
        const char *name = schema->columns[i].name;

        ok = json_add(names, json_new_string(name)) && ok;
        ok = json_set_string(types, name, column_type_name(profile_column(profile, i)->type)) && ok;
        if (details)
            ok = json_set(profiles, name, profile_json(profile, i)) && ok;
        if (values)
            ok = json_set(known, name, known_values(profile_column(profile, i))) && ok;
    }
    ok = json_set(data, "column_names", names) && ok;
    ok = json_set(data, "data_types", types) && ok;
    if (values)
        ok = json_set(data, "values", known) && ok;
    return (!details || json_set(data, "profile", profiles)) && ok;
}

static bool add_counts(const struct schema *schema, uint64_t rows, struct json *data)
{
    return json_set_int(data, "rows", (int64_t)rows) &&
           json_set_int(data, "columns", schema->n_columns);
}

/* Everything about the columns, too. */
static bool profile_columns(struct job *job, const struct look *look, bool details, bool values,
    struct json *data, struct err *err)
{
    const struct schema *schema = source_schema(look->source);
    struct profile *profile = profile_new(schema->n_columns, details, &job->budget);
    bool ok;

    if (!profile)
        return err_nomem(err);
    ok = profile_all(job, look->source, profile, err);
    if (ok && !(add_counts(schema, profile_rows(profile), data) &&
                  add_columns(schema, profile, details, values, data)))
        ok = err_nomem(err);
    profile_free(profile);
    return ok;
}

bool job_inspect(struct job *job, struct err *err)
{
    const struct json *spec = json_get(job->spec, "inspect");
    const char *name = json_get_string(spec, "file");
    bool details = json_get_bool(spec, "details", false);
    bool count = json_get_bool(spec, "count", false);
    struct json *data = json_new_object();
    struct look look = { 0 };
    uint64_t rows;
    bool ok = false;

    if (!name) {
        err_set(err, ERR_INTERNAL, "the job names no file");
        goto out;
    }
    if (!look_open(
            job, name, json_get(spec, "reader"), json_get_bool(spec, "typed", false), &look, err))
        goto out;
    if (!add_file(&look, data)) {
        err_nomem(err);
        goto out;
    }
    if (!count) {
        ok = profile_columns(job, &look, details, json_get_bool(spec, "values", false), data, err);
    } else if (count_rows(job, look.source, &rows, err)) {
        ok = add_counts(source_schema(look.source), rows, data) ? true : err_nomem(err);
    }
    if (!ok)
        goto out;
    ok = json_set(data, "warnings", warn_json(look.warnings));
    ok = ok ? job_done(job, json_ref(data), err) : err_nomem(err);
out:
    look_close(&look);
    json_free(data);
    return ok;
}
