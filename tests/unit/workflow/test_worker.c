/*
 * Workers. The test is its own worker: started again as "sheetflow worker" it behaves as WORKER says.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "workflow/worker.h"
#include "workflow/worker_process.h"
#include "workflow/zygote.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the worker's side ---- */

static void say(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(1);
}

static void on_term(int number)
{
    (void)number;
    say("{\"event\":\"failed\",\"step\":0,\"error\":{\"code\":\"CANCELLED\",\"text\":\"stopped\"}}"
        "\n");
    _exit(0);
}

/* Which descriptors are open, as data of the done event. */
static void tell_descriptors(void)
{
    char line[512] = "{\"event\":\"done\",\"data\":{\"fds\":\"";

    for (int fd = 0; fd < 100; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            snprintf(line + strlen(line), sizeof line - strlen(line), "%d ", fd);
    }
    strcat(line, "\"}}\n");
    say(line);
}

static void tell_limits(void)
{
    struct rlimit as, core;
    char line[256];

    getrlimit(RLIMIT_AS, &as);
    getrlimit(RLIMIT_CORE, &core);
    snprintf(line, sizeof line, "{\"event\":\"done\",\"data\":{\"as\":%lld,\"core\":%lld}}\n",
        (long long)as.rlim_cur, (long long)core.rlim_cur);
    say(line);
}

/* Wait until the parent has written all of the specification. */
static void swallow_spec(void)
{
    char chunk[4096];

    while (read(STDIN_FILENO, chunk, sizeof chunk) > 0)
        continue;
}

static void endless_line(void)
{
    char chunk[65536];

    memset(chunk, 'x', sizeof chunk);
    for (;;) {
        if (write(STDOUT_FILENO, chunk, sizeof chunk) < 0)
            _exit(1);
    }
}

static int act(const char *role)
{
    if (strcmp(role, "real") == 0)
        return worker_main();
    if (strcmp(role, "stillborn") == 0)
        return 1;
    signal(SIGTERM, strcmp(role, "stubborn") == 0 ? SIG_IGN : on_term);
    swallow_spec();
    if (strcmp(role, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL); /* The sanitizers catch it. */
        raise(SIGSEGV);
    }
    if (strcmp(role, "killed") == 0)
        raise(SIGKILL);
    if (strcmp(role, "garbage") == 0)
        say("{\"event\":\n");
    if (strcmp(role, "nonsense") == 0)
        say("{\"event\":\"progress\",\"step\":-4,\"percent\":10}\n");
    if (strcmp(role, "over") == 0)
        say("{\"event\":\"progress\",\"step\":0,\"percent\":1000}\n");
    if (strcmp(role, "endless") == 0)
        endless_line();
    if (strcmp(role, "fds") == 0)
        tell_descriptors();
    if (strcmp(role, "limits") == 0)
        tell_limits();
    if (strcmp(role, "pass") == 0 && write(3, "through", 7) == 7)
        say("{\"event\":\"done\",\"data\":{}}\n");
    if (strcmp(role, "split") == 0) {
        say("{\"event\":\"step_started\",\"step\":0}\n{\"event\":\"done\",");
        say("\"data\":{\"n\":1}}\n");
    }
    if (strcmp(role, "obedient") == 0 || strcmp(role, "stubborn") == 0) {
        say("{\"event\":\"step_started\",\"step\":0}\n");
        for (;;)
            pause();
    }
    return 7;
}

/*
 * A zygote that dies between a fork and its answer, once: DIE_ONCE names a file that it takes away before. What it leaves
 * behind has said its word by then.
 */
static bool dying, orphaned;

static void before_fork(void)
{
    const char *path = getenv("DIE_ONCE");

    dying = path && access(path, F_OK) == 0;
}

static void after_fork(void)
{
    siginfo_t end;

    if (dying && unlink(getenv("DIE_ONCE")) == 0 && waitid(P_ALL, 0, &end, WEXITED | WNOWAIT) == 0)
        raise(SIGKILL);
}

static void in_the_fork(void)
{
    orphaned = dying;
}

static int act_as_told(void)
{
    if (!orphaned)
        return act(getenv("WORKER"));
    say("{\"event\":\"done\",\"data\":{\"by\":\"an orphan\"}}\n");
    return 0;
}

