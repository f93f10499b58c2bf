/*
 * What a language model may propose: operations whose columns can be followed, with the arguments that their
 * description tells. How a file is read stays as it was when the columns were looked at.
 */

#include "chat/model.h"

#include <string.h>

const struct model_offer model_offers[] = {
    { "excel/search", { "conditions", "logic" } },
    { "excel/extract-columns-to-file", { "columns", "remove_duplicates" } },
    { "excel/extract-columns", { "columns", "remove_duplicates" } },
    { "normalization/apply", { "normalizations" } },
    { "excel/map-columns", { "mapping", "keep_unmapped" } },
    { "excel/bind-single-key",
        { "bind_file", "comparison_column", "bind_comparison_column", "bind_columns" } },
    { "sql/generate", { "table_name", "database_type" } },
    { "json/generate", { "columns" } },
    { "csv/convert-to-excel", { NULL } },
    { "excel/convert-to-csv", { NULL } },
    { 0 },
};

const struct model_offer *model_offer_find(const char *operation)
{
    for (const struct model_offer *o = model_offers; o->operation; o++) {
        if (strcmp(o->operation, operation) == 0)
            return o;
    }
    return NULL;
}

bool model_offer_has(const struct model_offer *offer, const char *argument)
{
    if (strcmp(argument, "output_format") == 0 || strcmp(argument, "output_filename") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(offer->arguments) && offer->arguments[i]; i++) {
        if (strcmp(offer->arguments[i], argument) == 0)
            return true;
    }
    return false;
}
