/*
 * Preloaded into server and workers: lets one allocation fail, told from outside through a shared file.
 *
 * The file NOMEM_FILE holds a struct control. The process whose role it names counts `left` down with each allocation;
 * the one that reaches 0 fails. Zero or less from the start: none does.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SERVER = 1, WORKER = 2 };

struct control {
    _Atomic int64_t left;
    _Atomic int64_t seen; /* Allocations of that role so far. */
    _Atomic int64_t failed;
    _Atomic int64_t role;
};

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

void *memalign(size_t align, size_t n);

static struct control *control;
static int64_t role;

static void be_worker(void)
{
    role = WORKER;
}

__attribute__((constructor)) static void attach(void)
{
    char command[256] = "";
    const char *path = getenv("NOMEM_FILE");
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, command, sizeof command - 1) : 0;
    void *map;

    if (fd >= 0)
        close(fd);
    if (n <= 0 || !path)
        return;
    role = strcmp(command + strlen(command) + 1, "worker") == 0 ? WORKER : SERVER;
    if (strcmp(command + strlen(command) + 1, "zygote") == 0)
        pthread_atfork(NULL, NULL, be_worker);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        control = map;
}

static bool fails(void)
{
    if (!control || atomic_load(&control->role) != role)
        return false;
    atomic_fetch_add(&control->seen, 1);
    if (atomic_load(&control->left) <= 0 || atomic_fetch_sub(&control->left, 1) != 1)
        return false;
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
    return fails() ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = memalign(align, n);

    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}
