#include "net/model_client.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"
enum { STATUS_OK = 200 };

/* The library's functions, by their own names. */
#define FUNCTIONS(X)       \
    X(curl_global_init)    \
    X(curl_global_cleanup) \
    X(curl_easy_init)      \
    X(curl_easy_setopt)    \
    X(curl_easy_perform)   \
    X(curl_easy_getinfo)   \
    X(curl_easy_cleanup)   \
    X(curl_easy_strerror)  \
    X(curl_slist_append)   \
    X(curl_slist_free_all)

/* Written once, before threads start. */
static struct {
    void *library;
#define X(name) __typeof__(&name) name##_;
    FUNCTIONS(X)
#undef X
} lib;

static bool load(const char *name, void *slot)
{
    void *symbol = dlsym(lib.library, name);

    memcpy(slot, &symbol, sizeof symbol);
    return symbol != NULL;
}

bool model_client_open(struct err *err)
{
    bool found = true;

    if (lib.library)
        return true;
    lib.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!lib.library)
        return err_set(err, ERR_STATE,
            "model.endpoint is set, and what talks to it is not here: %s cannot be loaded; install "
            "libcurl (Debian: libcurl4), or leave model.endpoint empty",
            LIBRARY);
#define X(name) found = found && load(#name, &lib.name##_);
    FUNCTIONS(X)
#undef X
    if (found && lib.curl_global_init_(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        return true;
    dlclose(lib.library);
    lib.library = NULL;
    return err_set(
        err, ERR_STATE, "model.endpoint is set, and %s is not a libcurl that can be used", LIBRARY);
}

void model_client_close(void)
{
    if (!lib.library)
        return;
    lib.curl_global_cleanup_();
    /* Not dlclose(): what it brought along may have left handlers for the end of threads and of the program. */
    lib.library = NULL;
}

/* ---- one call ---- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct buf *reply = arg;

    buf_add(reply, p, size * n);
    return reply->failed ? 0 : size * n;
}

static int on_progress(
    void *arg, curl_off_t down, curl_off_t downed, curl_off_t up, curl_off_t upped)
{
    const atomic_bool *stop = arg;

    (void)down, (void)downed, (void)up, (void)upped;
    return stop && atomic_load(stop);
}

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = lib.curl_slist_append_(*list, text);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool make_headers(const struct model_call *call, struct curl_slist **list)
{
    char *authorization = NULL;
    bool ok;

    if (!add_header(list, "Content-Type: application/json") ||
        !add_header(list, "Accept: application/json") || !add_header(list, "Expect:"))
        return false;
    if (!call->key || !*call->key)
        return true;
    if (asprintf(&authorization, "Authorization: Bearer %s", call->key) < 0)
        return false;
    ok = add_header(list, authorization);
    explicit_bzero(authorization, strlen(authorization));
    free(authorization);
    return ok;
}

/* What the library would refuse here is a fault of its version. */
static bool set_up(
    CURL *curl, const struct model_call *call, struct curl_slist *headers, struct buf *reply)
{
    CURLcode bad = CURLE_OK;

#define SET(option, value)                                    \
    do {                                                      \
        if (bad == CURLE_OK)                                  \
            bad = lib.curl_easy_setopt_(curl, option, value); \
    } while (0)
    SET(CURLOPT_URL, call->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "sheetflow/" SHEETFLOW_VERSION);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(call->body));
    SET(CURLOPT_POSTFIELDS, call->body);
    SET(CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)call->timeout_ms);
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)reply->max);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, reply);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, (void *)(uintptr_t)call->stop);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (call->ca_file && *call->ca_file)
        SET(CURLOPT_CAINFO, call->ca_file);
#undef SET
    return bad == CURLE_OK;
}

static bool outcome(CURLcode code, long status, const struct buf *reply, struct err *err)
{
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_TIMEOUT, "no whole reply came in time");
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return err_set(err, ERR_CANCELLED, "the server stops");
    if (code == CURLE_FILESIZE_EXCEEDED || (code == CURLE_WRITE_ERROR && reply->failed))
        return err_set(err, ERR_TOO_LARGE, "the reply is longer than %zu bytes", reply->max);
    if (code != CURLE_OK)
        return err_set(
            err, ERR_IO, "the endpoint was not reached: %s", lib.curl_easy_strerror_(code));
    if (status != STATUS_OK)
        return err_set(err, ERR_IO, "the endpoint answered with status %ld", status);
    return true;
}

bool model_client_post(const struct model_call *call, struct buf *reply, struct err *err)
{
    struct curl_slist *headers = NULL;
    CURL *curl = lib.library ? lib.curl_easy_init_() : NULL;
    long status = 0;
    bool ok = false;
    CURLcode code;

    if (!curl || !make_headers(call, &headers)) {
        err_nomem(err);
        goto out;
    }
    if (!set_up(curl, call, headers, reply)) {
        err_set(err, ERR_IO, "this libcurl does not know all that is asked of it");
        goto out;
    }
    code = lib.curl_easy_perform_(curl);
    lib.curl_easy_getinfo_(curl, CURLINFO_RESPONSE_CODE, &status);
    ok = outcome(code, status, reply, err);
out:
    if (lib.library) {
        lib.curl_slist_free_all_(headers);
        if (curl)
            lib.curl_easy_cleanup_(curl);
    }
    return ok;
}
