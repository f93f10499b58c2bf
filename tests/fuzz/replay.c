/* Runs a fuzz target on the files it is given, each a case of its own, and reports in TAP. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, int number)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t n = 0;
    int failed = 1;

    if (f && fseek(f, 0, SEEK_END) == 0) {
        long size = ftell(f);

        rewind(f);
        data = malloc(size > 0 ? (size_t)size : 1);
        n = data && size > 0 ? fread(data, 1, (size_t)size, f) : 0;
        failed = !data || (long)n != size;
    }
    if (f)
        fclose(f);
    if (!failed)
        LLVMFuzzerTestOneInput(data, n);
    free(data);
    printf("%sok %d - %s\n", failed ? "not " : "", number, path);
    fflush(stdout);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed += replay(argv[i], i);
    printf("1..%d\n", argc - 1);
    return failed != 0;
}
