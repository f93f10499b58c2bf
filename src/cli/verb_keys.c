/*
 * sheetflow keys create | list | revoke: the keys of a data folder. A running server does it itself, asked through
 * its control socket, as it alone writes the database; without one the folder is opened.
 */

#include "cli/control.h"
#include "cli/data.h"

#include "server/audit.h"
#include "server/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const roles[] = { "admin", "writer", "reader", NULL };

static const struct cli_flag keys_flags[] = {
    { .name = "name", .value = "NAME", .help = "create: what the key is for." },
    { .name = "role",
        .value = "ROLE",
        .choices = roles,
        .help =
            "create: admin may everything, writer work in conversations, reader look at them." },
    { .name = "owner",
        .value = "OWNER",
        .help = "create: whose conversations it sees and makes; by default its name. Keys of one "
                "owner share them, an administrator's see all." },
    { .name = "expires",
        .value = "TIME",
        .help = "create: how long it works: 90d, 12h or 30m; by default for ever." },
    { .name = "json", .help = "Print the result as one JSON object." },
    DATA_FLAGS,
    { 0 },
};

static struct json *wanted(const struct cli *cli)
{
    static const char *const names[] = { "name", "role", "owner", "expires" };
    struct json *o = json_new_object();

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (cli_value(cli, names[i]))
            json_set_string(o, names[i], cli_value(cli, names[i]));
    }
    return o;
}

/* ---- without a server ---- */

static void note(const struct data *d, const char *event, const char *id, const char *owner)
{
    struct audit *audit;
    struct err err;

    if (!audit_open(d->settings, &audit, &err)) {
        cli_fail(&err);
        return;
    }
    audit_write(
        audit, &(struct audit_line){
                   .event = event, .address = "command line", .owner = owner, .subject = id });
    audit_close(audit);
}

static bool create_here(struct cli *cli, const struct data *d, struct json **out, struct err *err)
{
    struct json *spec = wanted(cli);
    char text[AUTH_KEY_TEXT];
    struct store_key key;
    bool ok;

    ok = key_create(d->folder.store, spec, &key, &cli->arena, text, err);
    json_free(spec);
    if (!ok)
        return false;
    note(d, "key_created", key.id, key.owner);
    *out = key_view(&key);
    json_set_string(*out, "key", text);
    return true;
}

