/*
 * Every argument of every operation, walked through the declarations: what is missing, mistyped, out of range, misspelled or
 * no choice is refused at its path, with what is accepted and the nearest name. An operation or argument that is
 * declared tomorrow is walked tomorrow; nothing here names one.
 */

#include "op_fixture.h"

enum { MAX_FIELDS = 64, MAX_PATH = 256 };

/* Where the walk is: a list of fields and how its object is wrapped into the arguments of the operation. */
struct place {
    const struct place *up; /* NULL: the arguments themselves. */
    const struct op *op;
    const struct arg *in; /* The argument of `up` that holds this object. */
    int choice;           /* Where the fields depend on a choice: which. */
    const struct arg *fields[MAX_FIELDS];
    size_t n;
    char path[MAX_PATH]; /* Of the object; "" at the top. */
};

static unsigned checks, faults;

static struct json *valid_value(const struct arg *arg);

/* What makes an object of these fields whole: all that is required, and JSON values, which checks often ask for. */
static struct json *valid_object(const struct arg *const *fields, size_t n)
{
    struct json *object = json_new_object();

    for (size_t i = 0; i < n; i++) {
        if (fields[i]->required || (fields[i]->type == ARG_JSON && !fields[i]->fields_of))
            json_set(object, fields[i]->name, valid_value(fields[i]));
    }
    return object;
}

static struct json *valid_fields(const struct arg *fields)
{
    const struct arg *list[MAX_FIELDS];
    size_t n = 0;

    for (; fields[n].name; n++)
        list[n] = &fields[n];
    return valid_object(list, n);
}

static struct json *listed(struct json *value)
{
    struct json *list = json_new_array();

    json_add(list, value);
    return list;
}

static struct json *keyed(const char *key, struct json *value)
{
    struct json *object = json_new_object();

    json_set(object, key, value);
    return object;
}

static struct json *valid_value(const struct arg *arg)
{
    char text[64] = "x";

    switch (arg->type) {
    case ARG_BOOL:
    case ARG_MAYBE:
        return json_new_bool(true);
    case ARG_INT:
        return json_new_int(arg->min > 1 ? (int64_t)arg->min : 1);
    case ARG_NUMBER:
        return json_new_real(arg->min);
    case ARG_STR:
    case ARG_FILE:
        for (size_t i = 0; i < (size_t)arg->min && i + 1 < sizeof text; i++)
            text[i] = 'x';
        return json_new_string(text);
    case ARG_STRS:
        return listed(json_new_string("x"));
    case ARG_CHOICE:
        return json_new_string(arg->choices[0]);
    case ARG_JSON:
        return arg->fields_of ? json_new_object() : json_new_string("x");
    case ARG_OBJECT:
        return valid_fields(arg->fields);
    case ARG_OBJECTS:
        return listed(valid_fields(arg->fields));
    case ARG_MAP:
        return keyed("key", valid_fields(arg->fields));
    }
    return json_new_object();
}

/* The whole arguments of the operation; at the top those of its first example. */
static struct json *valid_arguments(const struct place *top)
{
    const struct op_example *e = top->op->examples;
    struct json *object = valid_object(top->fields, top->n), *example = NULL;
    struct err err;

    if (!e || !e->title)
        return object;
    if (!json_parse(e->args, strlen(e->args), &example, &err))
        fail_msg("%s: %s", top->op->name, err.text);
    for (size_t i = 0; i < top->n; i++) { /* Files are not in examples. */
        const char *name = top->fields[i]->name;

        if (top->fields[i]->type == ARG_FILE && !json_get(example, name))
            json_set(example, name, json_ref(json_get(object, name)));
    }
    json_free(object);
    return example;
}

static struct json *valid_at(const struct place *at)
{
    return at->up ? valid_object(at->fields, at->n) : valid_arguments(at);
}

/* `object` where the place is, in otherwise right arguments. Takes it over. */
static struct json *wrap(const struct place *at, struct json *object)
{
    struct json *outer, *held = object;

    if (!at->up)
        return object;
    if (at->in->type == ARG_OBJECTS) { /* The second of two, so that paths must count. */
        held = listed(valid_fields(at->in->fields));
        json_add(held, object);
    } else if (at->in->type == ARG_MAP) {
        held = keyed("key", object);
    }
    outer = valid_at(at->up);
    json_set(outer, at->in->name, held);
    if (at->in->fields_of)
        for (size_t i = 0; i < at->up->n; i++) {
            const struct arg *f = at->up->fields[i];

            if (strcmp(f->name, at->in->depends) == 0)
                json_set(outer, f->name, json_new_string(f->choices[at->choice]));
        }
    return wrap(at->up, outer);
}

