#ifndef NET_HUB_H
#define NET_HUB_H

/*
 * Fan-out: who watches which conversation, and what each still has to be sent.
 *
 *   publication ─encoded once─▶ frame ─▶ watcher ─live─▶ out  ─▶ socket
 *                                           └─replay─▶ held ─┘ when the replay has caught up
 *
 * A watcher joins before it is known which stored events it lacks. Until it has caught up, what is published is
 * held back; replayed events go out directly. Then what was held and not replayed follows, so that
 * each numbered event goes out exactly once, in order. When too much is held, the oldest are forgotten and
 * the replay has to read them from the store (watcher->lost).
 *
 * A watcher that does not read has at most HUB_OUT_MAX queued: frames with the same merge key
 * replace each other, and what still does not fit sets `overflow`; its owner then closes it. It never slows anybody
 * else. Sockets are not known here but in hub_flush(). One thread, no locks.
 */

#include "base/err.h"

#include <stddef.h>

enum {
    HUB_OUT_MAX = 1 << 20,    /* Bytes queued; a single larger frame is taken by an empty queue. */
    HUB_HELD_MAX = 512 << 10, /* Bytes held during a replay. */
    HUB_OUT_LOW = 256 << 10,  /* A replay goes on when less is queued. */
    HUB_ID_MAX = 63
};

enum hub_coding { HUB_WS, HUB_SSE, HUB_CODINGS };

/* Bytes ready for the socket, shared by all who get them. */
struct hub_frame {
    unsigned refs;
    uint64_t seq;      /* 0: not numbered. */
    const char *merge; /* NULL: never replaced. */
    size_t len;
    char data[];
};

struct hub_queue {
    struct hub_frame **slots; /* A ring. */
    size_t cap, head, n;
    size_t bytes;
    size_t merged; /* Frames with a merge key. */
};

/* What every frame needs comes first: of ten thousand watchers it is fetched from memory each time. */
struct hub_watcher {
    struct hub_queue out;
    size_t sent; /* Of the first frame of out. */
    /* Between hub_write() and hub_written(): how many bytes the socket took, or -1 and why not. */
    ptrdiff_t wrote;
    int write_errno;
    enum hub_coding coding;
    bool live;       /* Caught up. */
    bool overflow;   /* Had to drop frames: only closing is left. */
    bool dirty;      /* On the list of hub_take_dirty(). */
    uint64_t cursor; /* The last numbered event queued. */
    struct hub_watcher *next_dirty;
    struct hub_watcher *next, **link; /* Among the watchers of the conversation. */
    struct hub_queue held;
    uint64_t lost;                     /* The last one forgotten while held. */
    char conversation[HUB_ID_MAX + 1]; /* "" while it watches none. */
};

struct hub;

struct hub *hub_new(void); /* NULL when memory ends. */
void hub_free(struct hub *hub);

/* A text message as a frame with one reference. NULL when memory ends. */
struct hub_frame *hub_frame_new(
    enum hub_coding coding, uint64_t seq, const char *text, const char *merge);
/* Bytes as they are (control frames, comments). */
struct hub_frame *hub_frame_raw(const void *p, size_t n);
void hub_frame_drop(struct hub_frame *frame); /* NULL is fine. */

/* Watch a conversation (and no other), not live; `w` is zeroed but for its coding, or has left. */
bool hub_join(struct hub *hub, struct hub_watcher *w, const char *conversation);
void hub_leave(struct hub *hub, struct hub_watcher *w);  /* Frames queued stay. */
void hub_deinit(struct hub *hub, struct hub_watcher *w); /* Leaves, drops all frames. */

/* Offer an event to all watchers of a conversation. */
void hub_publish(
    struct hub *hub, const char *conversation, uint64_t seq, const char *text, const char *merge);
/* Call fn for each watcher of a conversation; fn may remove that watcher. */
void hub_each(struct hub *hub, const char *conversation,
    void (*fn)(void *arg, struct hub_watcher *w), void *arg);

/* Queue a frame for one, taking over its reference; first: before all others (but not inside one). */
void hub_send(struct hub *hub, struct hub_watcher *w, struct hub_frame *frame, bool first);
/* The same for an event from the store; sets the cursor. */
void hub_replayed(struct hub *hub, struct hub_watcher *w, uint64_t seq, const char *text);
/*
 * All stored events up to now have been replayed: send what was held and go live. False when events after the cursor
 * had to be forgotten: read on.
 */
bool hub_catch_up(struct hub *hub, struct hub_watcher *w);
/* Forget all that is queued but the rest of a frame that is half sent. */
void hub_drop_queued(struct hub_watcher *w);

/* Have hub_take_dirty() give it. */
void hub_touch(struct hub *hub, struct hub_watcher *w);
/* Take one watcher with something new to send or an overflow; NULL when there is none. */
struct hub_watcher *hub_take_dirty(struct hub *hub);

enum hub_flushed { HUB_DRAINED, HUB_BLOCKED, HUB_BROKEN };
enum hub_flushed hub_flush(struct hub_watcher *w, int fd); /* Does not block. */
/*
 * The same in two halves. hub_write() gives the socket what it takes and changes nothing but `w`, so that several threads
 * can do it for one watcher each; hub_written() lets go of what went out, and writes on if there is more.
 */
void hub_write(struct hub_watcher *w, int fd);
/* What hub_write() will read of it, fetched ahead: first of the watcher, then, when that is there, of its queue. */
static inline void hub_fetch(const struct hub_watcher *w)
{
    __builtin_prefetch(w, 1);
    __builtin_prefetch((const char *)w + 64, 1);
}
static inline void hub_fetch_queue(const struct hub_watcher *w)
{
    __builtin_prefetch(w->out.slots + w->out.head);
}
enum hub_flushed hub_written(struct hub_watcher *w, int fd);

#endif
