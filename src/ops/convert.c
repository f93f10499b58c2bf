/*
 * csv/convert-to-excel and excel/convert-to-csv: the table as it is, in another format. All the
 * work is the writer's.
 */

#include "ops/op.h"

static const struct arg convert_arg_list[] = { { 0 } }; /* The shared arguments say it all. */

static const char *const to_excel_says[] = {
    "convert to excel",
    "convert to xlsx",
    "make an excel file",
    "turn into excel",
    "as excel",
    NULL,
};

static const struct op_example to_excel_examples[] = {
    { .title = "Numbers become numbers, and 007 stays as it is",
        .args = "{\"sheet_name\": \"Agents\", \"output_format\": \"csv\"}",
        .in = "id,age\n007,44\n008,51\n",
        .out = "id,age\n007,44\n008,51\n" },
    { 0 },
};

static const char *const to_csv_says[] = {
    "convert to csv",
    "make a csv file",
    "turn into csv",
    "as csv",
    "export csv",
    NULL,
};

static const struct op_example to_csv_examples[] = {
    { .title = "Semicolons between the fields",
        .args = "{\"delimiter\": \";\"}",
        .in = "name,city\nAda,London\n\"Hopper, Grace\",New York\n",
        .out = "name;city\nAda;London\nHopper, Grace;New York\n" },
    { 0 },
};

static bool convert_open(const void *args, const struct op_env *env, const struct schema *in,
    const struct schema **out, void **state, struct err *err)
{
    (void)args;
    (void)env;
    (void)err;
    *out = in;
    *state = NULL;
    return true;
}

static bool convert_push(
    void *state, const struct batch *in, const struct op_emit *emit, struct err *err)
{
    (void)state;
    return op_emit(emit, in, err);
}

const struct op op_convert_to_excel = {
    .name = "csv/convert-to-excel",
    .summary = "Convert a text table to an Excel workbook",
    .flags = OP_TABLE | OP_MAPS_ROWS | OP_SHEET_NAME,
    .suffix = "converted",
    .format = FILE_XLSX,
    .args = convert_arg_list,
    .says = to_excel_says,
    .examples = to_excel_examples,
    .open = convert_open,
    .push = convert_push,
};

const struct op op_convert_to_csv = {
    .name = "excel/convert-to-csv",
    .summary = "Convert a sheet of a workbook to CSV",
    .flags = OP_TABLE | OP_MAPS_ROWS | OP_DELIMITER,
    .suffix = "converted",
    .format = FILE_CSV,
    .args = convert_arg_list,
    .says = to_csv_says,
    .examples = to_csv_examples,
    .open = convert_open,
    .push = convert_push,
};
