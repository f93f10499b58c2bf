/* Uploads under way, by sender; see uploads.h. Who has none is forgotten. */

#include "server/uploads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 256 };

struct uploader {
    struct uploader *next, **link;
    uint32_t running;
    char name[UPLOADS_NAME_MAX];
};

struct uploads {
    pthread_mutex_t lock;
    struct uploader *slots[SLOTS];
    struct uploads_load load;
};

bool uploads_new(struct uploads **out, struct err *err)
{
    struct uploads *all = calloc(1, sizeof *all);

    if (!all)
        return err_nomem(err);
    pthread_mutex_init(&all->lock, NULL);
    *out = all;
    return true;
}

void uploads_free(struct uploads *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        while (all->slots[i]) {
            struct uploader *one = all->slots[i];

            all->slots[i] = one->next;
            free(one);
        }
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

/* Found or made; NULL when memory ends. Under the lock. */
static struct uploader *find(struct uploads *all, const char *name)
{
    uint32_t hash = 2166136261u;
    struct uploader **slot, *one;

    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    slot = &all->slots[hash % SLOTS];
    for (one = *slot; one; one = one->next) {
        if (strcmp(one->name, name) == 0)
            return one;
    }
    one = calloc(1, sizeof *one);
    if (!one)
        return NULL;
    snprintf(one->name, sizeof one->name, "%s", name);
    one->next = *slot;
    if (one->next)
        one->next->link = &one->next;
    one->link = slot;
    *slot = one;
    return one;
}

bool uploads_begin(
    struct uploads *all, const char *name, uint32_t limit, struct uploader **out, struct err *err)
{
    struct uploader *one;
    bool full;

    pthread_mutex_lock(&all->lock);
    one = find(all, name);
    full = one && limit && one->running >= limit;
    if (one && !full) {
        one->running++;
        all->load.running++;
    }
    all->load.refused += full;
    pthread_mutex_unlock(&all->lock);
    if (!one)
        return err_nomem(err);
    if (full)
        return err_set(err, ERR_RATE,
            "%u uploads of yours are under way already (quota.max_uploads); wait for one to end",
            limit);
    *out = one;
    return true;
}

void uploads_end(struct uploads *all, struct uploader *one)
{
    if (!one)
        return;
    pthread_mutex_lock(&all->lock);
    all->load.running--;
    if (--one->running == 0) {
        *one->link = one->next;
        if (one->next)
            one->next->link = one->link;
        free(one);
    }
    pthread_mutex_unlock(&all->lock);
}

void uploads_load(struct uploads *all, struct uploads_load *out)
{
    pthread_mutex_lock(&all->lock);
    *out = all->load;
    pthread_mutex_unlock(&all->lock);
}
