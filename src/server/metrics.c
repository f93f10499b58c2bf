/*
 * What an operator watches, as GET /metrics tells it in the text format of Prometheus: counts are kept here as things
 * happen; what can be looked at (queues, connections, sizes) is looked at when it is asked for.
 */

#include "server/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "describe/openapi.h"
#include "ops/op.h"
#include "server/uploads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { REPLY_MAX = 4 << 20, ROUTES_MAX = 96, OPS_MAX = 64 };

#define NS_PER_S INT64_C(1000000000)

/* Replies are counted by these; any other status counts as the last. */
static const int statuses[] = { 200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 409, 413,
    414, 415, 416, 417, 422, 426, 429, 431, 500, 503, 507, 0 };

/* Upper bounds in seconds: from a read of one row to a large chain that is waited for. */
static const double request_bounds[] = { 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60 };
static const double step_bounds[] = { 0.01, 0.05, 0.25, 1, 5, 30, 120, 600 };
enum { BOUNDS = ARRAY_LEN(request_bounds) };
_Static_assert(ARRAY_LEN(request_bounds) == ARRAY_LEN(step_bounds), "one shape of histogram");

typedef _Atomic uint64_t count_t;

struct histogram {
    count_t buckets[BOUNDS + 1]; /* Not cumulative; the last is beyond all bounds. */
    count_t sum_ns;
};

struct metrics {
    size_t n_routes, n_ops;
    count_t requests[ROUTES_MAX][ARRAY_LEN(statuses)];
    struct histogram latency[ROUTES_MAX];
    count_t bytes_in, bytes_out;
    count_t steps[OPS_MAX][STEP_STATUS_COUNT];
    struct histogram duration[OPS_MAX];
    count_t rows_in, rows_out;
    count_t runs[RUN_STATUS_COUNT];
    _Atomic int64_t backup_ns;
};

bool metrics_new(struct metrics **out, struct err *err)
{
    struct metrics *m = calloc(1, sizeof *m);
    struct openapi_route route;

    if (!m)
        return err_nomem(err);
    while (routes_describe(m->n_routes, &route))
        m->n_routes++;
    m->n_routes += METRICS_MORE_ROUTES;
    while (op_table[m->n_ops])
        m->n_ops++;
    if (m->n_routes > ROUTES_MAX || m->n_ops > OPS_MAX) {
        free(m);
        return err_set(err, ERR_INTERNAL, "there are more routes or operations than are counted");
    }
    *out = m;
    return true;
}

void metrics_free(struct metrics *m)
{
    free(m);
}

/* ---- counting ---- */

static void observe(struct histogram *h, const double bounds[BOUNDS], int64_t ns)
{
    size_t i = 0;

    ns = ns > 0 ? ns : 0;
    while (i < BOUNDS && (double)ns > bounds[i] * (double)NS_PER_S)
        i++;
    h->buckets[i]++;
    h->sum_ns += (uint64_t)ns;
}

void metrics_request(struct metrics *m, size_t route, const struct http_exchange *x)
{
    const struct http_reply *reply = &x->reply;
    uint64_t in = x->request.body_len;
    size_t i = 0;

    if (route >= m->n_routes)
        return;
    while (statuses[i] && statuses[i] != reply->status)
        i++;
    for (size_t k = 0; k < x->request.n_parts; k++)
        in +=
            x->request.parts[k].filename ? x->request.parts[k].size : x->request.parts[k].value_len;
    m->requests[route][i]++;
    m->bytes_in += in;
    m->bytes_out += reply->fd >= 0 ? reply->fd_len : reply->body_len;
    observe(&m->latency[route], request_bounds, clock_wall_ns() - x->request.started_ns);
}

void metrics_step(struct metrics *m, const struct step *step)
{
    const struct op *const *op = op_table;

    while (*op && strcmp((*op)->name, step->operation) != 0)
        op++;
    if (!*op)
        return;
    m->steps[op - op_table][step->status]++;
    if (step->status != STEP_COMPLETED)
        return;
    observe(&m->duration[op - op_table], step_bounds, step->completed_ns - step->started_ns);
    m->rows_in += step->rows_in;
    m->rows_out += step->rows_out;
}

