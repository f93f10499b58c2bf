#ifndef WORKFLOW_REJECTS_H
#define WORKFLOW_REJECTS_H

/*
 * Rows that could not be parsed: `<base>_rejected_<stamp>.csv` with the columns line, reason, text. The file
 * begins with the first such row; a clean input leaves none.
 */

#include "workflow/output.h"

struct rejects;

/* base and job outlive it. Rows are counted as warnings of the step too. */
bool rejects_new(struct job *job, const char *base, enum output_folder folder,
    struct warnings *warnings, struct rejects **out, struct err *err) MUST_CHECK;
void rejects_free(struct rejects *r); /* Removes what was not committed; NULL is fine. */

source_reject_fn rejects_add; /* arg: the struct rejects. */

/* Publish the file if there is one; as output_commit(), but `r` stays. */
bool rejects_commit(struct rejects *r, struct json *files, char *undo, struct err *err) MUST_CHECK;

#endif
