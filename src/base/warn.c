/* Warnings: kinds in order of appearance, each with its count and first places. */

#include "base/warn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIND_MAX = 40, MESSAGE_MAX = 240, PLACE_MAX = 120 };

struct warning {
    char kind[KIND_MAX], message[MESSAGE_MAX];
    char places[WARN_PLACES][PLACE_MAX];
    uint32_t n_places;
    uint64_t count;
};

struct warnings {
    struct warning items[WARN_KINDS];
    uint32_t n;
};

struct warnings *warn_new(void)
{
    return calloc(1, sizeof(struct warnings));
}

void warn_free(struct warnings *w)
{
    free(w);
}

static struct warning *find(struct warnings *w, const char *kind)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (strcmp(w->items[i].kind, kind) == 0)
            return &w->items[i];
    }
    return NULL;
}

static struct warning *find_or_add(struct warnings *w, const char *kind, const char *message)
{
    struct warning *item = find(w, kind);

    if (item)
        return item;
    if (w->n >= WARN_KINDS - 1) { /* The last place is for all kinds that come too late. */
        kind = "other";
        message = "further kinds of repairs";
        item = find(w, kind);
        if (item)
            return item;
    }
    item = &w->items[w->n++];
    snprintf(item->kind, sizeof item->kind, "%s", kind);
    snprintf(item->message, sizeof item->message, "%s", message);
    return item;
}

void warn_add(struct warnings *w, const char *kind, const char *message, const char *place_fmt, ...)
{
    struct warning *item;
    va_list ap;

    if (!w)
        return;
    item = find_or_add(w, kind, message);
    item->count++;
    if (!place_fmt || item->n_places == WARN_PLACES)
        return;
    va_start(ap, place_fmt);
    vsnprintf(item->places[item->n_places++], PLACE_MAX, place_fmt, ap);
    va_end(ap);
}

void warn_addn(
    struct warnings *w, const char *kind, const char *message, uint64_t n, const char *place)
{
    struct warning *item;

    if (!w || n == 0)
        return;
    item = find_or_add(w, kind, message);
    item->count += n;
    if (place && item->n_places < WARN_PLACES)
        snprintf(item->places[item->n_places++], PLACE_MAX, "%s", place);
}

uint64_t warn_count(const struct warnings *w, const char *kind)
{
    for (uint32_t i = 0; i < w->n; i++) {
        if (strcmp(w->items[i].kind, kind) == 0)
            return w->items[i].count;
    }
    return 0;
}

uint64_t warn_total(const struct warnings *w)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < w->n; i++)
        total += w->items[i].count;
    return total;
}

struct json *warn_json(const struct warnings *w)
{
    struct json *list = json_new_array();

    for (uint32_t i = 0; i < w->n; i++) {
        const struct warning *item = &w->items[i];
        struct json *o = json_new_object(), *places = json_new_array();

        json_set_string(o, "kind", item->kind);
        json_set_string(o, "message", item->message);
        json_set_int(o, "count", (int64_t)item->count);
        for (uint32_t k = 0; k < item->n_places; k++)
            json_add(places, json_new_string(item->places[k]));
        json_set(o, "places", places);
        json_add(list, o);
    }
    return list;
}