static void join(const char *path, const char *name, char out[MAX_PATH])
{
    snprintf(out, MAX_PATH, "%.120s%s%.120s", path, path[0] ? "." : "", name);
}

static bool lists(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *p = list; (p = strstr(p, name)) != NULL; p++) {
        if ((p == list || p[-1] == ERR_LIST_SEP) && (p[n] == ERR_LIST_SEP || !p[n]))
            return true;
    }
    return false;
}

struct want {
    const char *path;      /* The argument's path must be this, or (inside) lie in it. */
    const char *sentence;  /* A part of it. */
    const char *suggested; /* The first near name; NULL: none is asked for. */
    const char *const *available;
    bool inside;
};

/* `object` at the place is refused as wanted. */
static void refused(
    const struct place *at, const char *label, struct json *object, const struct want *want)
{
    struct json *arguments = wrap(at, object);
    char *shown = json_text(arguments), wrong[128] = "";
    struct op_args bound;
    struct arena arena;
    struct err err = { 0 };
    size_t n = strlen(want->path), near = want->suggested ? strlen(want->suggested) : 0;

    checks++;
    arena_init(&arena, NULL);
    if (op_bind(at->op, arguments, &arena, &bound, &err))
        snprintf(wrong, sizeof wrong, "was taken");
    else if (err.code != ERR_ARG)
        snprintf(wrong, sizeof wrong, "has code %s", err_name(err.code));
    else if (strncmp(err.argument, want->path, n) != 0 ||
             (err.argument[n] && !(want->inside && strchr("[.", err.argument[n]))))
        snprintf(wrong, sizeof wrong, "is placed at '%.100s'", err.argument);
    else if (want->sentence && !strstr(err.text, want->sentence))
        snprintf(wrong, sizeof wrong, "does not say '%.90s'", want->sentence);
    else if (near && (strncmp(err.suggestions, want->suggested, near) != 0 ||
                         (err.suggestions[near] && err.suggestions[near] != ERR_LIST_SEP)))
        snprintf(wrong, sizeof wrong, "suggests '%.90s'", err.suggestions);
    for (size_t i = 0; !wrong[0] && want->available && want->available[i]; i++) {
        if (!lists(err.available, want->available[i]))
            snprintf(wrong, sizeof wrong, "does not list '%.90s'", want->available[i]);
    }
    if (wrong[0]) {
        print_error(
            "%s: %s at %s: %s %s: %s\n", at->op->name, label, want->path, shown, wrong, err.text);
        faults++;
    }
    free(shown);
    json_free(arguments);
    arena_deinit(&arena);
}

/* The object of the place with one value changed. Takes `value` over. */
static void refused_value(const struct place *at, const char *label, const struct arg *arg,
    struct json *value, const struct want *want)
{
    struct json *object = valid_at(at);

    json_set(object, arg->name, value);
    refused(at, label, object, want);
}

static void parsed_value(const struct place *at, const char *label, const struct arg *arg,
    const char *value, const struct want *want)
{
    refused_value(at, label, arg, json_quoted(value), want);
}

/* ---- what may be wrong ---- */

/* A typo: one letter in the middle twice. */
static void misspell(const char *name, char out[128])
{
    size_t n = strlen(name), mid = n / 2;

    snprintf(out, 128, "%.*s%c%.60s", (int)mid + 1, name, name[mid], name + mid + 1);
}

static void missing(const struct place *at, const struct arg *arg, const char *path)
{
    struct json *object = valid_at(at);

    json_remove(object, arg->name);
    for (const char *const *a = arg->aliases; a && *a; a++)
        json_remove(object, *a);
    refused(at, "missing", object, &(struct want){ .path = path, .sentence = "is required" });
    parsed_value(
        at, "null", arg, "null", &(struct want){ .path = path, .sentence = "is required" });
}

