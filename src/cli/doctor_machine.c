/*
 * The doctor's look at the machine: clock, ports, sandbox, and whether a worker works.
 */

#include "cli/doctor.h"

#include "base/clock.h"
#include "base/date.h"
#include "cli/control.h"
#include "cli/inputs.h"
#include "workflow/run.h"
#include "workflow/sandbox.h"
#include "workflow/worker.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define SAMPLE "sample.csv"

enum {
    FIRST_SANE_S = 1767225600, /* 2026-01-01: older than the program. */
    CLOCK_SLACK_S = 300,
    ANSWER_SECONDS = 2,
    WORKER_TIMEOUT_MS = 10000
};

/* ---- clock ---- */

void doctor_clock(struct doctor *d)
{
    static const char advice[] =
        "Set the machine's clock (timedatectl): names of files and what is old depend on it.";
    int64_t now = clock_wall_ns();
    char text[DATE_TEXT_MAX];

    date_format_utc(now, text);
    if (now < FIRST_SANE_S * NS_PER_S)
        doctor_tell(
            d, DOCTOR_FAULT, "clock", advice, "it says %s, before this program was made", text);
    else if (d->newest_ns > now + CLOCK_SLACK_S * NS_PER_S)
        doctor_tell(d, DOCTOR_WARNING, "clock", advice,
            "it says %s, but the newest conversation is from later", text);
    else
        doctor_tell(d, DOCTOR_OK, "clock", NULL, "it says %s", text);
}

/* ---- ports ---- */

enum port_state { PORT_FREE, PORT_TAKEN, PORT_REFUSED };

static enum port_state try_bind(const struct addrinfo *at, int *errnum)
{
    int on = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum port_state state = PORT_FREE;

    if (fd < 0) {
        *errnum = errno;
        return PORT_REFUSED;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 1) != 0) {
        *errnum = errno;
        state = errno == EADDRINUSE ? PORT_TAKEN : PORT_REFUSED;
    }
    close(fd);
    return state;
}

/* The same through the control socket: TLS is not spoken here. */
static bool answers_inside(const struct doctor *d)
{
    char path[128];
    struct json *data = NULL;
    struct err err;
    bool found = false, ok;

    snprintf(path, sizeof path, "%.100s/health", settings_string(d->settings, "api.prefix"));
    ok = control_call(settings_string(d->settings, "chat_workflows.storage.data_path"), "GET", path,
        NULL, &found, &data, &err);
    json_free(data);
    return ok && found;
}

/* Does a Sheetflow answer there? */
static bool answers(const struct doctor *d, const struct addrinfo *at, const char *host)
{
    struct timeval patience = { .tv_sec = ANSWER_SECONDS };
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[4096];
    size_t len = 0;
    ssize_t n = 0;

    if (fd < 0)
        return false;
    if (*settings_string(d->settings, "tls.certificate")) {
        close(fd);
        return answers_inside(d);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    snprintf(text, sizeof text, "GET %s/health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
        settings_string(d->settings, "api.prefix"), strchr(host, ':') ? "localhost" : host);
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
        send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text)) {
        while (len < sizeof text - 1 && (n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0)
            len += (size_t)n;
    }
    close(fd);
    text[len] = '\0';
    return strncmp(text, "HTTP/1.1 200", 12) == 0 && strstr(text, "\"status\":\"healthy\"");
}

static void check_port(struct doctor *d, const char *host, const char *path)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *at = NULL;
    int64_t port = settings_int(d->settings, path);
    bool is_http = strcmp(path, "app.port") == 0;
    char service[8];
    int rc, errnum = 0;

    if (port == 0)
        return;
    snprintf(service, sizeof service, "%u", (unsigned)port & 0xffff);
    rc = getaddrinfo(host, service, &hints, &at);
    if (rc != 0) {
        doctor_tell(d, DOCTOR_FAULT, "port", "Correct app.host.",
            "'%s' is no address of this machine: %s", host, gai_strerror(rc));
        return;
    }
    switch (try_bind(at, &errnum)) {
    case PORT_FREE:
        doctor_tell(d, DOCTOR_OK, "port", NULL, "%s (%s) is free", service, path);
        break;
    case PORT_TAKEN:
        if (is_http && answers(d, at, host))
            doctor_tell(
                d, DOCTOR_OK, "port", NULL, "%s (%s): a Sheetflow answers there", service, path);
        else if (!is_http && d->locked)
            doctor_tell(d, DOCTOR_OK, "port", NULL,
                "%s (%s) is in use, as it is while a server runs", service, path);
        else
            doctor_tell(d, DOCTOR_FAULT, "port",
                "End that program, or choose another port ('ss -ltnp' shows who it is).",
                "%s (%s) is in use by another program", service, path);
        break;
    case PORT_REFUSED:
        doctor_tell(d, DOCTOR_FAULT, "port",
            "Correct app.host or the port; ports below 1024 need rights.",
            "%s (%s) on %s cannot be listened on: %s", service, path, host, strerror(errnum));
        break;
    }
    freeaddrinfo(at);
}

