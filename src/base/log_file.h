#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

/*
 * A file that lines are appended to, by threads at once and for ever: when it is due, it is put aside as PATH.1 (what was
 * PATH.1 becomes PATH.2, and so on) and begun anew. Readers find whole lines under each name at all times.
 */

#include "base/err.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_FILE_PATH_MAX = 1024 };

struct log_rotation {
    uint64_t bytes; /* 0: not by size. */
    bool daily;
    int kept; /* 0: no rotation. */
};

struct log_file {
    pthread_mutex_t lock; /* Of all below. */
    int fd;
    char path[LOG_FILE_PATH_MAX]; /* "": fd is somebody else's, and stays as it is. */
    struct log_rotation rotation;
    uint64_t size;
    int64_t day; /* Of its last line, since 1970. */
};

/* One that writes to `descriptor` until log_file_open(). */
#define LOG_FILE_INIT(descriptor)                              \
    {                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .fd = (descriptor), \
    }

/* path: not empty. what: "the log file (logging.file)", for the sentence. Errors: ERR_ARG, ERR_CREATE. */
bool log_file_open(
    struct log_file *f, const char *path, const char *what, struct err *err) MUST_CHECK;
/* Open the file by its name again, for programs that move it away. Thread-safe. Keeps the old one where that fails. */
bool log_file_reopen(struct log_file *f, const char *what, struct err *err) MUST_CHECK;
/* Nothing is written to it any more. */
void log_file_close(struct log_file *f);

/*
 * When it is put aside: "10MB x 5" before it would grow beyond that size, "daily x 7" with the first line of a day (UTC); at
 * most 5 and 7 old files are kept. "" never. Errors: ERR_ARG saying what is accepted.
 */
bool log_file_rotation_check(const char *text, struct err *err) MUST_CHECK;
/* Thread-safe; what log_file_rotation_check() refuses is "". */
void log_file_set_rotation(struct log_file *f, const char *text);

/* One line, or several whole ones. Thread-safe. False: not all of it could be written. */
bool log_file_put(struct log_file *f, const char *p, size_t n);

#endif
