#ifndef CLI_PROGRESS_BAR_H
#define CLI_PROGRESS_BAR_H

/*
 * Progress on stderr:
 *
 *   bar     one line that is written over: [2/3] excel/search  45% [#########           ] 450,000 rows, 1,200,000/s, 0:01 left
 *           and a line that stays for every step that is done
 *   plain   a line when a step begins, every PLAIN_SECONDS while it lasts, and when it is done
 *   json    the events as they come, one a line
 *   none    nothing
 */

#include "base/json.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_NONE, PROGRESS_BAR };

extern const char *const progress_modes[]; /* What --progress takes, in the order of the enum. */

struct progress_bar;

/* names[0..n): operations of the steps, which outlive it. auto becomes bar on a terminal, else none. NULL when memory ends. */
struct progress_bar *progress_bar_new(enum progress_mode mode, const char *const *names, size_t n);
void progress_bar_event(struct progress_bar *bar, const struct json *event);
/* The line that is written over is gone: something else can be written. */
void progress_bar_clear(struct progress_bar *bar);
void progress_bar_free(struct progress_bar *bar); /* Clears; NULL is fine. */

#endif
