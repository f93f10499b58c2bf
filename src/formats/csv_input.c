/*
 * The text of a CSV file as a block in memory that begins with the record being read.
 */
#include "formats/csv_int.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = CSV_MAX_LINE + CSV_BLOCK };

void csv_input_init(
    struct csv_input *in, struct encoding_reader *reader, uint64_t file_size, struct budget *budget)
{
    *in = (struct csv_input){ .in = reader, .budget = budget };
    /*
     * Small files need no large block: text may take three times the bytes, and one more read finds
     * the end.
     */
    in->first_cap = file_size < CSV_BLOCK / 8 ? (size_t)file_size * 8 + CSV_BLOCK_MIN : CSV_BLOCK;
}

void csv_input_deinit(struct csv_input *in)
{
    free(in->data);
    budget_give(in->budget, in->cap);
    in->data = NULL;
    in->cap = 0;
}

/* Twice the room, as a record may be longer than the block. */
static bool grow(struct csv_input *in, struct err *err)
{
    size_t cap = in->cap ? in->cap * 2 : in->first_cap;
    char *data;

    if (cap > INPUT_MAX)
        cap = INPUT_MAX;
    if (!budget_take(in->budget, cap - in->cap))
        return err_set(
            err, ERR_BUDGET, "a line of %zu bytes is more than the memory limit allows", in->end);
    data = realloc(in->data, cap);
    if (!data) {
        budget_give(in->budget, cap - in->cap);
        return err_nomem(err);
    }
    in->data = data;
    in->cap = cap;
    return true;
}

static void show_more(struct csv_input *in)
{
    in->limit = in->step && in->end - in->limit > in->step ? in->limit + in->step : in->end;
}

bool csv_input_eof(const struct csv_input *in)
{
    return in->drained && in->limit == in->end;
}

/* DOS editors end a text with Ctrl-Z. */
static void drop_ctrl_z(struct csv_input *in)
{
    while (in->end > 0 && in->data[in->end - 1] == 0x1a)
        in->end--;
    if (in->limit > in->end)
        in->limit = in->end;
}

bool csv_input_fill(struct csv_input *in, size_t *pos, struct err *err)
{
    size_t n;

    if (in->limit < in->end) {
        show_more(in);
        return true;
    }
    if (in->drained)
        return true;
    if (*pos > 0) {
        memmove(in->data, in->data + *pos, in->end - *pos);
        in->base += *pos;
        in->end -= *pos;
        in->limit = in->end;
        *pos = 0;
    }
    if (in->end >= CSV_MAX_LINE)
        return err_set(err, ERR_BUDGET, "a line is longer than %d MB", CSV_MAX_LINE >> 20);
    if (in->cap - in->end <= in->cap / 2 && !grow(in, err))
        return false;
    if (!encoding_reader_read(in->in, in->data + in->end, in->cap - in->end, &n, err))
        return false;
    in->end += n;
    in->drained = n == 0;
    if (in->drained)
        drop_ctrl_z(in);
    show_more(in);
    return true;
}

void csv_input_leave(struct csv_input *in)
{
    in->base += in->end;
    in->end = in->limit = 0;
    in->left = true;
}

bool csv_input_put(
    struct csv_input *in, const char *text, size_t n, uint64_t base, bool drained, struct err *err)
{
    while (in->cap < n) {
        if (!grow(in, err))
            return false;
    }
    memcpy(in->data, text, n);
    in->base = base;
    in->end = in->limit = n;
    in->drained = drained;
    in->left = false;
    if (drained)
        drop_ctrl_z(in);
    return true;
}

bool csv_input_rewind(struct csv_input *in, struct err *err)
{
    if (in->base > 0 || in->left || encoding_reader_skimmed(in->in)) {
        if (!encoding_reader_rewind(in->in, err))
            return false;
        in->base = 0;
        in->end = 0;
        in->drained = in->left = false;
    }
    in->limit = 0;
    show_more(in);
    return true;
}
