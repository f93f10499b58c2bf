/*
 * The streaming parser.
 *
 *   PREAMBLE --delimiter--> AFTER --CRLF--> HEADERS --empty line--> CONTENT --delimiter--> AFTER
 *                             '----"--"---> EPILOGUE
 *
 * The delimiter is CRLF "--" boundary. It holds no CR but its first byte, so when a
 * match breaks off, what had matched is content and the search starts afresh at the byte that
 * broke it: one counter is all the state that has to survive from call to call.
 */

#include "net/multipart.h"

#include "base/fs.h"
#include "base/rand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char upload_label[] = "the upload"; /* In errors. */

enum state { PREAMBLE, AFTER, HEADERS, CONTENT, EPILOGUE };

struct multipart {
    enum state state;
    struct arena *arena;
    char dir[FS_PATH_MAX];
    uint64_t max_bytes;
    uint64_t at;    /* Bytes of the body consumed. */
    uint64_t bytes; /* Content so far, of all parts. */
    char delimiter[MULTIPART_BOUNDARY_MAX + 5];
    size_t delimiter_len;
    size_t matched; /* Bytes of the delimiter seen at the end of what was fed. */
    char after[2];  /* AFTER: what followed the boundary, to tell CRLF from "--". */
    size_t n_after;
    bool blanks; /* AFTER: blanks were seen, so only CRLF may follow. */
    struct buf headers;
    struct buf value;
    size_t fields; /* Bytes of plain fields kept. */
    struct http_part *parts;
    size_t n_parts, cap_parts;
    int fd; /* Of the file part being written, or -1. */
    struct fs_sha256 *sha;
    struct buf gathered; /* Of the file part, not written yet. */
    size_t gather;       /* Bytes to be written at a time; 0: as they come. */
};

bool multipart_new(const char *content_type, const char *dir, uint64_t max_bytes,
    struct arena *arena, struct multipart **out, struct err *err)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    unsigned lost = memory_lost();
    struct multipart *m;

    if (!multipart_boundary(content_type, boundary))
        return memory_lost() != lost
                   ? err_nomem(err)
                   : err_set(err, ERR_MALFORMED,
                         "the form's Content-Type has no boundary of 1 to %d characters",
                         MULTIPART_BOUNDARY_MAX);
    m = calloc(1, sizeof *m);
    if (!m)
        return err_nomem(err);
    m->arena = arena;
    m->max_bytes = max_bytes;
    m->fd = -1;
    if (snprintf(m->dir, sizeof m->dir, "%s", dir ? dir : "/tmp") >= (int)sizeof m->dir - 64) {
        free(m);
        return err_set(err, ERR_INTERNAL, "the upload folder's name is too long");
    }
    m->delimiter_len = (size_t)snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%s", boundary);
    m->matched = 2; /* The first delimiter needs no CRLF before it. */
    buf_init(&m->headers, MULTIPART_HEADERS_MAX);
    buf_init(&m->value, MULTIPART_FIELDS_MAX);
    *out = m;
    return true;
}

void multipart_gather(struct multipart *m, size_t bytes)
{
    m->gather = bytes;
    buf_init(&m->gathered, bytes);
}

static bool malformed(const struct multipart *m, size_t offset, const char *what, struct err *err)
{
    err_set(err, ERR_MALFORMED, "the form is malformed: %s", what);
    err->at.byte = m->at + offset;
    return false;
}

static bool too_many_bytes(const struct multipart *m, struct err *err)
{
    if (m->max_bytes >= 1 << 20)
        return err_set(err, ERR_TOO_LARGE, "the upload is larger than the limit of %.4g MB",
            (double)m->max_bytes / (1 << 20));
    return err_set(err, ERR_TOO_LARGE, "the upload is larger than the limit of %llu bytes",
        (unsigned long long)m->max_bytes);
}

