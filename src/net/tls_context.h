#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

/* What connections of tls.c begin with: a certificate, its key, and our choice of protocols. */

#include "base/err.h"

struct ssl_ctx_st; /* SSL_CTX of OpenSSL. */

/* Errors: ERR_STATE with the setting that is wrong. For the caller to SSL_CTX_free(). */
bool tls_context_load(
    const char *certificate, const char *key, struct ssl_ctx_st **out, struct err *err) MUST_CHECK;

#endif
