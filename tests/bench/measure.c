/*
 * Runs a command and says what it cost.
 *
 *   measure RESULT STDOUT command [argument ...]
 *
 * RESULT receives one line: wall seconds, user seconds, system seconds, peak resident KiB, exit status
 * (128 + signal where one ended it). STDOUT receives the command's standard output; its standard input is empty.
 * The peak is the kernel's, for the command and whatever it waited for, so no sampling misses it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static void be_child(const char *out, char **argv)
{
    int in = open("/dev/null", O_RDONLY), to = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (in < 0 || to < 0 || dup2(in, 0) < 0 || dup2(to, 1) < 0)
        _exit(127);
    close(in);
    close(to);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    struct rusage usage;
    double started;
    int status;
    pid_t pid;
    FILE *f;

    if (argc < 4) {
        fprintf(stderr, "usage: measure RESULT STDOUT command [argument ...]\n");
        return 2;
    }
    started = now();
    pid = fork();
    if (pid < 0) {
        perror("fork");
        return 1;
    }
    if (pid == 0)
        be_child(argv[2], argv + 3);
    if (wait4(pid, &status, 0, &usage) != pid) {
        perror("wait4");
        return 1;
    }
    started = now() - started;
    f = fopen(argv[1], "w");
    if (!f) {
        perror(argv[1]);
        return 1;
    }
    fprintf(f, "%.6f %.6f %.6f %ld %d\n", started, seconds(usage.ru_utime), seconds(usage.ru_stime),
        usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(f) != 0;
}
