/*
 * Hashes of rows, and the set and map built on them: open addressing, linear probing, sizes
 * that are powers of two, memory taken from a budget.
 */

#include "table/hash.h"

#include "table/spill_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

enum {
    FIRST_SLOTS = 1024,
    FIRST_SET_SLOTS = 256, /* There can be a set for each of many columns. */
    /* Fuller than LOAD_NUM / LOAD_DEN, a table grows. */
    LOAD_NUM = 3,
    LOAD_DEN = 4,
    ROW_BYTES = 1024, /* Of a row hashed in one go. */
    LONG_TEXT = 256,  /* Texts longer than this enter as their own hash. */
    HUGE_TABLE = 4 << 20,
    HUGE_PAGE = 2 << 20,
    CELL_HEAD = 6 /* Type, kind and length in front of each. */
};

struct hash128 hash_bytes(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);

    return (struct hash128){ h.low64, h.high64 };
}

/* memcpy() of n <= 32 bytes without a call, as most cells are that short. */
static inline void copy_short(uint8_t *to, const void *from, size_t n)
{
    const uint8_t *p = from;

    if (n >= 16) {
        memcpy(to, p, 16);
        memcpy(to + n - 16, p + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, p, 8);
        memcpy(to + n - 8, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, p, 4);
        memcpy(to + n - 4, p + n - 4, 4);
    } else if (n > 0) {
        to[0] = p[0];
        to[n / 2] = p[n / 2];
        to[n - 1] = p[n - 1];
    }
}

/*
 * A cell as bytes that no other cell gives: type, kind, length, content. Returns how many;
 * at most CELL_HEAD + LONG_TEXT.
 */
static size_t encode_cell(const struct cell *c, uint8_t *out)
{
    struct hash128 digest;
    size_t n = 0;
    /* Type and kind are of few bits each; the length belongs to texts only. */
    uint64_t head = c->type | (c->type == CELL_DATE ? (uint64_t)c->kind << 8 : 0);

    if (cell_has_text(*c)) {
        n = c->len;
        head |= (uint64_t)c->len << 16;
        if (n <= 32) {
            copy_short(out + CELL_HEAD, c->text, n);
        } else if (n <= LONG_TEXT) {
            memcpy(out + CELL_HEAD, c->text, n);
        } else {
            digest = hash_bytes(c->text, n);
            n = sizeof digest;
            memcpy(out + CELL_HEAD, &digest, n);
        }
    } else if (c->type != CELL_BLANK) {
        n = sizeof c->number;
        memcpy(out + CELL_HEAD, &c->number, n);
    }
    memcpy(out, &head, CELL_HEAD);
    return CELL_HEAD + n;
}

struct hash128 hash_row(const struct batch *b, uint32_t row, const uint32_t *columns, uint32_t n)
{
    uint8_t bytes[ROW_BYTES];
    size_t len = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (len > sizeof bytes - CELL_HEAD - LONG_TEXT) { /* Full: go on from its hash. */
            struct hash128 h = hash_bytes(bytes, len);

            memcpy(bytes, &h, sizeof h);
            len = sizeof h;
        }
        len += encode_cell(&b->columns[columns[i]][row], bytes + len);
    }
    return hash_bytes(bytes, len);
}

/*
 * The set. A slot of two zeros is free; the hash that is all zeros has a flag of its own.
 */
struct hash_set {
    struct budget *budget;
    struct hash128 *slots;
    size_t n_slots, len; /* len does not count the zero hash. */
    bool has_zero;
};

static void *table_alloc(struct budget *budget, size_t n, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(n, size, &total) || !budget_take(budget, total))
        return NULL;
    if (total < HUGE_TABLE) {
        p = calloc(n, size);
    } else {
        p = aligned_alloc(HUGE_PAGE, total);
        if (p) {
            madvise(p, total, MADV_HUGEPAGE); /* Probes are random: spare them the page walks. */
            memset(p, 0, total);
        }
    }
    if (!p)
        budget_give(budget, total);
    return p;
}

static void table_free(struct budget *budget, void *p, size_t n, size_t size)
{
    if (p)
        budget_give(budget, n * size);
    free(p);
}