static void wrong_types(const struct place *at, const struct arg *arg, const char *path)
{
    static const struct {
        const char *sentence;
        const char *values[5];
    } by_type[] = {
        [ARG_BOOL] = { "yes or no", { "'maybe'", "2", "[true]", "{}", "1.5" } },
        [ARG_MAYBE] = { "yes or no", { "'maybe'", "2", "[true]", "{}", "1.5" } },
        [ARG_INT] = { "a whole number", { "'ten'", "1.5", "[1]", "{}", "true" } },
        [ARG_NUMBER] = { "a number", { "'ten'", "[1]", "{}", "true", "''" } },
        [ARG_STR] = { "text", { "[]", "{}", "true", "'a\\u0000b'", "['x']" } },
        [ARG_FILE] = { "text", { "[]", "{}", "true", "'a\\u0000b'", "['x']" } },
        [ARG_STRS] = { NULL, { "{}", "true", "[['x']]", "['']", "[null]" } },
        [ARG_CHOICE] = { "It takes: ", { "5", "[]", "{}", "true", "'qqqqqqqqqqqq'" } },
        [ARG_OBJECTS] = { NULL, { "5", "'x'", "true", "[5]", "['x']" } },
        [ARG_MAP] = { NULL, { "5", "'x'", "true", "[5]", "{'': 1}" } },
        [ARG_OBJECT] = { NULL, { "5", "'x'", "[]", "[5]", "['x']" } },
    };
    bool inside = arg->type >= ARG_OBJECT || arg->type == ARG_STRS;

    if (arg->type == ARG_JSON) {
        if (arg->fields_of)
            parsed_value(at, "no object", arg, "5", &(struct want){ .path = path });
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(by_type[arg->type].values); i++) {
        const struct want want = { .path = path,
            .sentence = by_type[arg->type].sentence,
            .available = arg->type == ARG_CHOICE ? arg->choices : NULL,
            .inside = inside };

        parsed_value(at, "wrong type", arg, by_type[arg->type].values[i], &want);
    }
}

/* Any JSON may be declared, but no operation can use all of it. */
static void wrong_json(const struct place *at, const struct arg *arg, const char *path)
{
    static const char *const odd[] = { "{}", "[[]]", "[]", "5", "true" };
    bool found = false;

    if (arg->type != ARG_JSON || arg->fields_of)
        return;
    /* What may stand in place of the object is spoken of as the object. */
    if (at->in && at->in->shorthand && strcmp(at->in->shorthand, arg->name) == 0)
        path = at->path;
    checks++;
    for (size_t i = 0; i < ARRAY_LEN(odd) && !found; i++) {
        struct json *object = valid_at(at), *arguments;
        struct op_args bound;
        struct arena arena;
        struct err err = { 0 };

        json_set(object, arg->name, json_quoted(odd[i]));
        arguments = wrap(at, object);
        arena_init(&arena, NULL);
        found = !op_bind(at->op, arguments, &arena, &bound, &err) && err.code == ERR_ARG &&
                strncmp(err.argument, path, strlen(path)) == 0;
        arena_deinit(&arena);
        json_free(arguments);
    }
    if (!found) {
        print_error("%s: %s takes any JSON\n", at->op->name, path);
        faults++;
    }
}

static void out_of_range(const struct place *at, const struct arg *arg, const char *path)
{
    const struct want want = { .path = path };
    struct json *list;
    char *text;

    if (arg->min == 0 && arg->max == 0)
        return;
    switch (arg->type) {
    case ARG_INT:
    case ARG_NUMBER:
        refused_value(at, "too small", arg, json_new_real(arg->min - 1),
            &(struct want){ .path = path, .sentence = "is not between" });
        refused_value(at, "too large", arg, json_new_real(arg->max * 2 + 1),
            &(struct want){ .path = path, .sentence = "is not between" });
        break;
    case ARG_STR:
        if (arg->min > 0)
            parsed_value(at, "too short", arg, "''", &want);
        text = malloc((size_t)arg->max + 2);
        memset(text, 'x', (size_t)arg->max + 1);
        text[(size_t)arg->max + 1] = '\0';
        refused_value(at, "too long", arg, json_new_string(text),
            &(struct want){ .path = path, .sentence = "longer than" });
        free(text);
        break;
    case ARG_STRS:
    case ARG_OBJECTS:
        if (arg->min > 0)
            parsed_value(
                at, "too few", arg, "[]", &(struct want){ .path = path, .sentence = "is empty" });
        list = json_new_array();
        for (size_t i = 0; i <= (size_t)arg->max && i <= 10000; i++)
            json_add(list, arg->type == ARG_STRS ? json_new_string("x") : json_new_object());
        refused_value(
            at, "too many", arg, list, &(struct want){ .path = path, .sentence = "more than" });
        break;
    case ARG_MAP:
        if (arg->min > 0)
            parsed_value(at, "too few", arg, "{}", &want);
        break;
    default:
        break;
    }
}