static int be_zygote(char *name)
{
    pthread_atfork(before_fork, after_fork, in_the_fork);
    return zygote_main(act_as_told, name);
}

/* ---- the parent's side ---- */

static struct worker *start(const char *role)
{
    struct json *spec = json_new_object();
    struct worker *w = NULL;
    struct err err;

    setenv("WORKER", role, 1);
    if (!worker_start(spec, 0, -1, &w, &err))
        fail_msg("%s", err.text);
    json_free(spec);
    return w;
}

static struct json *next(struct worker *w)
{
    struct json *event = NULL;
    struct err err;

    if (!worker_next(w, -1, &event, &err))
        fail_msg("%s", err.text);
    assert_non_null(event);
    return event;
}

static void assert_failed(struct worker *w, const char *code, const char *text)
{
    struct json *event = next(w), *more;
    const struct json *error = json_get(event, "error");
    struct err err;

    assert_string_equal(json_get_string(event, "event"), "failed");
    assert_string_equal(json_get_string(error, "code"), code);
    assert_string_equal(json_get_string(error, "text"), text);
    json_free(event);
    assert_false(worker_next(w, 0, &more, &err)); /* That was the last. */
}

static const struct {
    const char *role, *code, *text;
} deaths[] = {
    { "crash", "INTERNAL", "the worker process crashed (signal 11) on this file" },
    { "killed", "NOMEM", "the work was killed by the system, which is probably out of memory" },
    { "silent", "INTERNAL", "the worker process ended with status 7 and without a result" },
    { "garbage", "INTERNAL", "the worker process said something that is no event" },
    { "nonsense", "INTERNAL", "the worker process sent an event that makes no sense" },
    { "over", "INTERNAL", "the worker process sent an event that makes no sense" },
    { "endless", "INTERNAL", "the worker process sent an event without an end" },
};

static void deaths_become_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(deaths); i++) {
        struct worker *w = start(deaths[i].role);

        print_message("# %s\n", deaths[i].role);
        assert_failed(w, deaths[i].code, deaths[i].text);
        worker_free(w);
    }
}

static void events_arrive_whole(void **state)
{
    struct worker *w = start("split");
    struct json *event;

    (void)state;
    event = next(w);
    assert_string_equal(json_get_string(event, "event"), "step_started");
    json_free(event);
    event = next(w);
    assert_int_equal(json_get_int(json_get(event, "data"), "n", 0), 1);
    json_free(event);
    worker_free(w);
}

static void nothing_is_inherited(void **state)
{
    int extra = open("/dev/null", O_RDONLY); /* Not close-on-exec. */
    struct worker *w = start("fds");
    struct json *event = next(w);

    (void)state;
    assert_true(extra >= 0);
    assert_string_equal(json_get_string(json_get(event, "data"), "fds"), "0 1 2 ");
    json_free(event);
    worker_free(w);
    close(extra);
}

static void a_descriptor_is_passed_as_3(void **state)
{
    struct json *spec = json_new_object(), *event;
    struct worker *w;
    struct err err;
    char got[16] = "";
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    setenv("WORKER", "pass", 1);
    assert_true(worker_start(spec, 0, fds[1], &w, &err));
    event = next(w);
    assert_string_equal(json_get_string(event, "event"), "done");
    assert_int_equal(read(fds[0], got, sizeof got - 1), 7);
    assert_string_equal(got, "through");
    json_free(event);
    json_free(spec);
    worker_free(w);
    close(fds[0]);
    close(fds[1]);
}

