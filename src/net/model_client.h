#ifndef NET_MODEL_CLIENT_H
#define NET_MODEL_CLIENT_H

/*
 * A client for one kind of request: JSON to an endpoint that the settings name, JSON back. libcurl does it, and is loaded only
 * when such an endpoint is set: it brings some 25 libraries with it, which a start without one should not pay for.
 */

#include "base/buf.h"

#include <stdatomic.h>

struct model_call {
    const char *url;         /* http:// or https:// */
    const char *key;         /* Sent as "Authorization: Bearer KEY"; "": none. */
    const char *ca_file;     /* PEM file of the authorities to trust; "": the system's. */
    const char *body;        /* JSON text. */
    uint32_t timeout_ms;     /* For all of it. */
    const atomic_bool *stop; /* Set: give up. */
};

/* Load the library; before threads start. Errors: ERR_STATE naming what is missing. */
bool model_client_open(struct err *err) MUST_CHECK;
void model_client_close(void); /* Once no call is under way; without an open one nothing happens. */

/*
 * Send, and append the body of a reply of status 200 to `reply`, whose cap is the most that is read. No redirects, no
 * proxy, no cookies. Sentences hold nothing of the request or the reply. Thread-safe.
 * Errors: ERR_TIMEOUT, ERR_TOO_LARGE, ERR_CANCELLED (stop), ERR_IO (all else), ERR_NOMEM.
 */
bool model_client_post(
    const struct model_call *call, struct buf *reply, struct err *err) MUST_CHECK;

#endif
