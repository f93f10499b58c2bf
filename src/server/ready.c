/* GET /health/ready: may requests be sent here, and if not, what is wrong. */

#include "server/metrics.h"
#include "workflow/sandbox.h"

#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

bool server_room(const struct server *server, uint64_t *free_bytes)
{
    uint64_t reserve =
        (uint64_t)settings_int(server->settings, "chat_workflows.storage.reserve_mb") * MIB;
    struct statvfs fs;

    *free_bytes = 0;
    if (statvfs(server->dirs.root, &fs) != 0)
        return false;
    *free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return *free_bytes >= reserve;
}

const char *sandbox_state(unsigned parts)
{
    return parts == (SANDBOX_FILES | SANDBOX_CALLS) ? "full" : parts ? "partial" : "none";
}

/* Add checks.<name>, with its status and, where it is bad, the sentence; returns the object to add more to. */
static struct json *add_check(struct json *checks, const char *name, const char *fault)
{
    struct json *check = json_new_object();

    json_set_string(check, "status", fault ? "failed" : "ok");
    if (fault)
        json_set_string(check, "reason", fault);
    json_set(checks, name, check);
    return check;
}

static const char *check_disk(struct call *call, struct json *checks)
{
    const struct server *server = call->server;
    struct json *check;
    uint64_t room;
    const char *fault = NULL;

    if (!server_room(server, &room))
        fault = arena_printf(call->arena,
            "the disk is nearly full: %llu MiB are free, %lld are kept "
            "(chat_workflows.storage.reserve_mb)",
            (unsigned long long)(room / MIB),
            (long long)settings_int(server->settings, "chat_workflows.storage.reserve_mb"));
    else if (access(server->dirs.tmp, W_OK) != 0)
        fault = "the data folder cannot be written to";
    check = add_check(checks, "disk", fault);
    json_set_int(check, "free_bytes", (int64_t)room);
    return fault;
}

static const char *check_database(struct call *call, struct json *checks)
{
    struct err why;
    const char *fault = NULL;
    struct json *check;

    if (!store_healthy(call->server->store, &why))
        fault = arena_strdup(call->arena, why.text);
    check = add_check(checks, "database", fault);
    json_set_string(check, "version", store_version());
    view_time(check, "last_backup_at", metrics_last_backup(call->server->metrics));
    return fault;
}

static void tell_workers(const struct server *server, struct json *checks)
{
    struct json *check = add_check(checks, "workers", NULL);
    struct dispatcher_load load;

    dispatcher_load(server->dispatcher, &load);
    json_set_int(check, "slots", (int64_t)load.slots);
    json_set_int(check, "running", (int64_t)load.running);
    json_set_int(check, "queued", (int64_t)load.queued);
    json_set_string(check, "sandbox", sandbox_state(server->sandbox));
}

bool api_ready(struct call *call, struct err *err)
{
    struct json *data, *checks = json_new_object();
    const char *disk = check_disk(call, checks), *database = check_database(call, checks);

    tell_workers(call->server, checks);
    if (disk || database) {
        if (call->caller->who.role < ROLE_ADMIN) {
            json_free(checks);
            return err_set(err, ERR_BUSY, "the service is not ready");
        }
        err_set(err, ERR_BUSY, "%s", database ? database : disk);
        data = json_new_object();
        json_set(data, "checks", checks);
        reply_error_with(call, err, 503, data);
        return true;
    }
    data = server_facts(call->server);
    json_set_string(data, "status", "ready");
    if (call->caller->who.role < ROLE_ADMIN) { /* How it is inside is not everybody's business. */
        json_free(checks);
        reply_data(call, 200, "Service is ready", data);
        return true;
    }
    json_set_string(data, "database", store_version());
    json_set(data, "checks", checks);
    reply_data(call, 200, "Service is ready", data);
    return true;
}
