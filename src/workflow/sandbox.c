/*
 * The sandbox of a worker: Landlock for files, seccomp for system calls. Neither needs privileges.
 */

#include "workflow/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ---- files ---- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE /* Of ABI 3, newer than Debian 12's headers. */
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define READ_FILE ((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE)
#define READ_TREE (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITE_TREE                                                             \
    (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | \
        LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |         \
        LANDLOCK_ACCESS_FS_TRUNCATE)

/* Every right that the kernel of this ABI version knows. */
static uint64_t all_rights(long abi)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

    if (abi >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

/* Rights that a file, as opposed to a folder, can be given. */
#define FILE_RIGHTS                                                           \
    (READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | \
        LANDLOCK_ACCESS_FS_TRUNCATE)

/* A path that does not exist needs no rule. */
static bool allow(int ruleset, uint64_t known, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = rights & known };
    struct stat st;
    long rc = -1;

    if (!path)
        return true;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    if (fstat(rule.parent_fd, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            rule.allowed_access &= FILE_RIGHTS;
        rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    close(rule.parent_fd);
    return rc == 0;
}

static bool allow_job(int ruleset, uint64_t known, const struct json *spec)
{
    static const char *const system[] = { "/usr/lib", "/lib", "/lib64", "/usr/lib64",
        "/etc/ld.so.cache", SANITIZED ? "/proc" : NULL };
    static const char *const folders[] = { "outputs_dir", "intermediate_dir", "tmp_dir" };
    const struct json *files = json_get(spec, "files");
    bool ok = allow(ruleset, known, "/dev/null", READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);

    for (size_t i = 0; i < ARRAY_LEN(system); i++)
        ok = ok && allow(ruleset, known, system[i], READ_TREE);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        ok = ok && allow(ruleset, known, json_get_string(spec, folders[i]), WRITE_TREE);
    for (size_t i = 0; i < json_len(files); i++)
        ok = ok && allow(ruleset, known, json_get_string(json_at(files, i), "path"), READ_FILE);
    return ok;
}

static bool restrict_files(const struct json *spec)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attr;
    bool ok;
    int ruleset;

    if (abi < 1)
        return false;
    attr = (struct landlock_ruleset_attr){ .handled_access_fs = all_rights(abi) };
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0)
        return false;
    ok = allow_job(ruleset, attr.handled_access_fs, spec) &&
         syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return ok;
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OWN_ARCH

enum { X32_BIT = 0x40000000 };

/* What a worker never needs; a call fails with EPERM. */
static const int forbidden[] = {
    SYS_execve,
    SYS_execveat,
    SYS_kill,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    SYS_setns,
    SYS_unshare,
    /* The network and other processes. */
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_shmget,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    /* The system itself. */
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_sethostname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_open_by_handle_at,
    SYS_personality,
    SYS_quotactl,
    SYS_acct,
    /* Its own identity. */
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_capset,
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
    SYS_ioperm,
    SYS_iopl,
    SYS_modify_ldt,
#endif
};

enum { FILTER_MAX = ARRAY_LEN(forbidden) + 16 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE(code) RETURN(SECCOMP_RET_ERRNO | (code))
/* Go on where the loaded word is not k, else do the next instruction. */
#define UNLESS(k) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, 1)

static bool restrict_calls(void)
{
    struct sock_filter filter[2 * FILTER_MAX] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
        REFUSE(EPERM),
        /* Its flags lie in memory, where no filter can look: glibc then takes clone. */
        UNLESS(SYS_clone3),
        REFUSE(ENOSYS),
        /* A thread, yes; a process, no. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        REFUSE(EPERM),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = 13, .filter = filter };

    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        filter[program.len++] = (struct sock_filter)UNLESS((unsigned)forbidden[i]);
        filter[program.len++] = (struct sock_filter)REFUSE(EPERM);
    }
    filter[program.len++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    return !SANITIZED && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

static bool restrict_calls(void)
{
    return false;
}

#endif

unsigned sandbox_enter(const struct json *spec)
{
    unsigned parts = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return 0;
    if (restrict_files(spec))
        parts |= SANDBOX_FILES;
    if (restrict_calls())
        parts |= SANDBOX_CALLS;
    return parts;
}

/* There is no way back out of it, so a child goes in. */
bool sandbox_probe(unsigned *parts)
{
    struct json *spec = json_new_object();
    int status = 0;
    pid_t pid;

    fflush(NULL); /* The child must not write it again. */
    pid = fork();
    if (pid == 0)
        _exit((int)sandbox_enter(spec));
    json_free(spec);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *parts = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
    return pid > 0;
}
