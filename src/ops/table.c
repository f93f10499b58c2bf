/*
 * The table of operations. A new operation is its own file, one line here, and its tests.
 */

#include "ops/op.h"

#include "base/utf8.h"

#include <string.h>

extern const struct op op_bind_multi_key, op_bind_single_key, op_convert_to_csv,
    op_convert_to_excel, op_csv_search, op_excel_search, op_extract_columns,
    op_extract_columns_to_file, op_json_generate, op_map_columns, op_normalize, op_sql_generate,
    op_sql_generate_to_text, op_sql_generate_custom, op_json_with_template;

const struct op *const op_table[] = {
    &op_convert_to_excel,
    &op_csv_search,
    &op_bind_multi_key,
    &op_bind_single_key,
    &op_convert_to_csv,
    &op_extract_columns,
    &op_extract_columns_to_file,
    &op_map_columns,
    &op_excel_search,
    &op_json_generate,
    &op_json_with_template,
    &op_normalize,
    &op_sql_generate,
    &op_sql_generate_custom,
    &op_sql_generate_to_text,
    NULL,
};

extern const struct op op_bind_rows, op_bind_rows_preview;

const struct op *const op_unlisted[] = {
    &op_bind_rows,
    &op_bind_rows_preview,
    NULL,
};

const char *drop_reason_name(enum drop_reason r)
{
    static const char *const names[DROP_COUNT] = {
        [DROP_FILTERED] = "filtered",
        [DROP_DUPLICATE] = "duplicate",
        [DROP_QUARANTINED] = "quarantined",
        [DROP_FAILED] = "failed",
    };

    return (unsigned)r < DROP_COUNT ? names[r] : "other";
}

const struct op *op_find(const char *name)
{
    size_t n;

    while (*name == '/')
        name++;
    n = strlen(name);
    while (n && name[n - 1] == '/')
        n--;
    for (const struct op *const *op = op_table; *op; op++) {
        if (strlen((*op)->name) == n && memcmp((*op)->name, name, n) == 0)
            return *op;
    }
    return NULL;
}

const struct op *op_find_unlisted(const char *name)
{
    for (const struct op *const *op = op_unlisted; *op; op++) {
        if (strcmp((*op)->name, name) == 0)
            return *op;
    }
    return NULL;
}

bool op_get(const char *name, const struct op **out, struct err *err)
{
    const char *names[ARRAY_LEN(op_table)], *near;
    const struct op *op = op_find(name);
    size_t n = 0;

    if (op) {
        *out = op;
        return true;
    }
    for (; op_table[n]; n++)
        names[n] = op_table[n]->name;
    near = utf8_nearest(name, names, n);
    if (near)
        err_set(err, ERR_ARG, "there is no operation '%.64s'; did you mean '%s'?", name, near);
    else
        err_set(err, ERR_ARG, "there is no operation '%.64s'", name);
    if (near)
        err_list_add(err->suggestions, sizeof err->suggestions, near);
    for (size_t i = 0; i < n; i++)
        err_list_add(err->available, sizeof err->available, names[i]);
    return false;
}