static void limits_are_set(void **state)
{
    struct json *spec = json_new_object(), *data = NULL;
    struct err err;

    (void)state;
    setenv("WORKER", "limits", 1);
    assert_true(worker_ask(spec, (size_t)1 << 32, 10000, &data, &err));
    assert_int_equal(json_get_int(data, "core", -1), 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    assert_int_equal(json_get_int(data, "as", -1), INT64_C(1) << 32);
#endif
#else
    assert_int_equal(json_get_int(data, "as", -1), INT64_C(1) << 32);
#endif
#endif
    json_free(data);
    json_free(spec);
}

static void cancel_is_asked_first(void **state)
{
    struct worker *w = start("obedient");

    (void)state;
    json_free(next(w)); /* step_started: its handler is in place. */
    worker_cancel(w);
    assert_failed(w, "CANCELLED", "stopped");
    worker_free(w);
}

static void cancel_is_enforced_after_the_grace(void **state)
{
    struct worker *w = start("stubborn");
    int64_t before;

    (void)state;
    json_free(next(w));
    before = clock_mono_ns();
    worker_cancel(w);
    assert_failed(w, "CANCELLED", "stopped on request");
    assert_true(clock_mono_ns() - before >= WORKER_GRACE_MS * INT64_C(900000));
    assert_true(clock_mono_ns() - before < WORKER_GRACE_MS * INT64_C(3000000));
    worker_free(w);
}

static void waiting_has_an_end(void **state)
{
    struct json *spec = json_new_object(), *data = NULL, *event = NULL;
    struct worker *w = start("stubborn");
    struct err err;
    int pid;

    (void)state;
    json_free(next(w));
    assert_true(worker_next(w, 10, &event, &err));
    assert_null(event);
    pid = worker_pid(w);
    worker_free(w);
    assert_int_equal(kill(pid, 0), -1); /* Gone and reaped. */

    assert_false(worker_ask(spec, 0, 50, &data, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    json_free(spec);
}

/* ---- the real worker ---- */

/* A pipe that nobody writes to as its input: the job can only end with its parent. */
static void the_death_of_the_parent_ends_it(void **state)
{
    char dir[] = "/tmp/test-worker-XXXXXX", path[64], text[256], byte;
    struct pollfd end;
    struct json *spec;
    struct worker *w;
    struct err err;
    pid_t parent;
    int told[2];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(text, sizeof text,
        "{\"job\":\"inspect\",\"files\":[{\"name\":\"a\",\"path\":\"%s\",\"base\":\"a\"}],"
        "\"inspect\":{\"file\":\"a\"}}",
        path);
    assert_true(json_parse(text, strlen(text), &spec, &err));
    assert_int_equal(pipe(told), 0);
    setenv("WORKER", "real", 1);
    parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        /* told[1] is the worker's descriptor 3: it closes when the worker ends. */
        if (!worker_start(spec, 0, told[1], &w, &err) || write(told[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(told[1]);
    assert_int_equal(read(told[0], &byte, 1), 1); /* The worker has its job. */
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    end = (struct pollfd){ .fd = told[0], .events = POLLIN };
    assert_int_equal(poll(&end, 1, 20000), 1);
    assert_int_equal(read(told[0], &byte, 1), 0);
    close(told[0]);
    json_free(spec);
    assert_true(fs_remove_tree(dir, &err));
}

static bool ask_real(const char *text, struct json **data, struct err *err)
{
    struct json *spec;
    bool ok;

    setenv("WORKER", "real", 1);
    assert_true(json_parse(text, strlen(text), &spec, err));
    ok = worker_ask(spec, 0, 30000, data, err);
    json_free(spec);
    return ok;
}

static void inspect_in_a_worker(void **state)
{
    char dir[] = "/tmp/test-worker-XXXXXX", path[64], spec[512];
    struct json *data = NULL;
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.csv", dir);
    assert_true(fs_save(path, "id,when\n1,2024-01-31\n2,2024-02-29\n", 34, &err));
    snprintf(spec, sizeof spec,
        "{\"job\":\"inspect\",\"files\":[{\"name\":\"a.csv\",\"path\":\"%s\",\"base\":\"a\"}],"
        "\"inspect\":{\"file\":\"a.csv\",\"details\":true}}",
        path);
    if (!ask_real(spec, &data, &err))
        fail_msg("%s", err.text);
    assert_string_equal(json_get_string(data, "format"), "csv");
    assert_int_equal(json_get_int(data, "rows", 0), 2);
    assert_int_equal(json_get_int(data, "columns", 0), 2);
    assert_string_equal(json_get_string(json_get(data, "data_types"), "id"), "integer");
    assert_string_equal(json_get_string(json_get(data, "data_types"), "when"), "date");
    assert_string_equal(json_get_string(data, "delimiter"), ",");
    assert_non_null(json_get(json_get(data, "profile"), "id"));
    json_free(data);
    assert_true(fs_remove_tree(dir, &err));
}

static void a_job_that_makes_no_sense(void **state)
{
    struct json *data = NULL;
    struct err err;

    (void)state;
    assert_false(ask_real("{\"job\":\"dance\"}", &data, &err));
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_string_equal(err.text, "'dance' is no job");
    assert_false(ask_real("{\"job\":\"inspect\",\"inspect\":{\"file\":\"b.csv\"}}", &data, &err));
    assert_int_equal(err.code, ERR_ARG);
    assert_string_equal(err.text, "there is no file 'b.csv'; upload one first");
}

static void a_spare_does_the_job(void **state)
{
    struct json *data = NULL;
    struct err err;

    (void)state;
    setenv("WORKER", "real", 1);
    worker_keep_spare(true);
    for (int i = 0; i < 3; i++) {
        assert_false(ask_real("{\"job\":\"dance\"}", &data, &err));
        assert_string_equal(err.text, "'dance' is no job");
    }
    worker_keep_spare(false);
}

/* The first child of a process; 0 where it has none. */
static int child_of(int pid)
{
    char path[64];
    FILE *f;
    int child = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    f = fopen(path, "re");
    assert_non_null(f);
    if (fscanf(f, "%d", &child) != 1)
        child = 0;
    fclose(f);
    return child;
}

/* Its workers do what WORKER says when it is started. Ended with worker_keep_spare(false). */
static int keep_zygote(const char *role)
{
    setenv("WORKER", role, 1);
    worker_keep_spare(true);
    return child_of(getpid());
}

static void a_spare_that_has_died_is_replaced(void **state)
{
    struct json *data = NULL;
    struct err err;
    int zygote;

    (void)state;
    zygote = keep_zygote("stillborn");
    while (child_of(zygote) != 0)
        continue;
    assert_int_equal(kill(zygote, SIGKILL), 0); /* The next one's workers are real. */
    assert_false(ask_real("{\"job\":\"dance\"}", &data, &err));
    assert_string_equal(err.text, "'dance' is no job");
    assert_int_not_equal(child_of(getpid()), zygote);
    worker_keep_spare(false);
    assert_int_equal(child_of(getpid()), 0);
}

static void a_zygote_tells_how_its_workers_end(void **state)
{
    static const struct {
        const char *role, *text;
    } cases[] = {
        { "crash", "the worker process crashed (signal 11) on this file" },
        { "killed", "the work was killed by the system, which is probably out of memory" },
        { "silent", "the worker process ended with status 7 and without a result" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        keep_zygote(cases[i].role);
        for (int k = 0; k < 3; k++) {
            struct worker *w = start(cases[i].role);
            struct json *event = next(w);

            assert_string_equal(json_get_string(json_get(event, "error"), "text"), cases[i].text);
            json_free(event);
            worker_free(w);
        }
        worker_keep_spare(false);
    }
}

static void a_zygotes_worker_inherits_nothing(void **state)
{
    struct json *spec = json_new_object();
    struct worker *w, *other;
    struct json *event;
    char text[8] = "";
    struct err err;
    int fds[2];

    (void)state;
    keep_zygote("fds");
    other = start("fds");
    w = start("fds");
    event = next(w);
    assert_string_equal(json_get_string(json_get(event, "data"), "fds"), "0 1 2 ");
    json_free(event);
    worker_free(w);
    worker_free(other);
    worker_keep_spare(false);

    keep_zygote("pass");
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_true(worker_start(spec, 0, fds[1], &w, &err));
    event = next(w);
    assert_string_equal(json_get_string(event, "event"), "done");
    assert_int_equal(read(fds[0], text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    json_free(event);
    json_free(spec);
    worker_free(w);
    close(fds[0]);
    close(fds[1]);
    worker_keep_spare(false);
}

static void what_a_dead_zygote_forked_is_not_heard(void **state)
{
    char path[] = "/tmp/test-worker-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    struct json *data = NULL;
    struct err err;

    (void)state;
    assert_true(fd >= 0);
    setenv("DIE_ONCE", path, 1);
    keep_zygote("real");
    assert_false(ask_real("{\"job\":\"dance\"}", &data, &err));
    assert_string_equal(err.text, "'dance' is no job");
    assert_int_not_equal(access(path, F_OK), 0); /* It did die. */
    worker_keep_spare(false);
    unsetenv("DIE_ONCE");
    close(fd);
}

static void workers_outlive_their_zygote(void **state)
{
    int zygote;

    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        struct worker *w;
        struct json *event;

        zygote = keep_zygote("obedient");
        w = start("obedient");
        event = next(w);
        assert_string_equal(json_get_string(event, "event"), "step_started");
        json_free(event);
        assert_int_equal(kill(zygote, SIGKILL), 0);
        if (killed)
            assert_int_equal(kill(worker_pid(w), SIGKILL), 0);
        else
            worker_cancel(w);
        event = next(w);
        assert_string_equal(json_get_string(json_get(event, "error"), "text"),
            killed ? "the worker process ended without a result" : "stopped");
        json_free(event);
        worker_free(w);
        worker_keep_spare(false);
    }
}

static void a_zygote_does_nothing_without_its_server(void **state)
{
    int status, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t pid;

    (void)state;
    assert_int_equal(worker_process_spawn("zygote", null, null, -1, &pid), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(null);
}

/* Started with worker_fork(); what its job came to. */
static struct json *fork_and_ask(const char *text, int pass_fd)
{
    struct json *spec, *event;
    struct worker *w;
    struct err err;

    assert_true(json_parse(text, strlen(text), &spec, &err));
    assert_true(worker_fork(spec, 0, pass_fd, &w, &err));
    event = next(w);
    json_free(spec);
    worker_free(w);
    return event;
}

static void a_fork_does_the_job(void **state)
{
    int extra = open("/dev/null", O_RDONLY); /* Lies where it wants its channels. */
    struct json *event;

    (void)state;
    setenv("WORKER", "crash", 1); /* What one that is started anew would do. */
    event = fork_and_ask("{\"job\":\"dance\"}", extra);
    assert_string_equal(json_get_string(event, "event"), "failed");
    assert_string_equal(json_get_string(json_get(event, "error"), "text"), "'dance' is no job");
    json_free(event);
    close(extra);
}

static void *wait_for_end(void *fds)
{
    char byte;

    return read(*(int *)fds, &byte, 1) == 0 ? fds : NULL;
}

static void a_process_with_threads_does_not_fork(void **state)
{
    struct json *event;
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, fds), 0);
    setenv("WORKER", "fds", 1);
    event = fork_and_ask("{}", -1);
    assert_string_equal(json_get_string(json_get(event, "data"), "fds"), "0 1 2 ");
    json_free(event);
    close(fds[1]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(fds[0]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deaths_become_failures),
        cmocka_unit_test(events_arrive_whole),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(a_descriptor_is_passed_as_3),
        cmocka_unit_test(limits_are_set),
        cmocka_unit_test(cancel_is_asked_first),
        cmocka_unit_test(cancel_is_enforced_after_the_grace),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(the_death_of_the_parent_ends_it),
        cmocka_unit_test(inspect_in_a_worker),
        cmocka_unit_test(a_job_that_makes_no_sense),
        cmocka_unit_test(a_spare_does_the_job),
        cmocka_unit_test(a_spare_that_has_died_is_replaced),
        cmocka_unit_test(a_zygote_tells_how_its_workers_end),
        cmocka_unit_test(a_zygotes_worker_inherits_nothing),
        cmocka_unit_test(what_a_dead_zygote_forked_is_not_heard),
        cmocka_unit_test(workers_outlive_their_zygote),
        cmocka_unit_test(a_zygote_does_nothing_without_its_server),
        cmocka_unit_test(a_fork_does_the_job),
        cmocka_unit_test(a_process_with_threads_does_not_fork),
    };

    if (argc == 2 && strcmp(argv[1], "worker") == 0)
        return act_as_told();
    if (argc == 2 && strcmp(argv[1], "zygote") == 0)
        return be_zygote(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
