/*
 * Runs a program and stands at every system call with which it or its children change a folder.
 *
 *   tracer [-k N] [-e ERRNO [-s]] [-l LOG] -r FOLDER -- PROGRAM ARGUMENT...
 *
 *   -k N      the process that makes the N-th such call is killed before it happens
 *   -e ERRNO  the N-th call fails with this number instead; -s: all later ones too, until SIGUSR1
 *   SIGUSR2   the next call is the N-th
 *   -l LOG    every call is written down with its data, and the start of every HTTP reply, for power.mjs
 *
 * Calls are numbered over all processes and threads, unlike those of `strace -e inject`, whose
 * counters are of each thread: so every call has its turn. The first line of standard output is the
 * program's process id; the last one says how many calls there were and what was hit.
 *
 * A seccomp filter in the program stops it at those calls only; the rest runs at full speed.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TASKS = 4096, MAX_INODES = 1 << 17, REPLY_HEAD = 1024, LINE_MAX_BYTES = 3 * PATH_MAX };

enum kind {
    CALL_NONE,
    CALL_WRITE, /* write, pwrite64 */
    CALL_WRITEV,
    CALL_SYNC,
    CALL_TRUNCATE,
    CALL_OPEN,
    CALL_RENAME,
    CALL_UNLINK,
    CALL_MKDIR,
    CALL_RMDIR,
    CALL_SEND
};

/* A thread of the program, and the call it is in when its end is waited for. */
struct task {
    pid_t tid;
    enum kind kind;
    int nr;
    uint64_t args[6];
    char path[PATH_MAX], to[PATH_MAX];
    bool existed;   /* CALL_OPEN: before it. */
    int64_t offset; /* CALL_WRITE */
    uint64_t stamp; /* CALL_SYNC: records written before it began. */
    int fail;       /* The error to give; 0: none. */
};

static struct {
    char root[PATH_MAX];
    size_t root_len;
    uint64_t at, n;
    int error;
    bool sticky;
    volatile sig_atomic_t healed, now;
    FILE *log;
    uint64_t records;
    pid_t program;
    char hit[PATH_MAX + 64];
    struct task tasks[MAX_TASKS];
    struct {
        ino_t ino;
        uint64_t id;
    } inodes[MAX_INODES]; /* By number, open addressing. */
    uint64_t last_id;
} t;

