#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

/*
 * What `sheetflow doctor` looks at. Each check tells at least one line; none changes anything.
 */

#include "cli/cli.h"
#include "store/files.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAULT };

struct doctor {
    struct cli *cli;
    struct settings *settings;
    struct data_dirs dirs;
    bool folder_exists;
    bool locked;           /* Another process holds the data folder. */
    int64_t newest_ns;     /* Of the conversations' changes; 0: unknown. */
    struct json *findings; /* With --json, else NULL. */
    unsigned warnings, faults;
};

/* One line about `check` ("disk"); advice: what to do about it, or NULL. */
void doctor_tell(struct doctor *d, enum doctor_state state, const char *check, const char *advice,
    const char *fmt, ...) PRINTF_LIKE(5, 6);

/* doctor_data.c */
void doctor_folder(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_lock(struct doctor *d);
void doctor_database(struct doctor *d);

/* doctor_machine.c */
void doctor_clock(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_sandbox(struct doctor *d);
void doctor_worker(struct doctor *d);

#endif
