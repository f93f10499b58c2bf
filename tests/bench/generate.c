/*
 * Prints a table of ROWS rows and ten mixed columns as CSV, the same one every time: numbers, money, dates,
 * booleans, words, some of them quoted, some beyond ASCII. About 105 bytes a row.
 *
 *   generate ROWS > orders.csv
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static uint64_t state = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) * n >> 32);
}

static const char *const first[] = { "Anna", "Björn", "Chloé", "Dmitri", "Erik", "Fatima", "Goran",
    "Hana", "Ivan", "José", "Kenji", "Łucja", "Maria", "Noor", "Olga", "Pablo" };
static const char *const last[] = { "Schmidt", "Müller", "O'Neil", "García", "Nowak", "Tanaka",
    "Smith", "Ivanova", "Rossi", "Dupont", "Åkesson", "Jensen" };
static const char *const city[] = { "Berlin", "São Paulo", "東京", "New York", "Paris", "Łódź",
    "München", "Rome", "Oslo", "Quito", "Köln", "Perth" };
static const char *const status[] = { "active", "pending", "closed", "on hold" };
static const char *const note[] = { "regular customer", "urgent, call back", "says \"\"maybe\"\"",
    "moved to another branch", "prefers e-mail", "", "VIP", "second reminder sent", "urgent" };

int main(int argc, char **argv)
{
    uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;

    puts("id,name,email,city,amount,quantity,signup,active,status,note");
    for (uint32_t i = 1; i <= rows; i++) {
        const char *f = first[below(ARRAY_LEN(first))], *l = last[below(ARRAY_LEN(last))];
        const char *n = note[below(ARRAY_LEN(note))];
        int quoted = n[0] == 'u' || n[0] == 's';
        uint32_t cents = below(1000000), whole = cents / 100;

        printf("%" PRIu32 ",\"%s, %s\",user%" PRIu32 "@example.com,%s,", i, l, f,
            below(900000) + 100000, city[below(ARRAY_LEN(city))]);
        if (cents % 100 == 0) /* Shortest printing, so that the column is a number to all. */
            printf("%" PRIu32, whole);
        else if (cents % 10 == 0)
            printf("%" PRIu32 ".%" PRIu32, whole, cents / 10 % 10);
        else
            printf("%" PRIu32 ".%02" PRIu32, whole, cents % 100);
        printf(",%" PRIu32 ",20%02" PRIu32 "-%02" PRIu32 "-%02" PRIu32 ",%s,%s,", below(500),
            10 + below(15), 1 + below(12), 1 + below(28), below(2) ? "true" : "false",
            status[below(ARRAY_LEN(status))]);
        printf(quoted ? "\"%s\"\n" : "%s\n", n);
    }
    return fflush(stdout) != 0;
}