static bool table_full(size_t len, size_t n_slots)
{
    return len >= n_slots / LOAD_DEN * LOAD_NUM;
}

/* Over the budget, or does the system have no more? The sentence is the same for both. */
static bool no_room(struct budget *budget, struct err *err)
{
    if (budget && budget->limit)
        return err_set(err, ERR_BUDGET,
            "the keys to remember do not fit into the memory limit of %zu MB", budget->limit >> 20);
    return err_nomem(err);
}

struct hash_set *hash_set_new(struct budget *budget)
{
    struct hash_set *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->budget = budget;
    s->slots = table_alloc(budget, FIRST_SET_SLOTS, sizeof *s->slots);
    if (!s->slots) {
        free(s);
        return NULL;
    }
    s->n_slots = FIRST_SET_SLOTS;
    return s;
}

void hash_set_free(struct hash_set *s)
{
    if (!s)
        return;
    table_free(s->budget, s->slots, s->n_slots, sizeof *s->slots);
    free(s);
}

static bool is_zero(struct hash128 h)
{
    return (h.lo | h.hi) == 0;
}

/* The slot that holds `h`, or the free one where it belongs. */
static inline struct hash128 *set_slot(struct hash128 *slots, size_t n_slots, struct hash128 h)
{
    size_t i = (size_t)h.lo & (n_slots - 1);

    while (!is_zero(slots[i]) && (slots[i].lo != h.lo || slots[i].hi != h.hi))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

static bool set_grow(struct hash_set *s, struct err *err)
{
    size_t n = s->n_slots * 2;
    struct hash128 *slots = table_alloc(s->budget, n, sizeof *slots);

    if (slots && n * sizeof *slots >= SPILL_MEMORY_MIN && spill_file_wanted(s->budget)) {
        table_free(s->budget, slots, n, sizeof *slots);
        slots = NULL;
    }
    if (!slots)
        return no_room(s->budget, err);
    for (size_t i = 0; i < s->n_slots; i++) {
        if (!is_zero(s->slots[i]))
            *set_slot(slots, n, s->slots[i]) = s->slots[i];
    }
    table_free(s->budget, s->slots, s->n_slots, sizeof *s->slots);
    s->slots = slots;
    s->n_slots = n;
    return true;
}

bool hash_set_add(struct hash_set *s, struct hash128 h, bool *added, struct err *err)
{
    struct hash128 *slot;

    if (is_zero(h)) {
        *added = !s->has_zero;
        s->has_zero = true;
        return true;
    }
    slot = set_slot(s->slots, s->n_slots, h);
    *added = is_zero(*slot);
    if (!*added)
        return true;
    if (table_full(s->len, s->n_slots)) {
        if (!set_grow(s, err))
            return false;
        slot = set_slot(s->slots, s->n_slots, h);
    }
    *slot = h;
    s->len++;
    return true;
}

bool hash_set_has(const struct hash_set *s, struct hash128 h)
{
    return is_zero(h) ? s->has_zero : !is_zero(*set_slot(s->slots, s->n_slots, h));
}

void hash_set_unbind(struct hash_set *s)
{
    budget_give(s->budget, s->n_slots * sizeof *s->slots);
    s->budget = NULL;
}

void hash_set_prefetch(const struct hash_set *s, struct hash128 h)
{
    __builtin_prefetch(&s->slots[(size_t)h.lo & (s->n_slots - 1)]);
}

size_t hash_set_len(const struct hash_set *s)
{
    return s->len + s->has_zero;
}

/*
 * The map. Entries lie in an arena, so that pointers to their values stay good while the slots
 * grow. A byte of each slot's hash stands in a table of its own, which is small enough for the
 * cache: keys that are not there are mostly told by it alone.
 */
struct map_entry {
    uint64_t value;
    size_t n;
    char key[];
};

struct map_slot {
    uint64_t hash;
    struct map_entry *entry;
};

struct hash_map {
    struct arena arena; /* Has the budget. */
    struct map_slot *slots;
    uint8_t *tags; /* One a slot; 0: free. */
    size_t n_slots, len;
};

struct hash_map *hash_map_new(struct budget *budget)
{
    struct hash_map *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    arena_init(&m->arena, budget);
    m->slots = table_alloc(budget, FIRST_SLOTS, sizeof *m->slots);
    m->tags = table_alloc(budget, FIRST_SLOTS, sizeof *m->tags);
    m->n_slots = FIRST_SLOTS;
    if (!m->slots || !m->tags) {
        hash_map_free(m);
        return NULL;
    }
    return m;
}

void hash_map_free(struct hash_map *m)
{
    if (!m)
        return;
    table_free(m->arena.budget, m->slots, m->n_slots, sizeof *m->slots);
    table_free(m->arena.budget, m->tags, m->n_slots, sizeof *m->tags);
    arena_deinit(&m->arena);
    free(m);
}

/* Of the bits that do not choose the slot; never 0. */
static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 57 | 1u << 7);
}

