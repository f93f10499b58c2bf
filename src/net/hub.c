/* Watchers, queues, frames; see hub.h. */

#include "net/hub.h"

#include "base/buf.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { BUCKETS = 4096, FIRST_SLOTS = 8, IOVECS = 64, FRAME_MAX = 64 << 20 };

struct topic { /* A conversation that is watched. */
    struct topic *next;
    struct hub_watcher *watchers;
    char id[HUB_ID_MAX + 1];
};

struct hub {
    struct topic *buckets[BUCKETS];
    struct hub_watcher *dirty, **dirty_tail;
};

/* --- Frames --- */

static struct hub_frame *frame_alloc(size_t len, const char *merge)
{
    size_t merge_len = merge ? strlen(merge) + 1 : 0;
    struct hub_frame *frame = malloc(sizeof *frame + len + merge_len);

    if (!frame)
        return NULL;
    *frame = (struct hub_frame){ .refs = 1, .len = len };
    if (merge) {
        memcpy(frame->data + len, merge, merge_len);
        frame->merge = frame->data + len;
    }
    return frame;
}

struct hub_frame *hub_frame_raw(const void *p, size_t n)
{
    struct hub_frame *frame = frame_alloc(n, NULL);

    if (frame)
        memcpy(frame->data, p, n);
    return frame;
}

/* One unfragmented text frame (RFC 6455, 5.2); what a server sends is not masked. */
static struct hub_frame *encode_ws(const char *text, const char *merge)
{
    size_t n = strlen(text), head = n < 126 ? 2 : n <= 0xffff ? 4 : 10;
    struct hub_frame *frame = frame_alloc(head + n, merge);

    if (!frame)
        return NULL;
    frame->data[0] = (char)0x81;
    frame->data[1] = (char)(head == 2 ? n : head == 4 ? 126 : 127);
    for (size_t i = 2; i < head; i++)
        frame->data[i] = (char)(n >> (8 * (head - 1 - i)) & 0xff);
    memcpy(frame->data + head, text, n);
    return frame;
}

static struct hub_frame *encode_sse(uint64_t seq, const char *text, const char *merge)
{
    struct hub_frame *frame = NULL;
    struct json *root = NULL;
    struct err err;
    struct buf out;
    const char *type = NULL;

    buf_init(&out, FRAME_MAX);
    if (json_parse(text, strlen(text), &root, &err))
        type = json_get_string(root, "type");
    if (seq)
        buf_addf(&out, "id: %llu\n", (unsigned long long)seq);
    if (type && !strpbrk(type, "\r\n"))
        buf_addf(&out, "event: %s\n", type);
    while (*text) {
        size_t n = strcspn(text, "\r\n");

        buf_adds(&out, "data: ");
        buf_add(&out, text, n);
        buf_addc(&out, '\n');
        text += n + strspn(text + n, "\r\n");
    }
    buf_addc(&out, '\n');
    if (!out.failed && (frame = frame_alloc(out.len, merge)))
        memcpy(frame->data, out.data, out.len);
    json_free(root);
    buf_deinit(&out);
    return frame;
}

struct hub_frame *hub_frame_new(
    enum hub_coding coding, uint64_t seq, const char *text, const char *merge)
{
    struct hub_frame *frame =
        coding == HUB_WS ? encode_ws(text, merge) : encode_sse(seq, text, merge);

    if (frame)
        frame->seq = seq;
    return frame;
}

void hub_frame_drop(struct hub_frame *frame)
{
    if (frame && --frame->refs == 0)
        free(frame);
}

/* --- Queues --- */

static struct hub_frame **slot(const struct hub_queue *q, size_t i)
{
    return &q->slots[(q->head + i) & (q->cap - 1)];
}

static bool queue_grow(struct hub_queue *q)
{
    size_t cap = q->cap ? 2 * q->cap : FIRST_SLOTS;
    struct hub_frame **slots = malloc(cap * sizeof *slots);

    if (!slots)
        return false;
    for (size_t i = 0; i < q->n; i++)
        slots[i] = *slot(q, i);
    free(q->slots);
    q->slots = slots;
    q->cap = cap;
    q->head = 0;
    return true;
}

/* Takes over a reference; false (and the frame dropped) when memory ends. */
static bool queue_push(struct hub_queue *q, struct hub_frame *frame)
{
    if (q->n == q->cap && !queue_grow(q)) {
        hub_frame_drop(frame);
        return false;
    }
    *slot(q, q->n++) = frame;
    q->bytes += frame->len;
    q->merged += frame->merge != NULL;
    return true;
}

static void queue_remove(struct hub_queue *q, size_t i)
{
    struct hub_frame *frame = *slot(q, i);

    q->bytes -= frame->len;
    q->merged -= frame->merge != NULL;
    hub_frame_drop(frame);
    if (i == 0) {
        q->head = (q->head + 1) & (q->cap - 1);
    } else {
        for (; i + 1 < q->n; i++)
            *slot(q, i) = *slot(q, i + 1);
    }
    q->n--;
}

