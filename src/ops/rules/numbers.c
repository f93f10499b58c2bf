/*
 * Numbers of a column in order. On disk a number is a hash whose order is that of the numbers.
 */

#include "ops/rules/numbers.h"

#include "table/hash_sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_NUMBERS = 1024 };
#define SIGN (UINT64_C(1) << 63)

/* The numbers in order, and the two that were taken last. */
struct walk {
    struct numbers *list;
    uint64_t n; /* Taken so far. */
    double last, before;
};

void numbers_init(struct numbers *list, const struct spill_place *place)
{
    *list = (struct numbers){ .place = place };
}

static void free_memory(struct numbers *list)
{
    if (list->v)
        budget_give(list->place->budget, list->room * sizeof *list->v);
    free(list->v);
    list->v = NULL;
    list->n = list->room = 0;
}

void numbers_free(struct numbers *list)
{
    free_memory(list);
    hash_sort_free(list->disk);
    list->disk = NULL;
}

uint64_t numbers_len(const struct numbers *list)
{
    return list->disk ? hash_sort_len(list->disk) : list->n;
}

/* Bits whose order is that of the numbers: negative ones fall with their bits. */
static uint64_t to_ordered(double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double from_ordered(uint64_t ordered)
{
    uint64_t bits = ordered & SIGN ? ordered & ~SIGN : ~ordered;
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool grow(struct numbers *list)
{
    double *grown =
        spill_file_grow(list->place->budget, list->v, &list->room, FIRST_NUMBERS, sizeof *grown);

    if (grown)
        list->v = grown;
    return grown != NULL;
}

static bool add_on_disk(struct numbers *list, double v, struct err *err)
{
    return hash_sort_add(list->disk, (struct hash128){ .hi = to_ordered(v) }, 0, err);
}

static bool go_to_disk(struct numbers *list, struct err *err)
{
    list->disk = hash_sort_new(list->place->dir, list->place->memory);
    if (!list->disk)
        return err_nomem(err);
    for (size_t i = 0; i < list->n; i++) {
        if (!add_on_disk(list, list->v[i], err))
            return false;
    }
    free_memory(list);
    return true;
}

bool numbers_add(struct numbers *list, double v, struct err *err)
{
    v += 0.0; /* -0 and 0 are one number, and one order. */
    if (!list->disk && list->n == list->room && !grow(list) && !go_to_disk(list, err))
        return false;
    if (list->disk)
        return add_on_disk(list, v, err);
    list->v[list->n++] = v;
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static bool begin(struct numbers *list, struct err *err)
{
    if (list->disk)
        return hash_sort_end(list->disk, err);
    if (list->n > 1)
        qsort(list->v, list->n, sizeof *list->v, compare);
    return true;
}

static bool take(struct walk *w, struct err *err)
{
    struct hash_entry e;
    bool more = true;

    w->before = w->last;
    if (!w->list->disk) {
        w->last = w->list->v[w->n++];
        return true;
    }
    if (!hash_sort_next(w->list->disk, &e, &more, err))
        return false;
    if (!more)
        return err_set(err, ERR_IO, "%s ends too early", SPILL_FILE_LABEL);
    w->last = from_ordered(e.hash.hi);
    w->n++;
    return true;
}

static bool quantile(struct walk *w, uint64_t n, double q, double *out, struct err *err)
{
    double at = q * (double)(n - 1), low = floor(at), weight = at - low;
    uint64_t want = (uint64_t)low + 2; /* So many taken, and the two are at hand. */

    while (w->n < want && w->n < n) {
        if (!take(w, err))
            return false;
    }
    if (want > n)
        *out = w->last;
    else /* Weighted rather than low + difference: the difference of two large numbers may overflow. */
        *out = w->before * (1 - weight) + w->last * weight;
    return true;
}

bool numbers_quantiles(
    struct numbers *list, const double *q, size_t n, double *out, struct err *err)
{
    uint64_t len = numbers_len(list);
    struct walk w = { .list = list };
    bool ok = begin(list, err);

    for (size_t i = 0; ok && i < n; i++)
        ok = quantile(&w, len, q[i], &out[i], err);
    numbers_free(list);
    return ok;
}
