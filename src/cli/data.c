/*
 * The data folder that a verb works on.
 */

#include "cli/data.h"

#include "base/log.h"

#include <string.h>
#include <sys/stat.h>

bool data_open(const struct cli *cli, enum folder_use use, struct data *d, struct err *err)
{
    *d = (struct data){ 0 };
    umask(077); /* As the server: what it keeps is for its user alone. */
    if (!log_open(LOG_WARNING, false, NULL, err) || !cli_settings(cli, &d->settings, err))
        return false;
    d->folder = (struct folder){ .settings = d->settings, .dirs = &d->dirs };
    if (folder_open(&d->folder, use, err))
        return true;
    settings_free(d->settings);
    d->settings = NULL;
    return false;
}

void data_close(struct data *d)
{
    if (!d->settings)
        return;
    folder_close(&d->folder);
    settings_free(d->settings);
    d->settings = NULL;
}

const char *data_base_url(struct cli *cli, const struct settings *settings, struct err *err)
{
    const char *host = settings_string(settings, "app.host"), *url;
    bool brackets = strchr(host, ':') != NULL;

    url = arena_printf(&cli->arena, "%s://%s%s%s:%lld",
        *settings_string(settings, "tls.certificate") ? "https" : "http", brackets ? "[" : "", host,
        brackets ? "]" : "", (long long)settings_int(settings, "app.port"));
    if (!url)
        err_nomem(err);
    return url;
}
