#ifndef NET_HTTP_WIRE_H
#define NET_HTTP_WIRE_H

/*
 * A first look at the framing of requests, byte by byte as they come in.
 *
 * The library is lenient about chunked bodies (bare LF, endless extensions, any trailer) and shows nothing of
 * their framing. Two parties that read it differently disagree on where a request ends, which is how requests are smuggled.
 * This scanner finds the chunks by itself and is strict; what it makes of header blocks matters only where they are sound,
 * as http_request.c refuses all others.
 *
 * A Content-Length that is no number the library would refuse by itself, and say so twice. The header gets
 * another name here, so that the request comes to us, who refuse it once; where its name has long gone by, the connection is
 * cut off.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_SIZE_DIGITS = 16,   /* Of a chunk's size. */
    WIRE_EXTENSION_MAX = 16, /* Bytes of all chunk extensions of a request. */
    WIRE_LENGTH_DIGITS = 18  /* Of a Content-Length. */
};

enum wire_state {
    WIRE_GAP, /* Between requests. */
    WIRE_FIRST_LINE,
    WIRE_NAME, /* A header line: its name ... */
    WIRE_VALUE,
    WIRE_BODY, /* `left` bytes of a body with a Content-Length. */
    WIRE_SIZE, /* A chunk: its size ... */
    WIRE_EXTENSION,
    WIRE_SIZE_LF,
    WIRE_DATA,
    WIRE_DATA_CR,
    WIRE_DATA_LF,
    WIRE_BROKEN
};

struct wire {
    enum wire_state state;
    bool cr;      /* The last byte was a CR. */
    bool trailer; /* Header lines are trailers. */
    bool chunked;
    bool cut; /* A bad length could not be hidden. */
    unsigned char name_len;
    char name[18];   /* Of the header line, in small letters; a longer one is none of interest. */
    char *line;      /* Where the header line begins, if it does in the bytes at hand. */
    unsigned digits; /* Of a chunk's size, or of a Content-Length. */
    unsigned extension;
    uint64_t left;    /* Bytes of a body or chunk. */
    uint64_t request; /* The number of the request at hand; the first is 1. */
    uint64_t bad;     /* The first that is framed badly; 0: none so far. */
};

/* What was received, before the library sees it. Zeroed at the start of a connection. False: cut the client off. */
bool wire_see(struct wire *w, char *p, size_t n);
/* Has the request of that number, or one before it, been framed badly as far as it is seen? */
bool wire_is_broken(const struct wire *w, uint64_t request);

#endif
