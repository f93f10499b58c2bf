#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

/* A client for tests that says exactly the bytes it is told to, and waits on events with a limit, never on time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENT_WAIT_MS = 20000 };

struct client {
    int fd;
    char *in;
    size_t len, cap, at;
};

struct response {
    int status;
    char head[8192]; /* Status line and headers. */
    char *body;      /* malloc'd, NUL-terminated. */
    size_t len;
};

void client_open(struct client *c, uint16_t port);
void client_open_small(struct client *c, uint16_t port, int receive_buffer);
void client_close(struct client *c);
void client_send(struct client *c, const void *p, size_t n);
void client_says(struct client *c, const char *text);
/* Sends what the server takes; false once it has closed. */
bool client_try_send(struct client *c, const void *p, size_t n);
/* Reads one response; no_body: to a HEAD. Fails the test when there is none. */
void client_response(struct client *c, struct response *r, bool no_body);
/* The value of a header, in a static buffer; NULL when absent. */
const char *response_header(const struct response *r, const char *name);
void response_free(struct response *r);
/* True when the server has closed and sent nothing more. */
bool client_is_closed(struct client *c);
/* One line (without its end) of an event stream. False at the end. */
bool client_line(struct client *c, char *out, size_t size);

/* Open, ask, answer, close. */
int client_ask(uint16_t port, const char *request, struct response *r);

struct frame {
    int opcode;
    bool fin;
    size_t len;
    char *data; /* malloc'd, NUL-terminated. */
};

/* Shake hands on `path`; returns the status. */
int ws_hello(struct client *c, uint16_t port, const char *path);
void ws_send_frame(struct client *c, int first_byte, const void *p, size_t n);
void ws_says(struct client *c, const char *text);
bool ws_read_frame(struct client *c, struct frame *f); /* False at the end. */
void ws_expect_text(
    struct client *c, const char *part); /* The next frame is a text that contains `part`. */
int ws_expect_close(struct client *c);   /* The next frame is a close; its code. */

#endif
