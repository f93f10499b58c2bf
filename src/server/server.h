#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

/*
 * `sheetflow serve`: HTTP and WebSocket over the store and the workers.
 */

#include "base/setting.h"

#define CONTROL_SOCKET \
    "control.sock" /* In the data folder: who may write to it is an administrator. */

/* Load the settings once more, from the same places. */
typedef bool settings_again_fn(void *arg, struct settings **out, struct err *err);

/*
 * Serve until SIGTERM or SIGINT; returns the exit status. Prints the address on stderr once it answers. SIGHUP loads
 * the settings again and takes those that a reload takes; with a fault in them the running ones stay. Then it
 * looks at once whether a backup is due and what has grown old, as it does once a minute.
 */
int server_main(const struct settings *settings, settings_again_fn *again, void *arg);

#endif
