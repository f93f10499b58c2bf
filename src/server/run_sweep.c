/*
 * What a worker leaves behind that was killed, or whose last words could not be recorded: temporary files, and files that
 * have their name already but no row.
 *
 * Only workers of the conversation's own runs write into these folders, one run at a time, so after a worker's end all
 * that has no row is left over.
 */

#include "server/server_int.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static const enum file_kind kinds[] = { STORED_OUTPUT, STORED_INTERMEDIATE };

void run_folders_open(
    const struct server *server, const struct conversation *c, struct run_folders *out)
{
    char dir[FS_PATH_MAX];
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        out->fds[i] = -1;
        if (conversation_file_dir(&server->dirs, c->partition, c->id, kinds[i], dir, &err))
            out->fds[i] = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
}

void run_folders_close(struct run_folders *folders)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (folders->fds[i] >= 0)
            close(folders->fds[i]);
        folders->fds[i] = -1;
    }
}

static bool has_row(
    const struct stored_file *files, size_t n, enum file_kind kind, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (files[i].kind == kind && strcmp(files[i].name, name) == 0)
            return true;
    }
    return false;
}

static void sweep_folder(int fd, enum file_kind kind, const struct stored_file *files, size_t n)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    struct dirent *entry;

    if (!dir) {
        if (own >= 0)
            close(own);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_type != DT_DIR && !has_row(files, n, kind, entry->d_name))
            unlinkat(fd, entry->d_name, 0); /* What stays is removed at the next start. */
    }
    closedir(dir);
}

void run_sweep(
    struct server *server, const struct conversation *c, const struct run_folders *folders)
{
    struct stored_file *files;
    struct arena arena;
    struct err err;
    size_t n;

    arena_init(&arena, NULL);
    if (store_files(server->store, c->id, &arena, &files, &n, &err)) {
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            if (folders->fds[i] >= 0)
                sweep_folder(folders->fds[i], kinds[i], files, n);
        }
    } else if (err.code != ERR_NOT_FOUND) {
        log_write(
            LOG_WARNING, "what a run has left stays", "chat_id", c->id, "error", err.text, NULL);
    }
    arena_deinit(&arena);
}