void metrics_run(struct metrics *m, enum run_status status)
{
    m->runs[status]++;
}

void metrics_backup(struct metrics *m, int64_t ns)
{
    m->backup_ns = ns;
}

int64_t metrics_last_backup(const struct metrics *m)
{
    return m->backup_ns;
}

/* ---- telling ---- */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_addf(b, "# HELP sheetflow_%s %s\n# TYPE sheetflow_%s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t value)
{
    head(b, name, type, help);
    buf_addf(b, "sheetflow_%s %llu\n", name, (unsigned long long)value);
}

static void histogram(struct buf *b, const char *name, const char *labels,
    const struct histogram *h, const double bounds[BOUNDS])
{
    uint64_t n = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        n += h->buckets[i];
        buf_addf(b, "sheetflow_%s_bucket{%s,le=\"%g\"} %llu\n", name, labels, bounds[i],
            (unsigned long long)n);
    }
    n += h->buckets[BOUNDS];
    buf_addf(b, "sheetflow_%s_bucket{%s,le=\"+Inf\"} %llu\n", name, labels, (unsigned long long)n);
    buf_addf(b, "sheetflow_%s_sum{%s} %.9f\n", name, labels, (double)h->sum_ns / (double)NS_PER_S);
    buf_addf(b, "sheetflow_%s_count{%s} %llu\n", name, labels, (unsigned long long)n);
}

static uint64_t requests_of(const struct metrics *m, size_t route)
{
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        n += m->requests[route][i];
    return n;
}

/* method and path as labels; the routes that no table row stands for come last. */
static void route_labels(const struct metrics *m, size_t route, char out[160])
{
    struct openapi_route r;

    if (routes_describe(route, &r))
        snprintf(out, 160, "method=\"%s\",route=\"%s\"", r.method, r.path);
    else if (route == m->n_routes - METRICS_MORE_ROUTES + METRICS_OPERATION)
        snprintf(out, 160, "method=\"POST\",route=\"/{operation}\"");
    else
        snprintf(out, 160, "method=\"\",route=\"\"");
}

static void tell_requests(struct buf *b, const struct metrics *m)
{
    char labels[160];

    head(b, "http_requests_total", "counter", "Requests answered, by route and status.");
    for (size_t r = 0; r < m->n_routes; r++) {
        route_labels(m, r, labels);
        for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
            if (m->requests[r][i])
                buf_addf(b, "sheetflow_http_requests_total{%s,status=\"%d\"} %llu\n", labels,
                    statuses[i], (unsigned long long)m->requests[r][i]);
        }
    }
    head(b, "http_request_duration_seconds", "histogram",
        "From the request line to the reply, by route.");
    for (size_t r = 0; r < m->n_routes; r++) {
        route_labels(m, r, labels);
        if (requests_of(m, r))
            histogram(b, "http_request_duration_seconds", labels, &m->latency[r], request_bounds);
    }
    one(b, "http_request_bytes_total", "counter", "Bytes of request bodies.", m->bytes_in);
    one(b, "http_reply_bytes_total", "counter", "Bytes of reply bodies.", m->bytes_out);
}

static void tell_steps(struct buf *b, const struct metrics *m)
{
    char labels[160];

    head(b, "runs_total", "counter", "Runs of workflows that have ended, by how.");
    for (int i = RUN_COMPLETED; i < RUN_STATUS_COUNT; i++)
        buf_addf(b, "sheetflow_runs_total{status=\"%s\"} %llu\n",
            run_status_name((enum run_status)i), (unsigned long long)m->runs[i]);
    head(b, "steps_total", "counter", "Steps of workflows that have ended, by operation and how.");
    for (size_t k = 0; k < m->n_ops; k++) {
        for (int i = 0; i < STEP_STATUS_COUNT; i++) {
            if (m->steps[k][i])
                buf_addf(b, "sheetflow_steps_total{operation=\"%s\",status=\"%s\"} %llu\n",
                    op_table[k]->name, step_status_name((enum step_status)i),
                    (unsigned long long)m->steps[k][i]);
        }
    }
    head(b, "step_duration_seconds", "histogram", "Time of completed steps, by operation.");
    for (size_t k = 0; k < m->n_ops; k++) {
        snprintf(labels, sizeof labels, "operation=\"%s\"", op_table[k]->name);
        if (m->steps[k][STEP_COMPLETED])
            histogram(b, "step_duration_seconds", labels, &m->duration[k], step_bounds);
    }
    one(b, "rows_in_total", "counter", "Rows that completed steps took in.", m->rows_in);
    one(b, "rows_out_total", "counter", "Rows that completed steps gave out.", m->rows_out);
}

