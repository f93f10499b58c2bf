#ifndef DESCRIBE_OPENAPI_H
#define DESCRIBE_OPENAPI_H

/*
 * The HTTP API as an OpenAPI 3.1 document. Which routes there are comes from the server's table, the operations from
 * their declarations, and what neither of them says (summaries, queries, shapes of replies) from openapi_base.json.
 */

#include "base/json.h"

enum openapi_body { OPENAPI_NONE, OPENAPI_JSON, OPENAPI_FORM, OPENAPI_FORM_OR_JSON };

struct openapi_route {
    const char *method, *path; /* "GET", "/chat/workflows/{id}", below the prefix. */
    enum openapi_body body;
    const char *role; /* "open", "reader", "writer", "admin": the least that may. */
};

/*
 * Operations of op_table[] are added as POST /<name>. A route that openapi_base.json does not know is there with its
 * path as its summary; a test sees to it that there is none.
 *
 * Errors: ERR_NOMEM.
 */
bool openapi_document(const char *title, const char *version, const char *prefix,
    const struct openapi_route *routes, size_t n, struct json **out, struct err *err) MUST_CHECK;

#endif
