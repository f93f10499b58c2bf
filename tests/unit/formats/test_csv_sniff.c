/*
 * What a CSV text's dialect is taken to be.
 */
#include "formats/csv.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *label, *in;
    struct csv_dialect want;
} cases[] = {
    { "nothing", "", { .quote = '"' } },
    { "commas", "a,b\n1,2\n", { .delimiter = ',', .quote = '"' } },
    { "semicolons", "a;b\n1;2\n", { .delimiter = ';', .quote = '"' } },
    { "tabs", "a\tb\n1\t2\n", { .delimiter = '\t', .quote = '"' } },
    { "bars", "a|b\n1|2\n", { .delimiter = '|', .quote = '"' } },
    { "header only", "a;b;c", { .delimiter = ';', .quote = '"' } },
    { "commas in names under semicolons", "name; amount, in dollars\nx;\"1,000\"\ny;\"2,000\"\n",
        { .delimiter = ';', .quote = '"' } },
    { "decimal commas without a telling header", "1,5;2,5\n3,5;4,5\n",
        { .delimiter = ';', .quote = '"' } },
    { "lists inside a column", "id,tags,name\n1,x|y|z,foo\n2,x|y|w,bar\n3,q|y|z,baz\n",
        { .delimiter = ',', .quote = '"' } },
    { "commas in text under tabs", "id\ttext\n1\tone, two\n2\tthree, four\n3\tfive, six\n",
        { .delimiter = '\t', .quote = '"' } },
    { "delimiters in quotes", "a,b\n\"1;2;3\",4\n\"5;6;7\",8\n\"5;6;7\",8\n",
        { .delimiter = ',', .quote = '"' } },
    { "times are not torn", "at\n10:00:00\n11:00:00\n", { .quote = '"' } },
    { "names are not torn", "Name\nDoe, Jane\nRoe, Rick\n", { .quote = '"' } },
    { "words are not torn", "first last\nJane Doe\nRick Roe\n", { .quote = '"' } },
    { "prose", "Comment\nGood, but slow.\nFine.\nNo, no, no, never\nOK\n", { .quote = '"' } },
    { "decimal commas in one column", "price\n1,5\n2,5\n3,75\n4,25\n", { .quote = '"' } },
    { "thousands in one column", "sales\n1,234,567\n2,345,678\n3,456,789\n4,567,890\n",
        { .quote = '"' } },
    { "a name over a wider table", "x\n1,a,b\n2,a,b\n3,a,b\n",
        { .delimiter = ',', .quote = '"', .skip = 1 } },
    { "ragged", "a,b,c\n1,2\n1,2,3\n1,2,3,4\n1,2,3\n", { .delimiter = ',', .quote = '"' } },
    { "sep line", "sep=|\na|b\n", { .delimiter = '|', .quote = '"', .sep_line = true } },
    { "sep line that is data", "sep=x;y\n1;2\n", { .delimiter = ';', .quote = '"' } },
    { "single quotes", "'a','b'\n'1,5','2'\n", { .delimiter = ',', .quote = '\'' } },
    { "apostrophes", "a,b\n'tis,x\n'twas,y\n", { .delimiter = ',', .quote = '"' } },
    { "backslashes", "a,b\n\"x \\\"y\\\", z\",1\n\"w\",2\n",
        { .delimiter = ',', .quote = '"', .backslash = true } },
    { "backslashes that are none", "a,b\n\"C:\\\",1\n\"D:\\\",2\n",
        { .delimiter = ',', .quote = '"' } },
    { "a title", "Report\nid,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"', .skip = 1 } },
    { "a title and a blank line", "Report\n\nid,name\n1,x\n2,x\n",
        { .delimiter = ',', .quote = '"', .skip = 2 } },
    { "one comma in every line but the first", "Report\nid,name\n1,x\n2,x\n", { .quote = '"' } },
    { "two titles above a short table", "Report\nof Monday\n\nid,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"', .skip = 3 } },
    { "a comment above prose", "# notes\nOne; two\nthree\nfour\nfive\n", { .quote = '"' } },
    { "tabs in quoted names", "\"a,b\",\"c\td\",\"e\tf\"\n", { .delimiter = ',', .quote = '"' } },
    { "a padded title", "Report,,\nfor 2024,,\n,,\nid,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"', .skip = 3 } },
    { "a padded title without a blank line", "Report,,\nid,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"' } },
    { "comments", "# made by hand\n# on Monday, at noon\nid,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"', .skip = 2 } },
    { "a header that begins with #", "#id,name,city\n1,x,y\n2,x,y\n",
        { .delimiter = ',', .quote = '"' } },
    { "a first row with gaps is no title", "id,,\n1,x,y\n2,x,y\n3,x,y\n",
        { .delimiter = ',', .quote = '"' } },
};

static void dialects(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct csv_dialect got;

        csv_sniff(cases[i].in, strlen(cases[i].in), &got);
        if (got.delimiter != cases[i].want.delimiter || got.quote != cases[i].want.quote ||
            got.backslash != cases[i].want.backslash || got.sep_line != cases[i].want.sep_line ||
            got.skip != cases[i].want.skip)
            fail_msg("%s: delimiter '%c' quote '%c'%s%s skip %u", cases[i].label,
                got.delimiter ? got.delimiter : '0', got.quote ? got.quote : '0',
                got.backslash ? " backslash" : "", got.sep_line ? " sep line" : "", got.skip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialects),
    };

    return cmocka_run_group_tests_name("csv_sniff", tests, NULL, NULL);
}