static void unknown_choices(const struct place *at, const struct arg *arg, const char *path)
{
    char typo[128];

    for (size_t i = 0; arg->type == ARG_CHOICE && arg->choices[i]; i++) {
        misspell(arg->choices[i], typo);
        refused_value(at, "misspelled choice", arg, json_new_string(typo),
            &(struct want){ .path = path,
                .sentence = "did you mean",
                .suggested = arg->choices[i],
                .available = arg->choices });
    }
}

/* Names of the place as its errors list them. */
static void names_of(const struct place *at, const char *names[MAX_FIELDS])
{
    size_t n = 0;

    for (size_t i = 0; i < at->n; i++) {
        if (!at->fields[i]->hidden)
            names[n++] = at->fields[i]->name;
    }
    names[n] = NULL;
}

static void unknown_key(
    const struct place *at, const char *key, const char *near, const char *sentence)
{
    const char *names[MAX_FIELDS];
    struct json *object = valid_at(at);
    char path[MAX_PATH];

    names_of(at, names);
    join(at->path, key, path);
    json_set(object, key, json_new_int(1));
    refused(at, "unknown name", object,
        &(struct want){
            .path = path, .sentence = sentence, .suggested = near, .available = names });
}

static void unknown_names(const struct place *at, const struct arg *arg)
{
    char typo[128];

    if (arg->hidden)
        return;
    misspell(arg->name, typo);
    unknown_key(at, typo, arg->name, "did you mean");
    for (const char *const *a = arg->aliases; a && *a; a++) {
        misspell(*a, typo);
        unknown_key(at, typo, NULL, "did you mean");
    }
}

/* ---- the walk ---- */

static void walk(const struct place *at);

static void walk_into(const struct place *at, const struct arg *arg, const char *path,
    const struct arg *fields, int choice)
{
    struct place in = { .up = at, .op = at->op, .in = arg, .choice = choice };

    for (; fields[in.n].name; in.n++) {
        assert_true(in.n + 1 < MAX_FIELDS);
        in.fields[in.n] = &fields[in.n];
    }
    snprintf(in.path, sizeof in.path, "%.200s%s", path,
        arg->type == ARG_OBJECTS ? "[1]"
        : arg->type == ARG_MAP   ? ".key"
                                 : "");
    walk(&in);
}

static void walk_argument(const struct place *at, const struct arg *arg)
{
    const struct arg *choice = NULL;
    char path[MAX_PATH];

    join(at->path, arg->name, path);
    if (arg->required)
        missing(at, arg, path);
    wrong_types(at, arg, path);
    wrong_json(at, arg, path);
    out_of_range(at, arg, path);
    unknown_choices(at, arg, path);
    unknown_names(at, arg);
    if (arg->fields)
        walk_into(at, arg, path, arg->fields, 0);
    if (!arg->fields_of)
        return;
    for (size_t i = 0; i < at->n; i++) {
        if (strcmp(at->fields[i]->name, arg->depends) == 0)
            choice = at->fields[i];
    }
    assert_non_null(choice);
    for (int i = 0; choice->choices[i]; i++)
        walk_into(at, arg, path, arg->fields_of(i), i);
}

static void walk(const struct place *at)
{
    unknown_key(at, "qqqqqqqqqqqqqqqq", NULL, at->n ? "It takes: " : "it takes none");
    for (size_t i = 0; i < at->n; i++)
        walk_argument(at, at->fields[i]);
}

static void walk_operations(const struct op *const *ops)
{
    for (; *ops; ops++) {
        struct place top = { .op = *ops };
        struct json *arguments;
        struct op_args bound;
        struct arena arena;
        struct err err;

        while ((top.fields[top.n] = op_arg(*ops, top.n)) != NULL) {
            top.n++;
            assert_true(top.n < MAX_FIELDS);
        }
        /* What the walk spoils one by one is right to begin with. */
        arguments = valid_at(&top);
        arena_init(&arena, NULL);
        if (!op_bind(*ops, arguments, &arena, &bound, &err))
            fail_msg("%s: %s", (*ops)->name, err.text);
        arena_deinit(&arena);
        json_free(arguments);
        walk(&top);
    }
}

static void every_argument_is_checked(void **state)
{
    (void)state;
    walk_operations(op_table);
    walk_operations(op_unlisted);
    print_message(
        "# %u wrong requests, %u of them not refused as they should be\n", checks, faults);
    assert_int_equal(faults, 0);
    assert_true(checks > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_argument_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