/* A part's headers are complete: make the part and, for a file, its temporary. */
static bool part_begin(struct multipart *m, struct err *err)
{
    struct multipart_headers headers;
    struct http_part *part;
    char token[33];

    if (m->n_parts == MULTIPART_PARTS_MAX)
        return err_set(err, ERR_MALFORMED, "the form has more than %d parts", MULTIPART_PARTS_MAX);
    if (m->n_parts == m->cap_parts) {
        size_t cap = m->cap_parts ? 2 * m->cap_parts : 4;
        struct http_part *grown = realloc(m->parts, cap * sizeof *grown);

        if (!grown)
            return err_nomem(err);
        m->parts = grown;
        m->cap_parts = cap;
    }
    if (!multipart_headers_read(m->headers.data, m->headers.len, m->arena, &headers, err)) {
        err->at.byte = m->at;
        return false;
    }
    buf_reset(&m->headers);
    buf_reset(&m->value);
    part = &m->parts[m->n_parts];
    memset(part, 0, sizeof *part);
    part->name = headers.name;
    part->filename = headers.filename;
    part->type = headers.type;
    part->value = "";
    if (part->filename) {
        rand_hex(token, 32);
        snprintf(part->path, sizeof part->path, "%s/upload-%s" FS_TMP_SUFFIX, m->dir, token);
        m->sha = fs_sha256_new();
        if (!m->sha)
            return err_nomem(err);
        m->fd = open(part->path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (m->fd < 0) {
            part->path[0] = '\0';
            return err_errno(err, errno, upload_label);
        }
    }
    m->n_parts++;
    m->state = CONTENT;
    return true;
}

static bool part_end(struct multipart *m, struct err *err)
{
    struct http_part *part = &m->parts[m->n_parts - 1];
    int fd = m->fd;

    if (part->filename) {
        fs_sha256_end(m->sha, part->sha256);
        m->sha = NULL;
        if (m->gathered.len > 0 &&
            !fs_write_all(fd, m->gathered.data, m->gathered.len, upload_label, err))
            return false;
        buf_reset(&m->gathered);
        m->fd = -1;
        if (close(fd) != 0)
            return err_errno(err, errno, upload_label);
        return true;
    }
    part->value_len = m->value.len;
    part->value = arena_dup(m->arena, buf_str(&m->value), m->value.len);
    if (!part->value)
        return err_nomem(err);
    part->size = part->value_len;
    m->fields += part->value_len;
    buf_deinit(&m->value);
    return true;
}

/* Whole pieces of m->gather bytes go to the file; the rest waits for more, or for the part's end. */
static bool write_file(struct multipart *m, const char *p, size_t n, struct err *err)
{
    if (m->gather == 0)
        return fs_write_all(m->fd, p, n, upload_label, err);
    while (n > 0) {
        size_t room = m->gather - m->gathered.len, take = n < room ? n : room;

        if (m->gathered.len == 0 && take == m->gather) {
            if (!fs_write_all(m->fd, p, take, upload_label, err))
                return false;
        } else {
            buf_add(&m->gathered, p, take);
            if (m->gathered.failed)
                return err_nomem(err);
            if (m->gathered.len == m->gather) {
                if (!fs_write_all(m->fd, m->gathered.data, m->gather, upload_label, err))
                    return false;
                buf_reset(&m->gathered);
            }
        }
        p += take;
        n -= take;
    }
    return true;
}

/* n bytes of content of the current part; of the preamble: nothing to keep. */
static bool content(struct multipart *m, const char *p, size_t n, struct err *err)
{
    struct http_part *part;

    if (n == 0 || m->state == PREAMBLE)
        return true;
    if (n > m->max_bytes - m->bytes)
        return too_many_bytes(m, err);
    m->bytes += n;
    part = &m->parts[m->n_parts - 1];
    if (part->filename) {
        if (!write_file(m, p, n, err))
            return false;
        fs_sha256_add(m->sha, p, n);
        part->size += n;
        return true;
    }
    if (n > MULTIPART_FIELDS_MAX - m->fields - m->value.len)
        return err_set(err, ERR_TOO_LARGE, "the form's plain fields are larger than %d MB together",
            MULTIPART_FIELDS_MAX >> 20);
    buf_add(&m->value, p, n);
    return m->value.failed ? err_nomem(err) : true;
}

/* Where in p[0..n) a delimiter could begin that the end cuts off; n when nowhere. */
static size_t partial_delimiter(const struct multipart *m, const char *p, size_t n)
{
    size_t i = n >= m->delimiter_len ? n - m->delimiter_len + 1 : 0;

    while (i < n) {
        const char *cr = memchr(p + i, '\r', n - i);

        if (!cr)
            return n;
        i = (size_t)(cr - p);
        if (memcmp(cr, m->delimiter, n - i) == 0)
            return i;
        i++;
    }
    return n;
}

/* Search for the delimiter, passing on what is content. Sets *used. */
static bool seek(struct multipart *m, const char *p, size_t n, size_t *used, struct err *err)
{
    const char *hit;
    size_t i = 0, keep;

    while (m->matched > 0 && i < n) { /* Go on with a match from the last call. */
        if (p[i] == m->delimiter[m->matched]) {
            i++;
            if (++m->matched == m->delimiter_len)
                goto found;
            continue;
        }
        keep = m->matched;
        m->matched = 0;
        if (!content(m, m->delimiter, keep, err))
            return false;
    }
    if (i == n) {
        *used = n;
        return true;
    }
    hit = memmem(p + i, n - i, m->delimiter, m->delimiter_len);
    if (hit) {
        if (!content(m, p + i, (size_t)(hit - p) - i, err))
            return false;
        i = (size_t)(hit - p) + m->delimiter_len;
        goto found;
    }
    keep = partial_delimiter(m, p + i, n - i);
    if (!content(m, p + i, keep, err))
        return false;
    m->matched = n - i - keep;
    *used = n;
    return true;
found:
    *used = i;
    m->matched = 0;
    if (m->state == CONTENT && !part_end(m, err))
        return false;
    m->state = AFTER;
    m->n_after = 0;
    m->blanks = false;
    return true;
}

/* The bytes behind a boundary: "--" ends the form, CRLF (after blanks) begins a part. */
static bool after(struct multipart *m, const char *p, size_t n, size_t *used, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (m->n_after == 0 && (p[i] == ' ' || p[i] == '\t')) {
            m->blanks = true;
            continue;
        }
        m->after[m->n_after++] = p[i];
        if (m->after[0] != '\r' && (m->after[0] != '-' || m->blanks))
            return malformed(m, i, "a boundary is not followed by a new line", err);
        if (m->n_after < 2)
            continue;
        if (memcmp(m->after, "\r\n", 2) == 0) {
            m->state = HEADERS;
            buf_reset(&m->headers);
        } else if (memcmp(m->after, "--", 2) == 0) {
            m->state = EPILOGUE;
        } else {
            return malformed(m, i, "a boundary is not followed by a new line", err);
        }
        *used = i + 1;
        return true;
    }
    *used = n;
    return true;
}

