#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

/*
 * `sheetflow serve`: HTTP and WebSocket over the store and the workers.
 */

#include "base/setting.h"

/* Serve until SIGTERM or SIGINT; returns the exit status. Prints the address on stderr once it answers. */
int server_main(const struct settings *settings);

#endif
