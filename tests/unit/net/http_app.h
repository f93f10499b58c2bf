#ifndef TESTS_HTTP_APP_H
#define TESTS_HTTP_APP_H

/*
 * A tiny app behind a real server.
 *
 *   GET /hello            "hello"                        POST /echo     the body (1 MB)
 *   POST /upload          one line a part (8 MB)         GET /file      10,000 bytes with an ETag
 *   GET /slow             waits for app_release()        GET /later     deferred, completed by another thread
 *   GET /refused          403 before the body            GET /events/ID an event stream
 *   POST /quick           as echo, on the loop thread    all else       404
 *
 * WebSockets: /chat/ID for every ID but "none". /keyed/ID wants the key "good" as a message; its watchers may stay until
 * app_ban().
 */

#include "net/http.h"

#include <pthread.h>
#include <stdatomic.h>

enum { APP_FILE_BYTES = 10000, APP_UPLOAD_MAX = 8 << 20, APP_BODY_MAX = 1 << 20 };

struct app {
    struct http_server *server;
    char dir[64];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool released;
    int slow; /* Handlers that wait. */
    unsigned handled;
    pthread_t later;
    bool later_started;
    /* Stored events: conversation "c<n>" of each text. */
    struct http_event *events;
    size_t n_events, cap_events;
    unsigned replays;
    atomic_bool banned;
};

void app_start(struct app *app, struct http_config config);
void app_stop(struct app *app);
void app_release(struct app *app);
void app_ban(struct app *app);
void app_wait_slow(struct app *app, int n);
/* Store {"type":"note","seq":N,"pad":...} with the next number for conversation "c1", then publish it. */
uint64_t app_event(struct app *app, size_t pad);
size_t app_files(struct app *app); /* Files in the upload folder. */

#endif
