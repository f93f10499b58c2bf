/* Words that mean others: what people say, and what stands in a file. */

#include "chat/table.h"

#include <string.h>

/* Words that are no part of a column's name on their own. */
static const char *const common[] = { "the", "and", "for", "not", "are", "has", "have", "had",
    "was", "were", "all", "any", "can", "please", "with", "without", "from", "into", "that", "this",
    "these", "those", "them", "their", "where", "which", "who", "whose", "only", "just", "than",
    "then", "them", "more", "less", "over", "under", "above", "below", "before", "after", "since",
    "between", "keep", "find", "show", "give", "get", "take", "make", "save", "list", "want",
    "like", "some", "each", "every", "data", "file", "rows", "row", "column", "columns", "table",
    "sheet", "values", "value", "empty", "blank", "missing", "equal", "equals", "contains",
    "contain", "starts", "ends", "other", "same", "also", "drop", "remove", "delete", "filter",
    "extract", "select", "export", "convert", "create", "generate", "format", "round", "trim",
    "clean", "fill", "join", "merge", "rename", "call", "named", "called", "json", "excel", "xlsx",
    "unique", "lower", "upper", "case", "decimal", "decimals", "number", "numbers", "last", "first",
    "people", "everyone", "customers", "excepts", "except", "there", "here", "when", "how", "many",
    "much", "what", "mean", "none", "unknown", "zero", "sort", "sorted", "spaces", "inside", "does",
    "don't", "isn't", NULL };

/* What people say, and the word that a column's name would have. */
static const char *const senses[][2] = { { "born", "birth" }, { "birthday", "birth" },
    { "cost", "price" }, { "costs", "price" }, { "costing", "price" }, { "cheaper", "price" },
    { "expensive", "price" }, { "mail", "email" }, { "mails", "email" }, { "e-mail", "email" },
    { "e-mails", "email" }, { "telephone", "phone" }, { "mobile", "phone" },
    { "surname", "last name" }, { "surnames", "last name" }, { "restocked", "restock" },
    { "town", "city" }, { "wage", "salary" }, { "earns", "salary" }, { "earning", "salary" },
    { "registered", "signed up" }, { "joined", "signed up" }, { "ordered", "order date" },
    { "identifier", "id" } };

/* Words of a name that are another one in some files: the invoice number is "Invoice No". */
static const char *const same_words[][2] = { { "number", "no" }, { "number", "nr" },
    { "number", "num" }, { "amount", "amt" }, { "quantity", "qty" } };

bool chat_is_common(const char *key)
{
    for (const char *const *c = common; *c; c++) {
        if (strcmp(*c, key) == 0)
            return true;
    }
    return false;
}

const char *chat_sense(const char *key, size_t *k)
{
    while (*k < ARRAY_LEN(senses) && strcmp(key, senses[*k][0]) != 0)
        *k += 1;
    return *k < ARRAY_LEN(senses) ? senses[(*k)++][1] : NULL;
}

bool chat_has_such_word(const char *key, const char *word, const char *singular)
{
    if (chat_has_word(key, word) || chat_has_word(key, singular))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(same_words); i++) {
        if (strcmp(singular, same_words[i][0]) == 0 && chat_has_word(key, same_words[i][1]))
            return true;
    }
    return false;
}

bool chat_has_other_form(const char *singular)
{
    for (size_t i = 0; i < ARRAY_LEN(same_words); i++) {
        if (strcmp(singular, same_words[i][0]) == 0)
            return true;
    }
    return false;
}

const char *chat_other_value(const char *key)
{
    static const char *const words[][2] = { { "men", "male" }, { "man", "male" },
        { "women", "female" }, { "woman", "female" }, { "euros", "eur" }, { "euro", "eur" },
        { "€", "eur" }, { "dollars", "usd" }, { "dollar", "usd" }, { "$", "usd" },
        { "pounds", "gbp" }, { "pound", "gbp" }, { "£", "gbp" }, { "yen", "jpy" }, { "¥", "jpy" },
        { "francs", "chf" } };

    for (size_t i = 0; key && i < ARRAY_LEN(words); i++) {
        if (strcmp(key, words[i][0]) == 0)
            return words[i][1];
    }
    return NULL;
}