static void die(const char *what)
{
    fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* ---- which files these are ---- */

static uint64_t *slot_of(ino_t ino)
{
    size_t i = (size_t)ino * 0x9E3779B97F4A7C15u % MAX_INODES;

    while (t.inodes[i].ino && t.inodes[i].ino != ino)
        i = (i + 1) % MAX_INODES;
    t.inodes[i].ino = ino;
    return &t.inodes[i].id;
}

static uint64_t new_id(ino_t ino)
{
    return *slot_of(ino) = ++t.last_id;
}

static bool below_root(const char *path)
{
    return strncmp(path, t.root, t.root_len) == 0 &&
           (path[t.root_len] == '/' || path[t.root_len] == '\0');
}

static const char *relative(const char *path)
{
    return path[t.root_len] ? path + t.root_len + 1 : ".";
}

static bool link_of(const char *link, char out[PATH_MAX])
{
    ssize_t n = readlink(link, out, PATH_MAX - 1);

    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

static bool path_of_fd(pid_t tid, int fd, char out[PATH_MAX])
{
    char link[64];

    if (fd == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", tid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    return link_of(link, out);
}

static uint64_t id_of_fd(pid_t tid, int fd)
{
    char link[64];
    struct stat st;

    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
    return stat(link, &st) == 0 ? *slot_of(st.st_ino) : 0;
}

/* ---- the memory of the program ---- */

static bool peek(pid_t tid, uint64_t from, void *to, size_t n)
{
    struct iovec local = { to, n }, remote = { (void *)(uintptr_t)from, n };

    return n == 0 || process_vm_readv(tid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

static bool peek_text(pid_t tid, uint64_t from, char out[PATH_MAX])
{
    for (size_t n = 0; n < PATH_MAX; n++) {
        if (!peek(tid, from + n, out + n, 1))
            return false;
        if (!out[n])
            return true;
    }
    return false;
}

/* The absolute path that a call names. */
static bool path_at(pid_t tid, int dir, uint64_t name, char out[PATH_MAX])
{
    char text[PATH_MAX], base[PATH_MAX];

    if (!peek_text(tid, name, text))
        return false;
    if (text[0] == '/')
        return snprintf(out, PATH_MAX, "%s", text) < PATH_MAX;
    return path_of_fd(tid, dir, base) && snprintf(out, PATH_MAX, "%s/%s", base, text) < PATH_MAX;
}

/* ---- the log ---- */

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vfprintf(t.log, format, ap);
    va_end(ap);
    t.records++;
}

static int list_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    put("%c\t%" PRIu64 "\t%s\n", type == FTW_D ? 'd' : 'f', new_id(st->st_ino), relative(path));
    return 0;
}

static void put_bytes(pid_t tid, uint64_t from, size_t n)
{
    char *bytes = malloc(n + 1);

    if (!bytes || !peek(tid, from, bytes, n) || fwrite(bytes, 1, n, t.log) != n)
        die("data of a call");
    free(bytes);
}

static void put_write(struct task *task, int64_t done)
{
    uint64_t id = id_of_fd(task->tid, (int)task->args[0]);

    put("W\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\n", id, task->offset, done);
    if (task->kind == CALL_WRITE) {
        put_bytes(task->tid, task->args[1], (size_t)done);
        return;
    }
    for (uint64_t i = 0; i < task->args[2] && done > 0; i++) {
        struct iovec v;
        size_t n;

        if (!peek(task->tid, task->args[1] + i * sizeof v, &v, sizeof v))
            die("a list of buffers");
        n = v.iov_len < (size_t)done ? v.iov_len : (size_t)done;
        put_bytes(task->tid, (uint64_t)(uintptr_t)v.iov_base, n);
        done -= (int64_t)n;
    }
}

static void put_open(struct task *task, int fd)
{
    char link[64];
    struct stat st;

    snprintf(link, sizeof link, "/proc/%d/fd/%d", task->tid, fd);
    if (stat(link, &st) != 0)
        return;
    if (!task->existed)
        put("C\t%" PRIu64 "\t%s\n", new_id(st.st_ino), relative(task->path));
    else if (task->args[task->nr == SYS_openat ? 2 : 1] & O_TRUNC)
        put("T\t%" PRIu64 "\t0\n", *slot_of(st.st_ino));
}

static void put_end(struct task *task, int64_t result)
{
    struct stat st;
    char link[64];

    if (result < 0)
        return;
    switch (task->kind) {
    case CALL_WRITE:
    case CALL_WRITEV:
        put_write(task, result);
        break;
    case CALL_SYNC:
        put("S\t%" PRIu64 "\t%" PRIu64 "\n", id_of_fd(task->tid, (int)task->args[0]), task->stamp);
        break;
    case CALL_TRUNCATE:
        snprintf(link, sizeof link, "/proc/%d/fd/%d", task->tid, (int)task->args[0]);
        if (stat(link, &st) == 0)
            put("T\t%" PRIu64 "\t%" PRId64 "\n", *slot_of(st.st_ino), (int64_t)st.st_size);
        break;
    case CALL_OPEN:
        put_open(task, (int)result);
        break;
    case CALL_RENAME:
        put("R\t%s\t%s\n", relative(task->path), relative(task->to));
        break;
    case CALL_UNLINK:
        put("U\t%s\n", relative(task->path));
        break;
    case CALL_RMDIR:
        put("X\t%s\n", relative(task->path));
        break;
    case CALL_MKDIR:
        if (lstat(task->path, &st) == 0)
            put("M\t%" PRIu64 "\t%s\n", new_id(st.st_ino), relative(task->path));
        break;
    case CALL_SEND:
    case CALL_NONE:
        break;
    }
}

/* ---- calls ---- */

static int64_t position(pid_t tid, int fd)
{
    char name[64], line[128];
    long long at = 0;
    unsigned flags = 0;
    struct stat st;
    FILE *f;

    snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", tid, fd);
    f = fopen(name, "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof line, f)) {
        sscanf(line, "pos: %lld", &at);
        sscanf(line, "flags: %o", &flags);
    }
    fclose(f);
    snprintf(name, sizeof name, "/proc/%d/fd/%d", tid, fd);
    return (flags & O_APPEND) && stat(name, &st) == 0 ? st.st_size : at;
}

static bool on_fd(struct task *task, enum kind kind)
{
    task->kind = kind;
    return path_of_fd(task->tid, (int)task->args[0], task->path);
}

static bool on_path(struct task *task, enum kind kind, int dir, uint64_t name)
{
    task->kind = kind;
    return path_at(task->tid, dir, name, task->path);
}

static bool on_open(struct task *task, int dir, uint64_t name)
{
    struct stat st;

    if (!on_path(task, CALL_OPEN, dir, name))
        return false;
    task->existed = lstat(task->path, &st) == 0;
    return true;
}

static bool on_rename(struct task *task, int from, uint64_t name, int to, uint64_t new_name)
{
    return on_path(task, CALL_RENAME, from, name) && path_at(task->tid, to, new_name, task->to);
}

/* Fill in kind and paths; false when the call is not about files. */
static bool classify(struct task *task)
{
    const uint64_t *a = task->args;

    switch (task->nr) {
    case SYS_write:
        task->offset = position(task->tid, (int)a[0]);
        return on_fd(task, CALL_WRITE);
    case SYS_pwrite64:
        task->offset = (int64_t)a[3];
        return on_fd(task, CALL_WRITE);
    case SYS_writev:
        task->offset = position(task->tid, (int)a[0]);
        return on_fd(task, CALL_WRITEV);
    case SYS_fsync:
    case SYS_fdatasync:
        task->stamp = t.records;
        return on_fd(task, CALL_SYNC);
    case SYS_ftruncate:
    case SYS_fallocate:
        return on_fd(task, CALL_TRUNCATE);
    case SYS_openat:
        return on_open(task, (int)a[0], a[1]);
    case SYS_renameat:
    case SYS_renameat2:
        return on_rename(task, (int)a[0], a[1], (int)a[2], a[3]);
    case SYS_unlinkat:
        return on_path(task, a[2] & AT_REMOVEDIR ? CALL_RMDIR : CALL_UNLINK, (int)a[0], a[1]);
    case SYS_mkdirat:
        return on_path(task, CALL_MKDIR, (int)a[0], a[1]);
#ifdef SYS_open
    case SYS_open:
        return on_open(task, AT_FDCWD, a[0]);
    case SYS_rename:
        return on_rename(task, AT_FDCWD, a[0], AT_FDCWD, a[1]);
    case SYS_unlink:
        return on_path(task, CALL_UNLINK, AT_FDCWD, a[0]);
    case SYS_rmdir:
        return on_path(task, CALL_RMDIR, AT_FDCWD, a[0]);
    case SYS_mkdir:
        return on_path(task, CALL_MKDIR, AT_FDCWD, a[0]);
#endif
    default:
        return false;
    }
}

/* The head of an HTTP reply, noted before anyone can have read it. */
static void note_reply(struct task *task)
{
    uint64_t from = task->args[1], n = task->args[2];
    char head[REPLY_HEAD];
    struct msghdr m;
    struct iovec v;

    if (task->nr == SYS_sendmsg) {
        if (!peek(task->tid, task->args[1], &m, sizeof m) || m.msg_iovlen == 0 ||
            !peek(task->tid, (uint64_t)(uintptr_t)m.msg_iov, &v, sizeof v))
            return;
        from = (uint64_t)(uintptr_t)v.iov_base;
        n = v.iov_len;
    }
    if (n > sizeof head)
        n = sizeof head;
    if (n < 9 || !peek(task->tid, from, head, n) || memcmp(head, "HTTP/1.1 ", 9) != 0)
        return;
    put("A\t%" PRIu64 "\n", n);
    fwrite(head, 1, n, t.log);
}

static pid_t process_of(pid_t tid)
{
    char name[64], line[128];
    pid_t found = tid;
    FILE *f;

    snprintf(name, sizeof name, "/proc/%d/status", tid);
    f = fopen(name, "re");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, "Tgid: %d", &found);
    if (f)
        fclose(f);
    return found;
}

static const char *const names[] = { [CALL_WRITE] = "write",
    [CALL_WRITEV] = "writev",
    [CALL_SYNC] = "fsync",
    [CALL_TRUNCATE] = "ftruncate",
    [CALL_OPEN] = "open",
    [CALL_RENAME] = "rename",
    [CALL_UNLINK] = "unlink",
    [CALL_MKDIR] = "mkdir",
    [CALL_RMDIR] = "rmdir" };

static bool due(void)
{
    return t.at && (t.n == t.at || (t.error && t.sticky && t.n > t.at && !t.healed));
}

/* Is the end of the call to be waited for? */
static bool at_call(struct task *task)
{
    pid_t process;

    if (task->nr == SYS_sendto || task->nr == SYS_sendmsg) {
        if (t.log)
            note_reply(task);
        return false;
    }
    if (!classify(task) ||
        (!below_root(task->path) && (task->kind != CALL_RENAME || !below_root(task->to))))
        return false;
    t.n++;
    if (t.now) {
        t.now = 0;
        t.at = t.n;
    }
    if (!due())
        return t.log != NULL;
    process = process_of(task->tid);
    if (!t.hit[0])
        snprintf(t.hit, sizeof t.hit, "%s %s by the %s", names[task->kind], relative(task->path),
            process == t.program ? "server" : "worker");
    if (!t.error) {
        kill(process, SIGKILL);
        return false;
    }
    task->fail = t.error;
    return true;
}

static void set_registers(pid_t tid, int number, int64_t result)
{
#if defined(__x86_64__)
    struct user_regs_struct regs;

    if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) != 0)
        return;
    if (number)
        regs.orig_rax = (unsigned long long)-1;
    else
        regs.rax = (unsigned long long)result;
    ptrace(PTRACE_SETREGS, tid, NULL, &regs);
#elif defined(__aarch64__)
    struct user_regs_struct regs;
    int none = -1;
    struct iovec v = { &none, sizeof none };

    if (number) {
        ptrace(PTRACE_SETREGSET, tid, (void *)0x404 /* NT_ARM_SYSTEM_CALL */, &v);
        return;
    }
    v = (struct iovec){ &regs, sizeof regs };
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &v) != 0)
        return;
    regs.regs[0] = (unsigned long long)result;
    ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &v);
