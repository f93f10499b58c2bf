/*
 * sheetflow op csv/info FILE and its like: what the HTTP API answers about a file, as JSON. They are no operations, as
 * they make no file and no step.
 */

#include "cli/inspect.h"
#include "ops/suggest.h"

#include <stdlib.h>
#include <string.h>

static int run_info(struct cli *cli)
{
    struct json *data;
    struct err err;

    if (!inspect_file(cli, &data, &err))
        return cli_fail(&err);
    cli_print_json(data);
    json_free(data);
    return EXIT_SUCCESS;
}

static int run_suggest(struct cli *cli)
{
    struct json *facts, *data;
    struct err err;

    if (!inspect_file(cli, &facts, &err))
        return cli_fail(&err);
    data = suggest_all(json_get(facts, "data_types"));
    json_free(facts);
    if (!data) {
        err_nomem(&err);
        return cli_fail(&err);
    }
    cli_print_json(data);
    json_free(data);
    return EXIT_SUCCESS;
}

#define LOOK(NAME, SUMMARY, RUN)                                                         \
    {                                                                                    \
        .name = "op " NAME, .usage = "FILE", .summary = SUMMARY, .flags = inspect_flags, \
        .min_words = 1, .max_words = 1, .run = RUN                                       \
    }

static const struct verb looks[] = {
    LOOK("csv/info", "Tell what a file holds, as JSON", run_info),
    LOOK("excel/info", "Tell what a file holds, as JSON", run_info),
    LOOK("csv/search/suggest-operators", "Tell how each column can be searched, as JSON",
        run_suggest),
    LOOK("excel/search/suggest-operators", "Tell how each column can be searched, as JSON",
        run_suggest),
};

const struct verb *op_look_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        if (strcmp(looks[i].name + strlen("op "), name) == 0)
            return &looks[i];
    }
    return NULL;
}
