/*
 * The files a job may read, as the command line names them.
 */

#include "cli/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *inputs_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(path, INPUT_STDIN) == 0)
        return INPUT_STDIN_NAME;
    return slash ? slash + 1 : path;
}

void inputs_folder(const char *path, char *out)
{
    const char *slash = strrchr(path, '/');

    if (!slash || strcmp(path, INPUT_STDIN) == 0)
        snprintf(out, FS_PATH_MAX, ".");
    else if (slash == path)
        snprintf(out, FS_PATH_MAX, "/");
    else
        snprintf(out, FS_PATH_MAX, "%.*s", (int)(slash - path), path);
}

/* Suffixes that are not part of the base name of an output. */
static size_t base_length(const char *name)
{
    static const char *const packed[] = { ".gz", NULL };
    const char *suffix = fs_suffix(name);
    size_t n = (size_t)(suffix - name);

    for (size_t i = 0; packed[i]; i++) {
        if (strcasecmp(suffix, packed[i]) == 0) {
            char inner[FS_NAME_MAX + 1];

            snprintf(inner, sizeof inner, "%.*s", (int)n, name);
            return (size_t)(fs_suffix(inner) - inner);
        }
    }
    return n;
}

static bool cannot_read(const char *path, int errnum, struct err *err)
{
    if (errnum == ENOENT || errnum == ENOTDIR)
        return err_set(err, ERR_NOT_FOUND, "there is no file '%.300s'", path);
    return err_set(err, ERR_NOT_FOUND, "'%.300s' cannot be read: %s", path, strerror(errnum));
}

/*
 * Open an input. *spool: its content has to be copied, as it is standard input, a pipe or a device, which the worker
 * cannot open by name.
 */
static bool open_input(const char *path, int *fd, bool *spool, struct err *err)
{
    struct stat st;

    *spool = strcmp(path, INPUT_STDIN) == 0;
    *fd = *spool ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return cannot_read(path, errno, err);
    if (fstat(*fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
        *spool = *spool || !S_ISREG(st.st_mode);
        return true;
    }
    close(*fd);
    return err_set(err, ERR_NOT_FOUND, "'%.300s' is a folder, not a file", path);
}

static bool has_file(const struct json *files, const char *path)
{
    for (size_t i = 0; i < json_len(files); i++) {
        if (strcmp(json_get_string(json_at(files, i), "public_path"), path) == 0)
            return true;
    }
    return false;
}

static bool add_file(struct json *files, const char *typed, const char *real, struct err *err)
{
    const char *name = inputs_name(typed);
    char base[FS_NAME_MAX + 1];
    struct json *file;
    bool ok;

    if (!fs_safe_name(name, base_length(name), base, err))
        return false;
    file = json_new_object();
    ok = json_set_string(file, "name", name);
    ok = json_set_string(file, "public_path", typed) && ok;
    ok = json_set_string(file, "path", real) && ok;
    ok = json_set_string(file, "base", base) && ok;
    ok = json_add(files, file) && ok;
    return ok ? true : err_nomem(err);
}

bool inputs_add(struct json *files, const char *path, struct staging *staging, struct err *err)
{
    char copy[FS_PATH_MAX], name[32];
    bool spool, ok = true;
    int fd;

    if (has_file(files, path))
        return true;
    if (!open_input(path, &fd, &spool, err))
        return false;
    if (spool) {
        snprintf(name, sizeof name, "input-%zu", json_len(files));
        ok = staging_spool(staging, fd, name, err) && staging_path(staging, name, copy, err);
    }
    close(fd);
    return ok && add_file(files, path, spool ? copy : path, err);
}

/* Call fn for each file name in a step. */
typedef bool name_fn(void *arg, const char *name);

static bool each_name(const struct plan_step *step, name_fn *fn, void *arg)
{
    const struct op *op = step->args.op;
    const struct arg *a;

    if (step->input_file && !fn(arg, step->input_file))
        return false;
    for (size_t i = 0; (a = op_arg(op, i)); i++) {
        const char *name = NULL;

        if (a->type == ARG_FILE)
            name = json_get_string(step->arguments, a->name);
        for (size_t k = 0; a->type == ARG_FILE && !name && a->aliases && a->aliases[k]; k++)
            name = json_get_string(step->arguments, a->aliases[k]);
        if (name && !fn(arg, name))
            return false;
    }
    return true;
}

struct adding {
    struct json *files;
    struct staging *staging;
    struct err *err;
};

static bool is_listed(const struct json *files, const char *name)
{
    for (size_t i = 0; i < json_len(files); i++) {
        const struct json *f = json_at(files, i);

        if (strcmp(json_get_string(f, "name"), name) == 0 ||
            strcmp(json_get_string(f, "public_path"), name) == 0)
            return true;
    }
    return false;
}

/* What lies nowhere is left to the job, whose sentence knows the near names. */
static bool add_named(void *arg, const char *name)
{
    struct adding *adding = arg;

    if (is_listed(adding->files, name) || access(name, F_OK) != 0)
        return true;
    return inputs_add(adding->files, name, adding->staging, adding->err);
}

bool inputs_add_named(
    struct json *files, const struct plan *plan, struct staging *staging, struct err *err)
{
    struct adding adding = { files, staging, err };

    for (size_t i = 0; i < plan->n_steps; i++) {
        if (!each_name(&plan->steps[i], add_named, &adding))
            return false;
    }
    return true;
}

/* False, to stop, when it is the one. */
static bool is_other(void *arg, const char *name)
{
    const char *path = arg;

    return strcmp(name, path) != 0 && strcmp(name, inputs_name(path)) != 0;
}

bool inputs_is_named(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (!each_name(&plan->steps[i], is_other, (void *)(uintptr_t)path))
            return true;
    }
    return false;
}
