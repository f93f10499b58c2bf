/*
 * The sandbox, tried out by a child process that enters it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fs.h"
#include "workflow/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static char *in_dir(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct json *make_spec(void)
{
    struct json *spec;
    struct err err;
    char text[1024];

    snprintf(text, sizeof text,
        "{\"outputs_dir\": \"%s/out\", \"tmp_dir\": \"%s/tmp\", \"files\": ["
        "{\"path\": \"%s/in.csv\"}, {\"path\": \"%s/absent.csv\"}]}",
        dir, dir, dir, dir);
    if (!json_parse(text, strlen(text), &spec, &err))
        fail_msg("%s", err.text);
    return spec;
}

static int setup(void **state)
{
    struct err err;

    (void)state;
    strcpy(dir, "/tmp/test-sandbox-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_true(fs_make_dirs(in_dir("out"), &err));
    assert_true(fs_make_dirs(in_dir("tmp"), &err));
    assert_true(fs_save(in_dir("in.csv"), "a\n1\n", 4, &err));
    assert_true(fs_save(in_dir("secret.csv"), "s\n1\n", 4, &err));
    return 0;
}

static int teardown(void **state)
{
    struct err err;

    (void)state;
    assert_true(fs_remove_tree(dir, &err));
    return 0;
}

/* ---- what the child tries: each returns 0 or an errno ---- */

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int read_the_input(void)
{
    return try_open(in_dir("in.csv"), O_RDONLY);
}

static int change_the_input(void)
{
    return try_open(in_dir("in.csv"), O_WRONLY);
}

static int read_another_file(void)
{
    return try_open(in_dir("secret.csv"), O_RDONLY);
}

static int read_the_passwords(void)
{
    return try_open("/etc/passwd", O_RDONLY);
}

static int list_the_root(void)
{
    return try_open("/", O_RDONLY | O_DIRECTORY);
}

static int write_elsewhere(void)
{
    return try_open(in_dir("new.csv"), O_WRONLY | O_CREAT);
}

static int write_an_output(void)
{
    struct fs_file *file;
    struct err err;
    char name[FS_NAME_MAX + 1];

    return fs_file_create(in_dir("out"), "o.csv", "o.csv", &file, &err) &&
                   fs_file_write(file, "x", 1, &err) && fs_file_commit(file, true, name, &err)
               ? 0
               : EIO;
}

static int discard_output(void)
{
    return try_open("/dev/null", O_WRONLY);
}

static int use_a_temporary_file(void)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/tmp/t-XXXXXX", dir);
    fd = mkstemp(path);
    if (fd < 0 || unlink(path) != 0)
        return errno;
    close(fd);
    return 0;
}

static int load_a_converter(void)
{
    iconv_t c = iconv_open("UTF-8", "SHIFT_JIS");

    if (c == (iconv_t)-1)
        return errno;
    iconv_close(c);
    return 0;
}

static void *thread_main(void *arg)
{
    return arg;
}

static int start_a_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, thread_main, NULL);

    return rc ? rc : pthread_join(thread, NULL);
}

static int start_a_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return errno;
    waitpid(pid, NULL, 0);
    return 0;
}

static int start_a_program(void)
{
    char name[] = "true", *argv[] = { name, NULL };

    execve("/usr/bin/true", argv, NULL);
    return errno;
}

static int open_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int signal_the_parent(void)
{
    return kill(getppid(), 0) != 0 ? errno : 0;
}

static int trace_the_parent(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) != 0 ? errno : 0;
}

static const struct {
    const char *label;
    int (*attempt)(void);
    unsigned part; /* That must hold for `want`; 0: always. */
    int want;
} attempts[] = {
    { "read the input", read_the_input, 0, 0 },
    { "change the input", change_the_input, SANDBOX_FILES, EACCES },
    { "read another file beside it", read_another_file, SANDBOX_FILES, EACCES },
    { "read the passwords", read_the_passwords, SANDBOX_FILES, EACCES },
    { "list the root", list_the_root, SANDBOX_FILES, EACCES },
    { "write elsewhere", write_elsewhere, SANDBOX_FILES, EACCES },
    { "write an output", write_an_output, 0, 0 },
    { "discard output", discard_output, 0, 0 },
    { "use a temporary file", use_a_temporary_file, 0, 0 },
    { "load a converter", load_a_converter, 0, 0 },
    { "start a thread", start_a_thread, 0, 0 },
    { "start a process", start_a_process, SANDBOX_CALLS, EPERM },
    { "start a program", start_a_program, SANDBOX_CALLS, EPERM },
    { "open a socket", open_a_socket, SANDBOX_CALLS, EPERM },
    { "signal the parent", signal_the_parent, SANDBOX_CALLS, EPERM },
    { "trace the parent", trace_the_parent, SANDBOX_CALLS, EPERM },
};

/* The outcome of one attempt inside a sandbox, in a process of its own; *parts: what held there. */
static int inside(int (*attempt)(void), unsigned *parts)
{
    struct json *spec = make_spec();
    unsigned char told[2] = { 0 };
    int fds[2], status;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        told[0] = (unsigned char)sandbox_enter(spec);
        if (write(fds[1], told, 1) != 1)
            _exit(99);
        told[1] = (unsigned char)attempt();
        if (write(fds[1], told + 1, 1) != 1)
            _exit(99);
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], told, 1), 1);
    assert_int_equal(read(fds[0], told + 1, 1), 1);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    json_free(spec);
    *parts = told[0];
    return told[1];
}

static void what_can_be_done_inside(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        unsigned parts;
        int got = inside(attempts[i].attempt, &parts);

        if ((parts & attempts[i].part) != attempts[i].part)
            print_message("# %s: the kernel has no such sandbox\n", attempts[i].label);
        else if (got != attempts[i].want)
            fail_msg(
                "%s: %s, not %s", attempts[i].label, strerror(got), strerror(attempts[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_can_be_done_inside, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