/* Remove the frame that `merge` replaces, if it lies behind the first `keep`. */
static void queue_merge(struct hub_queue *q, const char *merge, size_t keep)
{
    if (!merge || q->merged == 0)
        return;
    for (size_t i = q->n; i-- > keep;) {
        const struct hub_frame *frame = *slot(q, i);

        if (frame->merge && strcmp(frame->merge, merge) == 0) {
            queue_remove(q, i);
            return;
        }
    }
}

static void queue_deinit(struct hub_queue *q)
{
    while (q->n > 0)
        queue_remove(q, 0);
    free(q->slots);
    *q = (struct hub_queue){ 0 };
}

/* --- Conversations --- */

static struct topic **find_topic(struct hub *hub, const char *id)
{
    uint32_t hash = 2166136261u;
    struct topic **at;

    for (const char *p = id; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    at = &hub->buckets[hash % BUCKETS];
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

struct hub *hub_new(void)
{
    struct hub *hub = calloc(1, sizeof *hub);

    if (hub)
        hub->dirty_tail = &hub->dirty;
    return hub;
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (hub->buckets[i]) { /* Watchers still there just find themselves alone. */
            struct topic *topic = hub->buckets[i];

            hub->buckets[i] = topic->next;
            free(topic);
        }
    }
    free(hub);
}

bool hub_join(struct hub *hub, struct hub_watcher *w, const char *conversation)
{
    size_t size = strlen(conversation) + 1;
    struct topic **at, *topic;

    if (size > sizeof topic->id)
        return false;
    at = find_topic(hub, conversation);
    topic = *at;
    if (!topic) {
        topic = calloc(1, sizeof *topic);
        if (!topic)
            return false;
        memcpy(topic->id, conversation, size);
        *at = topic;
    }
    memcpy(w->conversation, conversation, size);
    w->next = topic->watchers;
    if (w->next)
        w->next->link = &w->next;
    w->link = &topic->watchers;
    topic->watchers = w;
    w->live = false;
    w->cursor = w->lost = 0;
    return true;
}

void hub_leave(struct hub *hub, struct hub_watcher *w)
{
    struct topic **at, *topic;

    if (!w->link)
        return;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->next = NULL;
    w->link = NULL;
    at = find_topic(hub, w->conversation);
    topic = *at;
    if (topic && !topic->watchers) {
        *at = topic->next;
        free(topic);
    }
    w->conversation[0] = '\0';
    queue_deinit(&w->held);
}

void hub_touch(struct hub *hub, struct hub_watcher *w)
{
    if (w->dirty)
        return;
    w->dirty = true;
    w->next_dirty = NULL;
    *hub->dirty_tail = w;
    hub->dirty_tail = &w->next_dirty;
}

struct hub_watcher *hub_take_dirty(struct hub *hub)
{
    struct hub_watcher *w = hub->dirty;

    if (!w)
        return NULL;
    hub->dirty = w->next_dirty;
    if (!hub->dirty)
        hub->dirty_tail = &hub->dirty;
    w->dirty = false;
    return w;
}

void hub_deinit(struct hub *hub, struct hub_watcher *w)
{
    hub_leave(hub, w);
    queue_deinit(&w->out);
    queue_deinit(&w->held);
    if (w->dirty) {
        struct hub_watcher **at = &hub->dirty;

        while (*at != w)
            at = &(*at)->next_dirty;
        *at = w->next_dirty;
        if (hub->dirty_tail == &w->next_dirty)
            hub->dirty_tail = at;
        w->dirty = false;
    }
}

/* --- Sending --- */

static bool queue_is_full(const struct hub_queue *q, size_t len, size_t max)
{
    return q->bytes > 0 && (len > max || q->bytes > max - len);
}

/* Queue a frame, taking over its reference. */
static void push_out(struct hub *hub, struct hub_watcher *w, struct hub_frame *frame, bool capped)
{
    uint64_t seq = frame->seq;

    hub_touch(hub, w);
    if (w->overflow) {
        hub_frame_drop(frame);
        return;
    }
    queue_merge(&w->out, frame->merge, w->sent > 0);
    if (capped && queue_is_full(&w->out, frame->len, HUB_OUT_MAX)) {
        hub_frame_drop(frame);
        w->overflow = true;
        return;
    }
    if (!queue_push(&w->out, frame)) {
        w->overflow = true;
        return;
    }
    if (seq)
        w->cursor = seq;
}

static void hold(struct hub *hub, struct hub_watcher *w, struct hub_frame *frame)
{
    queue_merge(&w->held, frame->merge, 0);
    while (queue_is_full(&w->held, frame->len, HUB_HELD_MAX)) {
        const struct hub_frame *oldest = *slot(&w->held, 0);

        if (oldest->seq)
            w->lost = oldest->seq;
        queue_remove(&w->held, 0);
    }
    if (!queue_push(&w->held, frame)) {
        w->overflow = true;
        hub_touch(hub, w);
    }
}

static void offer(struct hub *hub, struct hub_watcher *w, struct hub_frame *frame)
{
    if (w->live && frame->seq && frame->seq <= w->cursor)
        return;
    frame->refs++;
    if (w->live)
        push_out(hub, w, frame, true);
    else
        hold(hub, w, frame);
}

void hub_publish(
    struct hub *hub, const char *conversation, uint64_t seq, const char *text, const char *merge)
{
    struct topic *topic = *find_topic(hub, conversation);
    struct hub_frame *coded[HUB_CODINGS] = { NULL };