static bool list_here(struct cli *cli, const struct data *d, struct json **out, struct err *err)
{
    struct json *list = json_new_array();
    struct store_key *keys;
    size_t n;

    if (!store_keys(d->folder.store, &cli->arena, &keys, &n, err)) {
        json_free(list);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        json_add(list, key_view(&keys[i]));
    *out = json_new_object();
    json_set(*out, "keys", list);
    json_set_int(*out, "count", (int64_t)n);
    return true;
}

static bool revoke_here(struct cli *cli, const struct data *d, struct json **out, struct err *err)
{
    if (!key_revoke(d->folder.store, cli->words[1], err))
        return false;
    note(d, "key_revoked", cli->words[1], NULL);
    *out = json_new_object();
    json_set_string(*out, "key_id", cli->words[1]);
    return true;
}

/* ---- what is printed ---- */

static void tell_created(const struct json *o)
{
    cli_print("%s\n", json_get_string(o, "key"));
    fprintf(stderr, "Key %s of %s, role %s. It is shown this once; keep it in a safe place.\n",
        json_get_string(o, "key_id"), json_get_string(o, "owner"), json_get_string(o, "role"));
}

static const char *day(const struct json *o, const char *name)
{
    const char *text = json_get_string(o, name);

    return text && strlen(text) >= 16 ? text : "-";
}

static void tell_list(const struct json *o)
{
    const struct json *keys = json_get(o, "keys");

    cli_print("%-16s  %-7s  %-7s  %-16s  %-16s  %-16s  %s\n", "ID", "ROLE", "STATUS", "LAST USED",
        "EXPIRES", "OWNER", "NAME");
    for (size_t i = 0; i < json_len(keys); i++) {
        const struct json *k = json_at(keys, i);

        cli_print("%-16s  %-7s  %-7s  %-16.16s  %-16.16s  %-16s  %s\n",
            json_get_string(k, "key_id"), json_get_string(k, "role"), json_get_string(k, "status"),
            day(k, "last_used_at"), day(k, "expires_at"), json_get_string(k, "owner"),
            json_get_string(k, "name"));
    }
}

static void tell_revoked(const struct json *o)
{
    fprintf(stderr, "Key %s does not work any more.\n", json_get_string(o, "key_id"));
}

static const struct action {
    const char *name, *method;
    size_t words;
    enum folder_use use;
    bool (*here)(struct cli *cli, const struct data *d, struct json **out, struct err *err);
    void (*tell)(const struct json *o);
} actions[] = {
    { "create", "POST", 1, FOLDER_CHANGE, create_here, tell_created },
    { "list", "GET", 1, FOLDER_READ, list_here, tell_list },
    { "revoke", "DELETE", 2, FOLDER_CHANGE, revoke_here, tell_revoked },
};

static bool id_ok(const struct cli *cli, struct err *err)
{
    const char *id = cli->n_words > 1 ? cli->words[1] : "";

    return strspn(id, "0123456789abcdef") == strlen(id) ||
           err_set(err, ERR_USAGE,
               "'%.60s' is not the id of a key; 'sheetflow keys list' shows them", id);
}

static const struct action *find_action(const struct cli *cli, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, cli->words[0]) != 0)
            continue;
        if (cli->n_words == actions[i].words && id_ok(cli, err))
            return &actions[i];
        if (cli->n_words == actions[i].words)
            return NULL;
        err_set(err, ERR_USAGE,
            actions[i].words > 1 ? "say which key to revoke; 'sheetflow keys list' shows the ids"
                                 : "'keys %s' takes no more words",
            actions[i].name);
        return NULL;
    }
    err_set(err, ERR_USAGE, "'%.60s' is not one of create, list and revoke", cli->words[0]);
    return NULL;
}

/* *found: a server did it. */
static bool ask_server(
    struct cli *cli, const struct action *action, bool *found, struct json **out, struct err *err)
{
    struct settings *settings;
    struct json *body = NULL;
    const char *path;
    bool ok;

    if (!cli_settings(cli, &settings, err))
        return false;
    path = arena_printf(&cli->arena, "%s/keys%s%s", settings_string(settings, "api.prefix"),
        action->words > 1 ? "/" : "", action->words > 1 ? cli->words[1] : "");
    if (strcmp(action->method, "POST") == 0)
        body = wanted(cli);
    ok = path ? control_call(settings_string(settings, "chat_workflows.storage.data_path"),
                    action->method, path, body, found, out, err)
              : err_nomem(err);
    json_free(body);
    settings_free(settings);
    return ok;
}

static int run_keys(struct cli *cli)
{
    struct json *result = NULL;
    const struct action *action;
    struct data d = { 0 };
    bool ok, found = false;
    struct err err;

    action = find_action(cli, &err);
    if (!action)
        return cli_fail_usage(cli, &err);
    ok = ask_server(cli, action, &found, &result, &err);
    if (ok && !found) {
        ok = data_open(cli, action->use, &d, &err) && action->here(cli, &d, &result, &err);
        data_close(&d);
    }
    if (!ok)
        return cli_fail(&err);
    if (cli_has(cli, "json"))
        cli_print_json(result);
    else
        action->tell(result);
    json_free(result);
    return EXIT_SUCCESS;
}

const struct verb verb_keys = {
    .name = "keys",
    .usage = "create|list|revoke [ID] [--name NAME] [--role ROLE] [--owner OWNER] [--expires TIME]",
    .summary = "Make, list and revoke the keys that clients need",
    .details =
        "The first key can be made before the server starts. A running server takes new and "
        "revoked keys\n"
        "at once. A key is printed when it is made and never again; only its SHA-256 is kept. Once "
        "there\n"
        "is one, clients of other machines need it, and those of this machine where\n"
        "access.local_without_key is false.\n",
    .flags = keys_flags,
    .min_words = 1,
    .max_words = 2,
    .run = run_keys,
};
