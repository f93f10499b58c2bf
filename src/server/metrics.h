#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

/* Counts for GET /metrics (metrics.c). All functions but the first two are thread-safe and quick. */

#include "server/server_int.h"

struct metrics;

/* Routes that are not in the table of routes_describe(), in this order behind those that are. */
enum { METRICS_OPERATION, METRICS_NO_ROUTE, METRICS_MORE_ROUTES };

bool metrics_new(struct metrics **out, struct err *err) MUST_CHECK;
void metrics_free(struct metrics *m); /* NULL is fine. */
/* A reply is made; `route` as routes_index() gives it. */
void metrics_request(struct metrics *m, size_t route, const struct http_exchange *x);
void metrics_step(struct metrics *m, const struct step *step); /* It has ended. */
void metrics_run(struct metrics *m, enum run_status status);   /* It has ended. */
void metrics_backup(struct metrics *m, int64_t ns);   /* The newest backup was made then. */
int64_t metrics_last_backup(const struct metrics *m); /* 0: none. */

#endif
