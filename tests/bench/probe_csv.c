/*
 * A raw limit for filtering CSV: one pass over a mapped file that splits at commas and newlines, heeds
 * quotes, looks for WORD in one field and compares another with a number, and prints the rows that fit. It
 * takes its field numbers from the command line and knows nothing else; no product.
 *
 *   probe_csv FILE WORD_FIELD WORD NUMBER_FIELD NUMBER > out.csv
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FIELDS = 64, OUT_SIZE = 1 << 20 };

static char out[OUT_SIZE];
static size_t used;

static void put(const char *p, size_t n)
{
    if (n > OUT_SIZE - used) {
        if (write(1, out, used) != (ssize_t)used)
            exit(1);
        used = 0;
    }
    if (n > OUT_SIZE)
        exit(1);
    memcpy(out + used, p, n);
    used += n;
}

/* Field starts of the record at p; returns what follows it. */
static const char *split(const char *p, const char *end, const char **starts, int *n)
{
    int quoted = 0;

    *n = 0;
    starts[(*n)++] = p;
    for (; p < end; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == ',' && !quoted && *n < MAX_FIELDS)
            starts[(*n)++] = p + 1;
        else if (*p == '\n' && !quoted)
            break;
    }
    starts[*n] = p + 1;
    return p < end ? p + 1 : end;
}

int main(int argc, char **argv)
{
    int fd = argc == 6 ? open(argv[1], O_RDONLY) : -1, word_field, number_field, n;
    const char *starts[MAX_FIELDS + 1], *p, *end, *next;
    double limit;
    struct stat st;
    size_t word_n;

    if (fd < 0 || fstat(fd, &st) != 0)
        return 2;
    word_field = atoi(argv[2]);
    number_field = atoi(argv[4]);
    limit = atof(argv[5]);
    word_n = strlen(argv[3]);
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED)
        return 1;
    end = p + st.st_size;
    for (int first = 1; p < end; p = next, first = 0) {
        next = split(p, end, starts, &n);
        if (first) {
            put(p, (size_t)(next - p));
            continue;
        }
        if (n <= word_field || n <= number_field)
            continue;
        if (memmem(starts[word_field], (size_t)(starts[word_field + 1] - 1 - starts[word_field]),
                argv[3], word_n) &&
            strtod(starts[number_field], NULL) > limit)
            put(p, (size_t)(next - p));
    }
    return write(1, out, used) != (ssize_t)used;
}
