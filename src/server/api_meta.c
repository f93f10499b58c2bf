/* What the service is, how it is, and what it can do. */

#include "server/server_int.h"

#include "base/clock.h"
#include "describe/schema.h"
#include "ops/op.h"

#include <stdio.h>

struct json *server_facts(const struct server *server)
{
    struct json *o = json_new_object();

    json_set_string(o, "name", settings_string(server->settings, "app.name"));
    json_set_string(o, "version", SHEETFLOW_VERSION);
    json_set_string(o, "environment", settings_string(server->settings, "app.environment"));
    return o;
}

bool api_health(struct call *call, struct err *err)
{
    struct json *data = server_facts(call->server);

    (void)err;
    json_set_string(data, "status", "healthy");
    json_set_int(data, "uptime_seconds", (clock_wall_ns() - call->server->started_ns) / 1000000000);
    reply_data(call, 200, "Service is healthy", data);
    return true;
}

bool api_operations(struct call *call, struct err *err)
{
    struct json *data = json_new_object(), *list = json_new_array();
    uint64_t n = 0;

    (void)err;
    for (const struct op *const *op = op_table; *op; op++, n++)
        json_add(list, schema_operation(*op));
    json_set(data, "operations", list);
    json_set_int(data, "count", (int64_t)n);
    reply_collection(call, "Operations", data, n);
    return true;
}

bool api_root(struct call *call, struct err *err)
{
    struct json *data = server_facts(call->server), *links = json_new_object();
    const char *base = arena_printf(call->arena, "%s%s", view_base_url(call), call->server->prefix);

    (void)err;
    json_set_string(links, "conversations", arena_printf(call->arena, "%s/chat/workflows", base));
    json_set_string(links, "operations", arena_printf(call->arena, "%s/operations", base));
    json_set_string(links, "health", arena_printf(call->arena, "%s/health", base));
    json_set(data, "links", links);
    reply_data(call, 200, "Sheetflow", data);
    return true;
}
