#ifndef TESTS_UNIT_OPS_OP_FIXTURE_H
#define TESTS_UNIT_OPS_OP_FIXTURE_H

/* What the tests of operations share: JSON from literals, binding, small tables. */

#include "ops/op.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* JSON written with ' for ", so that it reads well in C. */
static inline struct json *json_quoted(const char *text)
{
    char *copy = strdup(text);
    struct json *value = NULL;
    struct err err;

    for (char *p = copy; *p; p++) {
        if (*p == '\'')
            *p = '"';
    }
    if (!json_parse(copy, strlen(copy), &value, &err))
        fail_msg("%s: %s", copy, err.text);
    free(copy);
    return value;
}

static inline struct cell text_cell(const char *s)
{
    return cell_text(s, strlen(s));
}

#endif