    if (!topic)
        return;
    for (struct hub_watcher *w = topic->watchers; w; w = w->next) {
        if (!coded[w->coding])
            coded[w->coding] = hub_frame_new(w->coding, seq, text, merge);
        if (coded[w->coding]) {
            offer(hub, w, coded[w->coding]);
        } else { /* Out of memory: it has to come back and ask for what it missed. */
            w->overflow = true;
            hub_touch(hub, w);
        }
    }
    for (size_t i = 0; i < HUB_CODINGS; i++)
        hub_frame_drop(coded[i]);
}

void hub_each(struct hub *hub, const char *conversation,
    void (*fn)(void *arg, struct hub_watcher *w), void *arg)
{
    struct topic *topic = *find_topic(hub, conversation);
    struct hub_watcher *w, *next;

    for (w = topic ? topic->watchers : NULL; w; w = next) {
        next = w->next;
        fn(arg, w);
    }
}

void hub_send(struct hub *hub, struct hub_watcher *w, struct hub_frame *frame, bool first)
{
    struct hub_queue *q = &w->out;

    if (!frame) {
        w->overflow = true;
        hub_touch(hub, w);
        return;
    }
    push_out(hub, w, frame, true);
    if (first && q->n > 1 && !w->overflow) { /* From the end to the front. */
        size_t to = w->sent > 0;

        for (size_t i = q->n - 1; i > to; i--)
            *slot(q, i) = *slot(q, i - 1);
        *slot(q, to) = frame;
    }
}

void hub_replayed(struct hub *hub, struct hub_watcher *w, uint64_t seq, const char *text)
{
    struct hub_frame *frame;

    if (seq <= w->cursor)
        return;
    frame = hub_frame_new(w->coding, seq, text, NULL);
    if (frame) {
        push_out(hub, w, frame, false); /* The replay goes page by page: that is its cap. */
    } else {
        w->overflow = true;
        hub_touch(hub, w);
    }
}

bool hub_catch_up(struct hub *hub, struct hub_watcher *w)
{
    size_t known = 0;

    /* What is not numbered and was published before an event that has been replayed is old news. */
    for (size_t i = 0; i < w->held.n; i++) {
        const struct hub_frame *frame = *slot(&w->held, i);

        if (frame->seq && frame->seq <= w->cursor)
            known = i + 1;
    }
    while (known-- > 0)
        queue_remove(&w->held, 0);
    if (w->lost > w->cursor)
        return false;
    w->live = true;
    while (w->held.n > 0) {
        struct hub_frame *frame = *slot(&w->held, 0);

        frame->refs++;
        queue_remove(&w->held, 0);
        push_out(hub, w, frame, false);
    }
    queue_deinit(&w->held);
    return true;
}

void hub_drop_queued(struct hub_watcher *w)
{
    while (w->out.n > (w->sent > 0))
        queue_remove(&w->out, w->out.n - 1);
    queue_deinit(&w->held);
    w->overflow = false;
}

void hub_write(struct hub_watcher *w, int fd)
{
    struct iovec iov[IOVECS];
    struct msghdr msg = { .msg_iov = iov };

    while (msg.msg_iovlen < IOVECS && msg.msg_iovlen < w->out.n) {
        struct hub_frame *frame = *slot(&w->out, msg.msg_iovlen);
        size_t skip = msg.msg_iovlen == 0 ? w->sent : 0;

        iov[msg.msg_iovlen++] = (struct iovec){ frame->data + skip, frame->len - skip };
    }
    do {
        if (msg.msg_iovlen == 1) /* The usual case, and the cheaper call. */
            w->wrote = send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        else
            w->wrote = msg.msg_iovlen ? sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
    } while (w->wrote < 0 && errno == EINTR);
    w->write_errno = w->wrote < 0 ? errno : 0;
}

enum hub_flushed hub_written(struct hub_watcher *w, int fd)
{
    for (;;) {
        if (w->wrote < 0)
            return w->write_errno == EAGAIN ? HUB_BLOCKED : HUB_BROKEN;
        w->sent += (size_t)w->wrote;
        while (w->out.n > 0 && w->sent >= (*slot(&w->out, 0))->len) {
            w->sent -= (*slot(&w->out, 0))->len;
            queue_remove(&w->out, 0);
        }
        if (w->out.n == 0)
            break;
        hub_write(w, fd);
    }
    if (w->out.cap > IOVECS) { /* A burst is over. */
        free(w->out.slots);
        w->out = (struct hub_queue){ 0 };
    }
    return HUB_DRAINED;
}

enum hub_flushed hub_flush(struct hub_watcher *w, int fd)
{
    hub_write(w, fd);
    return hub_written(w, fd);
}