#else
#error "set_registers() does not know this processor"
#endif
}

/* ---- stops ---- */

static struct task *task_of(pid_t tid)
{
    struct task *free_slot = NULL;

    for (size_t i = 0; i < MAX_TASKS; i++) {
        if (t.tasks[i].tid == tid)
            return &t.tasks[i];
        if (!t.tasks[i].tid && !free_slot)
            free_slot = &t.tasks[i];
    }
    if (!free_slot)
        die("too many threads");
    memset(free_slot, 0, sizeof *free_slot);
    free_slot->tid = tid;
    return free_slot;
}

static void on_seccomp(struct task *task)
{
    struct __ptrace_syscall_info info = { 0 };
    bool wait_end = false;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) > 0) {
        task->nr = (int)info.seccomp.nr;
        for (int i = 0; i < 6; i++)
            task->args[i] = info.seccomp.args[i];
        task->fail = 0;
        wait_end = at_call(task);
        if (task->fail)
            set_registers(task->tid, 1, 0);
    }
    ptrace(wait_end ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, NULL, NULL);
}

static void on_end(struct task *task)
{
    struct __ptrace_syscall_info info = { 0 };

    if (task->fail)
        set_registers(task->tid, 0, -task->fail);
    else if (t.log && ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) > 0)
        put_end(task, info.exit.rval);
    task->fail = 0;
    ptrace(PTRACE_CONT, task->tid, NULL, NULL);
}

