/*
 * Any bytes as an archive to restore: unpacked into an empty folder, nothing may get outside it,
 * and whatever rows it holds are read or rebuilt.
 */
#include "base/fs.h"
#include "store/dump_format.h"
#include "store/files.h"
#include "store/rebuild.h"
#include "store/rows_json.h"
#include "store/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 20 };

static char scratch[64];

static void remove_scratch(void)
{
    rmdir(scratch);
}

static void make_scratch(void)
{
    atexit(remove_scratch);
    snprintf(scratch, sizeof scratch, "/dev/shm/sheetflow-fuzz-XXXXXX");
    if (!mkdtemp(scratch)) {
        snprintf(scratch, sizeof scratch, "/tmp/sheetflow-fuzz-XXXXXX");
        if (!mkdtemp(scratch))
            abort();
    }
}

/* What a member says it is must be what lies on the disk. */
static void check_member(const char *top, const struct member *m)
{
    char path[FS_PATH_MAX];
    struct stat st;

    if (!m->extracted)
        return;
    snprintf(path, sizeof path, "%s/inside/%s/%s", scratch, top, m->path);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != m->size)
        abort();
}

static void read_rows(const struct unpacked *u, struct arena *arena)
{
    char path[FS_PATH_MAX], *text;
    struct conversation_rows rows;
    struct json *object;
    struct err err;
    size_t n;

    snprintf(path, sizeof path, "%s/inside/%s/" DUMP_OBJECT, scratch, u->id);
    if (fs_load(path, LIMIT, &text, &n, &err)) {
        if (json_parse(text, n, &object, &err)) {
            if (rebuild_rows(object, u, 1, arena, &rows, &err) &&
                strcmp(rows.conversation.id, u->id) != 0)
                abort();
            json_free(object);
        }
        free(text);
    }
}

static bool count_outside(void *arg, const char *relative, uint64_t size, struct err *err)
{
    (void)size;
    (void)err;
    *(int *)arg += strncmp(relative, "inside/", 7) != 0;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char archive[64], inside[128];
    struct unpacked u;
    struct arena arena;
    int fd = memfd_create("archive", MFD_CLOEXEC), outside = 0;
    struct err err;

    if (!scratch[0])
        make_scratch();
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(archive, sizeof archive, "/proc/self/fd/%d", fd);
    snprintf(inside, sizeof inside, "%s/inside", scratch);
    if (!fs_make_dirs(inside, &err))
        abort();
    arena_init(&arena, NULL);
    if (unpack(archive, inside, LIMIT, &arena, &u, &err)) {
        if (!conversation_id_ok(u.id))
            abort();
        for (size_t i = 0; i < u.n; i++)
            check_member(u.id, &u.members[i]);
        read_rows(&u, &arena);
    }
    if (!fs_walk(scratch, count_outside, &outside, &err) || outside > 0 ||
        !fs_remove_tree(inside, &err))
        abort();
    arena_deinit(&arena);
    close(fd);
    return 0;
}
