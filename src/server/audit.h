#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

/*
 * Who did what: one JSON line for each request that changes something, for each one that showed no valid key, and for
 * keys made and revoked. To the file of logging.audit_file, apart from the log of what happens.
 */

#include "base/setting.h"

struct audit;

/* *out is NULL when no file is set. Errors: ERR_CREATE. */
bool audit_open(const struct settings *settings, struct audit **out, struct err *err) MUST_CHECK;
/* NULL is fine for `audit`, here and below. */
/* Take logging.audit_rotation of settings that have been read again. Thread-safe. */
void audit_configure(struct audit *audit, const struct settings *settings);
void audit_close(struct audit *audit);

/* Open the file anew, when somebody has put the old one aside. Lines under way go to one or the other. */
void audit_reopen(struct audit *audit);

struct audit_line {
    const char *event; /* "request", "authentication", "key_created", "key_revoked" */
    const char *key_id, *owner, *address, *method, *path, *conversation, *subject, *request_id;
    int status; /* 0: none. */
};
/* NULL members are left out. Thread-safe. */
void audit_write(struct audit *audit, const struct audit_line *line);

#endif
