#ifndef OPS_DATE_INT_H
#define OPS_DATE_INT_H

/* What date_read.c and date_print.c share. Names are English and in lower case. */

#include <stddef.h>

const char *date_month_name(int month);          /* From 1. */
const char *date_day_name(int weekday);          /* 0 is Sunday. */
int date_find_month(const char *word, size_t n); /* From 1; 0 when it is none. Three letters do. */
int date_find_day(const char *word, size_t n);   /* From 0; -1 when it is none. */
int date_full_year(int year, int digits);

#endif