void doctor_ports(struct doctor *d)
{
    const char *host = settings_string(d->settings, "app.host");
    const char *ws_host = settings_string(d->settings, "chat_workflows.websocket.host");

    check_port(d, host, "app.port");
    check_port(d, *ws_host ? ws_host : host, "chat_workflows.websocket.port");
}

/* ---- sandbox ---- */

void doctor_sandbox(struct doctor *d)
{
    static const char advice[] =
        "Files are still read in a process of their own; a newer kernel, or one that allows it "
        "(containers), closes the rest.";
    unsigned parts;

    if (!sandbox_probe(&parts)) {
        doctor_tell(d, DOCTOR_FAULT, "sandbox", "Allow the user more processes (ulimit -u).",
            "no process can be started: %s", strerror(errno));
        return;
    }
    if (parts == (SANDBOX_FILES | SANDBOX_CALLS))
        doctor_tell(d, DOCTOR_OK, "sandbox", NULL, "workers see only their files, and no network");
    else if (parts == 0)
        doctor_tell(d, DOCTOR_WARNING, "sandbox", advice, "this system offers none");
    else
        doctor_tell(d, DOCTOR_WARNING, "sandbox", advice, "%s",
            parts & SANDBOX_FILES
                ? "workers see only their files, but system calls are not filtered"
                : "system calls are filtered, but workers can see other files");
}

/* ---- worker ---- */

static struct json *sample_spec(const struct settings *settings, const char *path, const char *dir)
{
    struct json *spec = json_new_object(), *inspect = json_new_object(), *files = json_new_array(),
                *file = json_new_object();

    json_set_string(file, "name", SAMPLE);
    json_set_string(file, "base", "sample");
    json_set_string(file, "path", path);
    json_add(files, file);
    json_set_string(inspect, "file", SAMPLE);
    json_set_string(spec, "job", "inspect");
    json_set_int(spec, "now_ns", clock_wall_ns());
    json_set(spec, "files", files);
    json_set_string(spec, "tmp_dir", dir);
    json_set(spec, "settings", run_settings(settings));
    json_set(spec, "inspect", inspect);
    return spec;
}

/* Let a worker look at a small file, as for an upload. */
static bool ask_worker(const struct doctor *d, struct err *err)
{
    static const char sample[] = "id,name\n007,Ada\n";
    const char *tmp = getenv("TMPDIR");
    struct json *spec = NULL, *data = NULL;
    struct staging staging = { 0 };
    char path[FS_PATH_MAX];
    bool ok;

    ok = staging_open(&staging, tmp && *tmp ? tmp : "/tmp", err) &&
         staging_path(&staging, SAMPLE, path, err) && fs_save(path, sample, strlen(sample), err);
    if (ok) {
        spec = sample_spec(d->settings, path, staging.path);
        ok = worker_ask(spec, 0, WORKER_TIMEOUT_MS, &data, err);
    }
    if (ok && json_get_int(data, "rows", 0) != 1)
        ok = err_set(err, ERR_INTERNAL, "it did not find the row of a small file");
    json_free(spec);
    json_free(data);
    staging_close(&staging);
    return ok;
}

void doctor_worker(struct doctor *d)
{
    int64_t began = clock_mono_ns();
    struct err err;

    if (ask_worker(d, &err))
        doctor_tell(d, DOCTOR_OK, "worker", NULL, "started and answered in %lld ms",
            (long long)((clock_mono_ns() - began) / 1000000));
    else
        doctor_tell(d, DOCTOR_FAULT, "worker",
            "Files are read by workers: without one no run can be carried out.", "%s", err.text);
}