static void tell_work(struct buf *b, const struct server *server)
{
    struct dispatcher_load runs;
    struct slots_load operations;
    struct http_load net;
    struct uploads_load uploads;

    dispatcher_load(server->dispatcher, &runs);
    slots_load(server->slots, &operations);
    http_load(server->http, &net);
    uploads_load(server->uploads, &uploads);
    one(b, "runs_queued", "gauge", "Runs that wait for a worker.", runs.queued);
    one(b, "runs_running", "gauge", "Runs at work.", runs.running);
    one(b, "run_slots", "gauge", "Runs that may be at work at the same time.", runs.slots);
    one(b, "operations_waiting", "gauge", "Requests of single operations that wait for a worker.",
        operations.waiting);
    one(b, "operations_running", "gauge", "Requests of single operations at work.",
        operations.running);
    one(b, "http_connections", "gauge", "Open connections, watchers among them.", net.connections);
    one(b, "watchers", "gauge", "WebSockets and event streams.", net.watchers);
    one(b, "uploads_running", "gauge", "Uploads under way.", uploads.running);
    one(b, "uploads_refused_total", "counter",
        "Uploads refused because their owner had too many under way.", uploads.refused);
}

static void tell_database(struct buf *b, const struct server *server)
{
    struct store_size size;
    struct statvfs fs;

    store_size(server->store, &size);
    one(b, "database_bytes", "gauge", "Size of the database.", size.bytes);
    one(b, "database_log_bytes", "gauge", "Size of the log of changes that are not in it yet.",
        size.log_bytes);
    if (statvfs(server->dirs.root, &fs) == 0)
        one(b, "disk_free_bytes", "gauge", "Room left where the data folder lies.",
            (uint64_t)fs.f_bavail * fs.f_frsize);
    one(b, "last_backup_timestamp_seconds", "gauge",
        "When the newest backup of the database was made; 0 where there is none.",
        (uint64_t)(server->metrics->backup_ns / NS_PER_S));
}

static uint64_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t n = 0;

    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself. */
}

static uint64_t resident_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Under the names that all programs use. */
static void tell_process(struct buf *b, const struct server *server)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    buf_addf(b,
        "# HELP process_cpu_seconds_total User and system CPU time, without workers.\n"
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
        (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
            (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    buf_addf(b,
        "# HELP process_resident_memory_bytes Resident memory, without workers.\n"
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %llu\n",
        (unsigned long long)resident_bytes());
    buf_addf(b,
        "# HELP process_open_fds Open file descriptors.\n"
        "# TYPE process_open_fds gauge\nprocess_open_fds %llu\n",
        (unsigned long long)open_files());
    buf_addf(b,
        "# HELP process_start_time_seconds Start of the server since the epoch.\n"
        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %lld\n",
        (long long)(server->started_ns / NS_PER_S));
}

bool api_metrics(struct call *call, struct err *err)
{
    const struct server *server = call->server;
    struct http_reply *reply = &call->x->reply;
    struct buf b;

    buf_init(&b, REPLY_MAX);
    head(&b, "info", "gauge", "What runs here.");
    buf_addf(&b, "sheetflow_info{version=\"%s\",database=\"%s\"} 1\n", SHEETFLOW_VERSION,
        store_version());
    tell_requests(&b, server->metrics);
    tell_steps(&b, server->metrics);
    tell_work(&b, server);
    tell_database(&b, server);
    tell_process(&b, server);
    reply->body_len = b.len;
    reply->body = buf_take(&b);
    if (!reply->body)
        return err_nomem(err);
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    http_reply_header(reply, "Cache-Control", "no-store");
    return true;
}
