/*
 * The doctor's look at the data folder: permissions, room, who has it, and the database.
 */

#include "cli/doctor.h"

#include "server/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MIB = 1 << 20, FULL_MIB = 64, LOW_MIB = 1024, LOW_PERCENT = 5, LOW_NODES = 1000 };

/* ---- permissions ---- */

static void check_owner(struct doctor *d, const char *path, const struct stat *st)
{
    const struct passwd *user = getpwuid(st->st_uid);
    char number[24];

    snprintf(number, sizeof number, "%u", st->st_uid);
    if (st->st_uid != geteuid())
        doctor_tell(d, DOCTOR_WARNING, "folder",
            "Run the server and these commands as that user, or files get mixed owners.",
            "'%s' belongs to the user %s, not to you", path, user ? user->pw_name : number);
    if (st->st_mode & 077)
        doctor_tell(d, DOCTOR_WARNING, "folder", "chmod 700 closes it.",
            "'%s' is open to other users of this machine (mode %03o)", path, st->st_mode & 0777);
}

static bool check_writable(struct doctor *d, const char *path)
{
    if (access(path, R_OK | W_OK | X_OK) == 0)
        return true;
    if (errno == ENOENT)
        return true; /* The server makes it. */
    doctor_tell(d, DOCTOR_FAULT, "folder",
        "Give the user that the server runs as the right to read and write there.",
        "'%s' cannot be written: %s", path, strerror(errno));
    return false;
}

/* The nearest folder above `path` that exists. */
static void existing_above(const char *path, char out[FS_PATH_MAX])
{
    char *slash;

    snprintf(out, FS_PATH_MAX, "%s", path);
    while (access(out, F_OK) != 0 && (slash = strrchr(out, '/')) != NULL)
        slash[slash == out] = '\0';
    if (access(out, F_OK) != 0)
        snprintf(out, FS_PATH_MAX, ".");
}

void doctor_folder(struct doctor *d)
{
    const char *below[] = { d->dirs.workflows, d->dirs.dumps, d->dirs.tmp, d->dirs.sqlite,
        d->dirs.snapshots };
    const char *root = d->dirs.root;
    struct stat st, tmp, flows;
    char parent[FS_PATH_MAX];
    bool ok;

    d->folder_exists = stat(root, &st) == 0;
    if (!d->folder_exists) {
        existing_above(root, parent);
        if (check_writable(d, parent))
            doctor_tell(d, DOCTOR_WARNING, "folder", "'sheetflow serve' makes it when it starts.",
                "there is no data folder '%s' yet", root);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        doctor_tell(d, DOCTOR_FAULT, "folder", "Say where the data folder is with --data.",
            "'%s' is a file", root);
        d->folder_exists = false;
        return;
    }
    check_owner(d, root, &st);
    ok = check_writable(d, root);
    for (size_t i = 0; i < ARRAY_LEN(below); i++)
        ok = check_writable(d, below[i]) && ok;
    if (stat(d->dirs.tmp, &tmp) == 0 && stat(d->dirs.workflows, &flows) == 0 &&
        tmp.st_dev != flows.st_dev) {
        doctor_tell(d, DOCTOR_FAULT, "folder",
            "Files are moved between them; put both on one disk "
            "(chat_workflows.storage.workflows_path).",
            "'%s' and '%s' are on two disks", d->dirs.tmp, d->dirs.workflows);
        ok = false;
    }
    if (ok)
        doctor_tell(d, DOCTOR_OK, "folder", NULL, "'%s' can be read and written", root);
}

/* ---- room ---- */

void doctor_disk(struct doctor *d)
{
    static const char advice[] =
        "Make room, or move the data folder; 'cleanup' settings delete old conversations.";
    enum doctor_state state = DOCTOR_OK;
    char path[FS_PATH_MAX];
    struct statvfs fs;
    double free_mib, all_mib;

    existing_above(d->dirs.root, path);
    if (statvfs(path, &fs) != 0) {
        doctor_tell(d, DOCTOR_WARNING, "disk", NULL, "the room on the disk cannot be told: %s",
            strerror(errno));
        return;
    }
    free_mib = (double)fs.f_bavail * (double)fs.f_frsize / MIB;
    all_mib = (double)fs.f_blocks * (double)fs.f_frsize / MIB;
    if (free_mib < FULL_MIB)
        state = DOCTOR_FAULT;
    else if (free_mib < LOW_MIB || free_mib * 100 < all_mib * LOW_PERCENT)
        state = DOCTOR_WARNING;
    doctor_tell(d, state, "disk", state == DOCTOR_OK ? NULL : advice,
        "%.1f GiB of %.1f GiB are free", free_mib / 1024, all_mib / 1024);
    if (fs.f_files > 0 && fs.f_favail < LOW_NODES)
        doctor_tell(d, DOCTOR_WARNING, "disk", advice, "only %llu more files fit on the disk",
            (unsigned long long)fs.f_favail);
}