/* Where the key is, or the free slot where it belongs. */
static size_t map_slot(const struct hash_map *m, uint64_t hash, const void *key, size_t n)
{
    size_t i = (size_t)hash & (m->n_slots - 1);
    uint8_t tag = tag_of(hash);

    for (; m->tags[i]; i = (i + 1) & (m->n_slots - 1)) {
        const struct map_slot *s = &m->slots[i];

        if (m->tags[i] == tag && s->hash == hash && s->entry->n == n &&
            (n == 0 || memcmp(s->entry->key, key, n) == 0))
            break;
    }
    return i;
}

static bool map_grow(struct hash_map *m, struct err *err)
{
    struct budget *budget = m->arena.budget;
    size_t n = m->n_slots * 2;
    struct map_slot *slots = table_alloc(budget, n, sizeof *slots);
    uint8_t *tags = table_alloc(budget, n, sizeof *tags);

    if (!slots || !tags) {
        table_free(budget, slots, n, sizeof *slots);
        table_free(budget, tags, n, sizeof *tags);
        return no_room(budget, err);
    }
    for (size_t i = 0; i < m->n_slots; i++) {
        size_t to = (size_t)m->slots[i].hash & (n - 1);

        if (!m->tags[i])
            continue;
        while (tags[to])
            to = (to + 1) & (n - 1);
        slots[to] = m->slots[i];
        tags[to] = m->tags[i];
    }
    table_free(budget, m->slots, m->n_slots, sizeof *m->slots);
    table_free(budget, m->tags, m->n_slots, sizeof *m->tags);
    m->slots = slots;
    m->tags = tags;
    m->n_slots = n;
    return true;
}

bool hash_map_put(
    struct hash_map *m, const void *key, size_t n, uint64_t **value, bool *added, struct err *err)
{
    uint64_t hash = XXH3_64bits(key, n);
    struct map_entry *entry;
    size_t slot;

    slot = map_slot(m, hash, key, n);
    *added = !m->tags[slot];
    if (*added) {
        if (table_full(m->len, m->n_slots)) {
            if (!map_grow(m, err))
                return false;
            slot = map_slot(m, hash, key, n);
        }
        entry = n < SIZE_MAX - sizeof *entry ? arena_alloc(&m->arena, sizeof *entry + n) : NULL;
        if (!entry)
            return no_room(m->arena.budget, err);
        entry->value = 0;
        entry->n = n;
        if (n > 0)
            memcpy(entry->key, key, n);
        m->slots[slot] = (struct map_slot){ hash, entry };
        m->tags[slot] = tag_of(hash);
        m->len++;
    }
    *value = &m->slots[slot].entry->value;
    return true;
}

const char *hash_map_key(const uint64_t *value, size_t *n)
{
    const char *p = (const char *)value - offsetof(struct map_entry, value);
    const struct map_entry *entry = (const void *)p;

    *n = entry->n;
    return entry->key;
}

const uint64_t *hash_map_find(const struct hash_map *m, const void *key, size_t n)
{
    size_t slot = map_slot(m, XXH3_64bits(key, n), key, n);

    return m->tags[slot] ? &m->slots[slot].entry->value : NULL;
}

size_t hash_map_len(const struct hash_map *m)
{
    return m->len;
}
