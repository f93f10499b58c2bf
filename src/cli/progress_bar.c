/*
 * Progress on stderr. Steps stream together, so the bar is that of the first step that is not done; a
 * bar is drawn only for a run that lasts long enough to be told about.
 */

#include "cli/progress_bar.h"

#include "base/clock.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_CELLS = 20, MIN_WIDTH = 40, USUAL_WIDTH = 80, PLAIN_SECONDS = 2, LINE = 512 };
#define NS_PER_S INT64_C(1000000000)

const char *const progress_modes[] = { "auto", "plain", "json", "none", NULL };

struct progress_bar {
    enum progress_mode mode;
    const char *const *names;
    size_t n, done;      /* Steps; those that are completed. */
    int64_t *started_ns; /* Of each step's first frame; 0: not yet. */
    int64_t told_ns;     /* plain: when the last line was written. */
    bool drawn;          /* bar: something stands on the line. */
};

struct progress_bar *progress_bar_new(enum progress_mode mode, const char *const *names, size_t n)
{
    struct progress_bar *bar = calloc(1, sizeof *bar);

    if (!bar)
        return NULL;
    bar->started_ns = calloc(n + 1, sizeof *bar->started_ns);
    if (!bar->started_ns) {
        free(bar);
        return NULL;
    }
    if (mode == PROGRESS_AUTO)
        mode = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_NONE;
    bar->mode = mode;
    bar->names = names;
    bar->n = n;
    return bar;
}

void progress_bar_clear(struct progress_bar *bar)
{
    if (!bar->drawn)
        return;
    fputs("\r\033[K", stderr);
    bar->drawn = false;
}

void progress_bar_free(struct progress_bar *bar)
{
    if (!bar)
        return;
    progress_bar_clear(bar);
    free(bar->started_ns);
    free(bar);
}

static int terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL_WIDTH;
    return size.ws_col < MIN_WIDTH ? MIN_WIDTH : size.ws_col;
}

/* "450,000 rows, 1,200,000/s, 0:01 left" as far as it is known. */
static void describe(const struct json *frame, int64_t elapsed_ns, char *out, size_t size)
{
    int64_t rows = json_get_int(frame, "rows_in", 0), percent = json_get_int(frame, "percent", 0);
    char count[32];
    int n;

    n = snprintf(out, size, "%s rows", cli_count((uint64_t)rows, count));
    if (elapsed_ns > NS_PER_S / 10 && rows > 0) {
        double rate = (double)rows * (double)NS_PER_S / (double)elapsed_ns;

        n += snprintf(out + n, size - (size_t)n, ", %s/s", cli_count((uint64_t)rate, count));
    }
    if (percent > 0 && percent < 100 && elapsed_ns > NS_PER_S / 2) {
        long long left = (elapsed_ns * (100 - percent) / percent + NS_PER_S - 1) / NS_PER_S;

        snprintf(out + n, size - (size_t)n, ", %lld:%02lld left", left / 60, left % 60);
    }
}

static void draw(struct progress_bar *bar, size_t step, int64_t percent, const char *facts)
{
    char line[LINE], cells[BAR_CELLS + 1];
    int full = (int)(percent * BAR_CELLS / 100), width = terminal_width() - 1;

    for (int i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : ' ';
    cells[BAR_CELLS] = '\0';
    snprintf(line, sizeof line, "[%zu/%zu] %s %3d%% [%s] %s", step + 1, bar->n, bar->names[step],
        (int)percent, cells, facts);
    fprintf(stderr, "\r%.*s\033[K", width, line);
    bar->drawn = true;
}

static void on_progress(struct progress_bar *bar, size_t step, const struct json *event)
{
    int64_t now = clock_mono_ns(), percent = json_get_int(event, "percent", 0);
    char facts[LINE / 2];

    if (bar->started_ns[step] == 0)
        bar->started_ns[step] = now;
    if (step != bar->done || percent == 100)
        return;
    describe(event, now - bar->started_ns[step], facts, sizeof facts);
    if (bar->mode == PROGRESS_BAR) {
        draw(bar, step, percent, facts);
    } else if (bar->told_ns == 0 || now - bar->told_ns >= PLAIN_SECONDS * NS_PER_S) {
        fprintf(stderr, "[%zu/%zu] %s %d%% %s\n", step + 1, bar->n, bar->names[step], (int)percent,
            facts);
        bar->told_ns = now;
    }
}

static void on_completed(struct progress_bar *bar, size_t step, const struct json *result)
{
    char in[32], out[32];

    progress_bar_clear(bar);
    fprintf(stderr, "[%zu/%zu] %s: %s rows in, %s out, %.2f s\n", step + 1, bar->n,
        bar->names[step], cli_count((uint64_t)json_get_int(result, "rows_in", 0), in),
        cli_count((uint64_t)json_get_int(result, "rows_out", 0), out),
        (double)json_get_int(result, "duration_ms", 0) / 1000);
    bar->done = step + 1;
    bar->told_ns = 0;
}

static void write_event(const struct json *event)
{
    char *text = json_text(event);

    if (text)
        fprintf(stderr, "%s\n", text);
    free(text);
}

void progress_bar_event(struct progress_bar *bar, const struct json *event)
{
    const char *name = json_get_string(event, "event");
    size_t step = (size_t)json_get_int(event, "step", 0);

    if (bar->mode == PROGRESS_NONE)
        return;
    if (bar->mode == PROGRESS_JSON) {
        write_event(event);
        return;
    }
    if (step >= bar->n)
        return;
    if (strcmp(name, "progress") == 0)
        on_progress(bar, step, event);
    else if (strcmp(name, "step_completed") == 0)
        on_completed(bar, step, json_get(event, "result"));
}