/* ---- the lock ---- */

/* Who holds a flock on the file, by /proc/locks; 0: not to be found out. */
static int lock_holder(const struct stat *st)
{
    unsigned long long inode;
    unsigned major_number, minor_number;
    char line[256], kind[16];
    FILE *locks = fopen("/proc/locks", "re");
    int pid, found = 0;

    while (locks && !found && fgets(line, sizeof line, locks)) {
        /* 1: FLOCK  ADVISORY  WRITE 4711 fe:01:131073 0 EOF */
        if (sscanf(line, "%*s %15s %*s %*s %d %x:%x:%llu", kind, &pid, &major_number, &minor_number,
                &inode) == 5 &&
            strcmp(kind, "FLOCK") == 0 && inode == st->st_ino &&
            major_number == major(st->st_dev) && minor_number == minor(st->st_dev))
            found = pid > 0 ? pid : 0;
    }
    if (locks)
        fclose(locks);
    return found;
}

void doctor_lock(struct doctor *d)
{
    char path[FS_PATH_MAX];
    struct stat st;
    struct err err;
    int fd, pid;

    if (!d->folder_exists || !fs_join(path, d->dirs.root, ".lock", &err))
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT) {
        doctor_tell(d, DOCTOR_FAULT, "lock",
            "Give the server's user the right to read and write it.", "'%s' cannot be opened: %s",
            path, strerror(errno));
        return;
    }
    d->locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    pid = d->locked && fstat(fd, &st) == 0 ? lock_holder(&st) : 0;
    if (fd >= 0)
        close(fd);
    if (!d->locked)
        doctor_tell(d, DOCTOR_OK, "lock", NULL, "the data folder is free");
    else if (pid)
        doctor_tell(d, DOCTOR_OK, "lock", NULL, "process %d works on the data folder", pid);
    else
        doctor_tell(d, DOCTOR_OK, "lock", NULL, "another process works on the data folder");
}

/* ---- the database ---- */

static void look_into(struct doctor *d, struct store *s)
{
    struct conversation_filter newest = { .limit = 1 };
    struct conversation *list;
    struct arena arena;
    uint64_t total;
    char count[32];
    struct err err;
    size_t n;

    arena_init(&arena, NULL);
    if (!store_check(s, &err) ||
        !store_conversation_list(s, &newest, &arena, &list, &n, &total, &err)) {
        doctor_tell(d, DOCTOR_FAULT, "database",
            "Stop the server and put the newest backup of sqlite/snapshots in its place; "
            "'sheetflow "
            "verify' says more.",
            "%s", err.text);
    } else {
        if (n > 0)
            d->newest_ns = list[0].created_ns;
        doctor_tell(d, DOCTOR_OK, "database", NULL, "whole; %s conversation%s",
            cli_count(total, count), total == 1 ? "" : "s");
    }
    arena_deinit(&arena);
}

void doctor_database(struct doctor *d)
{
    char path[FS_PATH_MAX];
    struct store_config config = { .path = path, .readers = 1, .read_only = true };
    struct store *s;
    struct err err;

    if (!d->folder_exists || !folder_database(d->settings, d->dirs.root, path, &err))
        return;
    if (access(path, F_OK) != 0) {
        doctor_tell(d, DOCTOR_WARNING, "database", "'sheetflow serve' makes it when it starts.",
            "there is no database yet");
        return;
    }
    if (!store_open(&config, &s, &err)) {
        bool old = err.code == ERR_STATE;

        doctor_tell(d, old ? DOCTOR_WARNING : DOCTOR_FAULT, "database",
            old ? NULL : "'sheetflow verify' says more; backups lie in sqlite/snapshots.", "%s",
            err.text);
        return;
    }
    look_into(d, s);
    store_close(s);
}
