#ifndef CLI_DATA_H
#define CLI_DATA_H

/*
 * The data folder that a verb works on, and what dump, restore, verify and backup have in common.
 */

#include "cli/cli.h"
#include "server/folder.h"

struct data {
    struct settings *settings;
    struct data_dirs dirs;
    struct folder folder;
};

/* By --config, --data and the other settings. Errors: those of folder_open(). */
bool data_open(
    const struct cli *cli, enum folder_use use, struct data *d, struct err *err) MUST_CHECK;
void data_close(struct data *d); /* Zeroed is fine. */

/* "http://127.0.0.1:5050": where the server of these settings answers; in cli->arena. */
const char *data_base_url(
    struct cli *cli, const struct settings *settings, struct err *err) MUST_CHECK;

/* The flags that all of them have. */
#define DATA_FLAGS                                                                                 \
    { .name = "data",                                                                              \
        .value = "DIR",                                                                            \
        .setting = "chat_workflows.storage.data_path",                                             \
        .help = "Data folder; by default that of the settings." },                                 \
    {                                                                                              \
        .name = "config", .value = "FILE", .help = "Settings file, the one that the server reads." \
    }

#endif