/* Collect header lines up to the empty one. */
static bool headers(struct multipart *m, const char *p, size_t n, size_t *used, struct err *err)
{
    size_t before = m->headers.len, from = before > 3 ? before - 3 : 0;
    size_t take = MULTIPART_HEADERS_MAX - before < n ? MULTIPART_HEADERS_MAX - before : n;
    const char *end;
    size_t end_at;

    buf_add(&m->headers, p, take);
    if (m->headers.failed)
        return err_nomem(err);
    if (m->headers.len >= 2 && memcmp(m->headers.data, "\r\n", 2) == 0)
        return malformed(m, 0, "a part has no headers", err);
    end = memmem(m->headers.data + from, m->headers.len - from, "\r\n\r\n", 4);
    if (!end) {
        if (m->headers.len == MULTIPART_HEADERS_MAX)
            return malformed(m, take, "the headers of a part are larger than 8 KB", err);
        *used = take;
        return true;
    }
    end_at = (size_t)(end - m->headers.data);
    *used = end_at + 4 - before;
    m->headers.len = end_at;
    return part_begin(m, err);
}

bool multipart_feed(struct multipart *m, const char *p, size_t n, struct err *err)
{
    while (n > 0) {
        size_t used = 0;
        bool ok = true;

        switch (m->state) {
        case PREAMBLE:
        case CONTENT:
            ok = seek(m, p, n, &used, err);
            break;
        case AFTER:
            ok = after(m, p, n, &used, err);
            break;
        case HEADERS:
            ok = headers(m, p, n, &used, err);
            break;
        case EPILOGUE:
            used = n;
            break;
        }
        if (!ok)
            return false;
        m->at += used;
        p += used;
        n -= used;
    }
    return true;
}

bool multipart_finish(struct multipart *m, struct err *err)
{
    if (m->state == EPILOGUE)
        return true;
    return malformed(m, 0, "it ends before its closing boundary", err);
}

struct http_part *multipart_parts(struct multipart *m, size_t *n)
{
    *n = m->n_parts;
    return m->parts;
}

void multipart_free(struct multipart *m)
{
    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    fs_sha256_end(m->sha, NULL);
    for (size_t i = 0; i < m->n_parts; i++) {
        if (m->parts[i].path[0])
            unlink(m->parts[i].path);
    }
    buf_deinit(&m->headers);
    buf_deinit(&m->value);
    buf_deinit(&m->gathered);
    free(m->parts);
    free(m);
}