static void on_stop(pid_t tid, int status)
{
    struct task *task = task_of(tid);
    int sig = WSTOPSIG(status), event = status >> 16;

    if (sig == (SIGTRAP | 0x80)) {
        on_end(task);
    } else if (sig == SIGTRAP && event == PTRACE_EVENT_SECCOMP) {
        on_seccomp(task);
    } else if (event == PTRACE_EVENT_STOP) {
        /* A new thread, or a stop of the whole group. */
        ptrace(sig == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, tid, NULL, NULL);
    } else {
        ptrace(PTRACE_CONT, tid, NULL, (void *)(uintptr_t)(event ? 0 : sig));
    }
}

static int watch(void)
{
    int status, result = 0;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (tid <= 0)
            continue;
        if (WIFSTOPPED(status)) {
            on_stop(tid, status);
            continue;
        }
        task_of(tid)->tid = 0;
        if (tid == t.program)
            result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return result;
}

/* ---- the program ---- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define STOP_AT(number)                                  \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE)
#define STOP_AT_CREATING(number, flags)                                     \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 4), LOAD(args[flags]), \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 0, 1),      \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void filter(bool replies)
{
    struct sock_filter code[] = {
        LOAD(nr),
        STOP_AT(SYS_write),
        STOP_AT(SYS_pwrite64),
        STOP_AT(SYS_writev),
        STOP_AT(SYS_fsync),
        STOP_AT(SYS_fdatasync),
        STOP_AT(SYS_ftruncate),
        STOP_AT(SYS_fallocate),
        STOP_AT(SYS_renameat),
        STOP_AT(SYS_renameat2),
        STOP_AT(SYS_unlinkat),
        STOP_AT(SYS_mkdirat),
        STOP_AT(replies ? SYS_sendto : SYS_write),
        STOP_AT(replies ? SYS_sendmsg : SYS_write),
#ifdef SYS_open
        STOP_AT(SYS_rename),
        STOP_AT(SYS_unlink),
        STOP_AT(SYS_rmdir),
        STOP_AT(SYS_mkdir),
        STOP_AT_CREATING(SYS_open, 1),
#endif
        STOP_AT_CREATING(SYS_openat, 2),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof code / sizeof code[0], code };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        die("seccomp");
}

static void start(char **argv)
{
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
                   PTRACE_O_TRACEEXEC;
    int status;

    t.program = fork();
    if (t.program < 0)
        die("fork");
    if (t.program == 0) {
        raise(SIGSTOP);
        filter(t.log != NULL);
        execv(argv[0], argv);
        die(argv[0]);
    }
    if (waitpid(t.program, &status, WUNTRACED) != t.program ||
        ptrace(PTRACE_SEIZE, t.program, NULL, (void *)options) != 0)
        die("ptrace");
    kill(t.program, SIGCONT);
}

static void on_heal(int number)
{
    (void)number;
    t.healed = 1;
}

static void on_now(int number)
{
    (void)number;
    t.now = 1;
}

int main(int argc, char **argv)
{
    struct sigaction heal = { .sa_handler = on_heal }, now = { .sa_handler = on_now };
    int option, result;
    const char *log = NULL, *root = NULL;

    while ((option = getopt(argc, argv, "+k:e:sl:r:")) != -1) {
        switch (option) {
        case 'k':
            t.at = strtoull(optarg, NULL, 10);
            break;
        case 'e':
            t.error = atoi(optarg);
            break;
        case 's':
            t.sticky = true;
            break;
        case 'l':
            log = optarg;
            break;
        case 'r':
            root = optarg;
            break;
        default:
            return 125;
        }
    }
    if (!root || optind == argc || !realpath(root, t.root)) {
        fprintf(stderr, "tracer: -r FOLDER -- PROGRAM is expected\n");
        return 125;
    }
    t.root_len = strlen(t.root);
    if (log) {
        t.log = fopen(log, "we");
        if (!t.log || nftw(t.root, list_entry, 32, FTW_PHYS) != 0)
            die(log);
    }
    sigaction(SIGUSR1, &heal, NULL);
    sigaction(SIGUSR2, &now, NULL);
    signal(SIGTERM, SIG_IGN); /* For the program. */
    signal(SIGINT, SIG_IGN);
    start(argv + optind);
    printf("%d\n", t.program);
    fflush(stdout);
    result = watch();
    if (t.log && fclose(t.log) != 0)
        die("the log");
    printf("%" PRIu64 "\t%s\n", t.n, t.hit);
    return result;
}
