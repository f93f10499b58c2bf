/*
 * sheetflow serve: the server.
 */

#include "cli/cli.h"

#include "server/server.h"

static const struct cli_flag serve_flags[] = {
    { .name = "config", .value = "FILE", .help = "Settings file." },
    { .name = "host", .value = "HOST", .setting = "app.host", .help = "Address to listen on." },
    { .name = "port",
        .value = "N",
        .setting = "app.port",
        .help = "Port to listen on; 0 takes a free one." },
    { .name = "ws-port",
        .value = "N",
        .setting = "chat_workflows.websocket.port",
        .help = "Separate WebSocket port for old clients; 0 means none." },
    { .name = "data",
        .value = "DIR",
        .setting = "chat_workflows.storage.data_path",
        .help = "Data folder." },
    { .name = "i-accept-no-auth-on-public-address",
        .setting = "app.allow_public",
        .help = "Listen on an address that other machines reach although no key was made." },
    { 0 },
};

static bool load_again(void *arg, struct settings **out, struct err *err)
{
    return cli_settings(arg, out, err);
}

static int run_serve(struct cli *cli)
{
    struct settings *settings;
    struct err err;
    int status;

    if (!cli_settings(cli, &settings, &err))
        return cli_fail(&err);
    status = server_main(settings, load_again, cli);
    settings_free(settings);
    return status;
}

const struct verb verb_serve = {
    .name = "serve",
    .usage = "[--config FILE] [--host HOST] [--port N] [--ws-port N] [--data DIR]",
    .summary = "Serve conversations over HTTP and WebSocket",
    .details =
        "Every setting can be given in the file or the environment too: see 'sheetflow config'.\n",
    .flags = serve_flags,
    .run = run_serve,
};
