/*
 * What people call each rule, for the bot: lower case, the longest phrase that is said wins. A rule without a line here
 * does not compile.
 */

#include "ops/rules/rule.h"

#define SAYS(name, ...) static const char *const says_##name[] = { __VA_ARGS__, NULL }

/* clang-format off */
SAYS(uppercase, "uppercase", "upper case", "upper-case", "uppercased", "in capitals", "all caps", "capital letters", "in capital letters", "capitals", "in caps", "to capitals");
SAYS(lowercase, "lowercase", "lower case", "lower-case", "lowercased", "small letters");
SAYS(title_case, "title case", "titlecase", "title-case", "capitalize", "capitalise", "capitalized", "proper case", "capitalization");
SAYS(trim_whitespace, "trim", "trim spaces", "trim whitespace", "trim blanks", "strip spaces", "strip whitespace", "strip blanks",
    "remove spaces", "remove extra spaces", "remove whitespace", "extra spaces", "leading and trailing spaces", "trim the spaces", "trim spaces in", "trim spaces from");
SAYS(remove_special_chars, "special characters", "special chars", "strip special characters", "remove special characters",
    "remove punctuation", "punctuation", "strip punctuation");
SAYS(phone_format, "format the phone", "format phone", "format phones", "format the phones", "phone format", "format telephone", "normalize phone",
    "normalise phone", "format the telephone", "normalize the phone", "clean up the phone", "standardize phone", "clean the phone", "clean phone");
SAYS(email_format, "normalize email", "normalise email", "normalize emails", "normalize the email", "normalize the emails", "clean email", "clean emails", "clean the email",
    "clean the emails", "clean up email", "clean up emails", "clean up the email", "clean up the emails", "email format", "fix the emails", "fix emails", "standardize emails", "standardize email", "standardize the emails");
SAYS(name_format, "name format", "normalize names", "normalize the names", "format the names", "format names", "clean the names", "clean names", "clean up the names", "tidy the names", "tidy names", "fix the names");
SAYS(min_max_scale, "min max", "min-max", "minmax", "min max scale", "scale", "rescale", "scale between 0 and 1", "to a range of 0 to 1");
SAYS(z_score, "z score", "z-score", "zscore", "standard score", "standard scores", "z scores", "z-scores", "standardize the numbers");
SAYS(round_decimal, "round", "rounded", "round off", "round to", "round to whole numbers", "round to the nearest", "round up or down");
SAYS(integer_convert, "to integer", "to integers", "to whole number", "as integer", "as integers", "truncate", "cut the decimals", "drop the decimals", "remove the decimals", "into integers", "into an integer", "convert to integer", "whole numbers", "to whole numbers", "into whole numbers", "as whole numbers", "into whole number", "to an integer");
SAYS(currency_format, "currency", "currency format", "clean currency", "amounts of money", "remove currency symbols", "remove the currency symbol", "strip currency", "strip the dollar signs", "strip the £", "strip the €", "strip the $", "remove the £", "remove the €", "remove the $",
    "drop the £", "drop the €", "drop the $", "remove the currency", "without the currency sign", "remove currency signs", "parse currency", "money to number", "into a number", "into numbers", "a number", "to a number", "to numbers", "as a number", "as numbers", "numeric", "to numeric");
SAYS(date_format, "date format", "format dates", "format date", "format the date", "format the dates", "reformat the dates", "reformat dates", "reformat", "as date", "as dates", "normalize dates",
    "normalize the dates", "normalize date", "standardize dates", "standardize the dates", "iso dates", "fix the dates", "format");
SAYS(datetime_format, "datetime format", "format datetime", "as datetime", "date and time", "normalize timestamps", "format the timestamp", "timestamp format");
SAYS(boolean_convert, "to boolean", "to booleans", "as boolean", "as booleans", "into booleans", "true/false", "true or false", "true and false", "to true/false", "into true/false");
SAYS(yes_no_convert, "yes/no", "yes or no", "yes and no", "to yes/no", "into yes/no", "yes no");
SAYS(regex_replace, "regex", "regular expression", "regex replace");
SAYS(fill_null_values, "fill", "fill in", "fill empty", "fill blank", "fill blanks", "fill missing", "replace missing", "replace empty", "replace blank",
    "replace blanks", "replace nulls", "fill nulls", "fill the blanks", "fill the gaps", "fill gaps in", "replace the blanks", "replace the empty", "replace the missing", "fill the missing", "fill the empty");
SAYS(outlier_removal, "outlier", "outliers", "remove outliers", "drop outliers", "without outliers");
SAYS(date_extract_year, "year of", "the year of", "year from", "the year from", "the years of", "extract the year", "extract year", "year part", "just the year", "only the year", "the year only", "year only", "to the year", "to year", "to years");
SAYS(date_extract_month, "month of", "the month of", "month from", "the month from", "extract the month", "extract month", "month part", "just the month", "only the month", "the month only", "month only", "to the month");
SAYS(date_extract_day, "day of", "the day of", "day from", "the day from", "extract the day", "extract day", "day part", "just the day", "only the day", "the day only", "day only", "to the day");
SAYS(categorical_mapping, "replace", "map the values", "map values", "recode", "substitute");
/* clang-format on */

static const char *const *const all_says[] = {
#define ENTRY(name) says_##name,
    RULES(ENTRY)
#undef ENTRY
};

const char *const *rule_says(const struct rule *rule)
{
    for (size_t i = 0; rule_table[i]; i++) {
        if (rule_table[i] == rule)
            return all_says[i];
    }
    return NULL;
}
