/* Certificate and key from their files, and which TLS is spoken with them. */
#include "net/tls_context.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ERR_STATE OPENSSL_ERR_STATE /* A name of ours, too. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#undef ERR_STATE

static int no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1; /* Rather than to ask on the terminal. */
}

bool tls_context_load(const char *certificate, const char *key, SSL_CTX **out, struct err *err)
{
    SSL_CTX *ctx;

    if (access(certificate, R_OK) != 0)
        return err_set(
            err, ERR_STATE, "tls.certificate: the file cannot be read: %s", strerror(errno));
    if (access(key, R_OK) != 0)
        return err_set(err, ERR_STATE, "tls.key: the file cannot be read: %s", strerror(errno));
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return err_nomem(err);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        err_set(err, ERR_INTERNAL, "TLS 1.2 is not to be had");
    else if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
        err_set(err, ERR_STATE, "tls.certificate: the file holds no certificate in PEM form");
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 &&
             ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
        err_set(err, ERR_STATE,
            "tls.key: the file holds no private key in PEM form, or one with a password, which "
            "cannot be asked for here");
    else if (SSL_CTX_check_private_key(ctx) != 1)
        err_set(err, ERR_STATE, "tls.key: this is not the key of the certificate");
    else {
        *out = ctx;
        return true;
    }
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return false;
}
