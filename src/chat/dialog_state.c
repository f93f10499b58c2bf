/* The state of a dialog as it is kept between messages. */

#include "chat/dialog.h"

#include <string.h>

static const char *const state_names[DIALOG_STATE_COUNT] = { "idle", "awaiting_file",
    "awaiting_confirmation", "awaiting_parameters", "processing", "completed", "failed",
    "cancelled" };

const char *dialog_state_name(enum dialog_state s)
{
    return s < DIALOG_STATE_COUNT ? state_names[s] : "idle";
}

bool dialog_read(const char *text, struct arena *arena, struct dialog *out, struct err *err)
{
    struct json *o;
    const char *state;

    *out = (struct dialog){ 0 };
    if (!text)
        return true;
    if (!json_parse(text, strlen(text), &o, err))
        return false;
    state = json_get_string(o, "state");
    for (int i = 0; state && i < DIALOG_STATE_COUNT; i++) {
        if (strcmp(state, state_names[i]) == 0)
            out->state = (enum dialog_state)i;
    }
    if (json_get_string(o, "sentence"))
        out->sentence = arena_strdup(arena, json_get_string(o, "sentence"));
    if (json_get_string(o, "missing"))
        out->missing = arena_strdup(arena, json_get_string(o, "missing"));
    if (json_get_string(o, "run"))
        out->run = arena_strdup(arena, json_get_string(o, "run"));
    if (json_get_string(o, "file"))
        out->file = arena_strdup(arena, json_get_string(o, "file"));
    if (json_get_string(o, "remark"))
        out->remark = arena_strdup(arena, json_get_string(o, "remark"));
    if (json_get_string(o, "told"))
        out->told = arena_strdup(arena, json_get_string(o, "told"));
    if (json_kind(json_get(o, "steps")) == JSON_KIND_ARRAY)
        out->steps = json_ref(json_get(o, "steps"));
    json_free(o);
    return true;
}

char *dialog_write(const struct dialog *d)
{
    struct json *o = json_new_object();
    char *text;

    json_set_string(o, "state", dialog_state_name(d->state));
    if (d->steps)
        json_set(o, "steps", json_ref(d->steps));
    if (d->sentence)
        json_set_string(o, "sentence", d->sentence);
    if (d->missing)
        json_set_string(o, "missing", d->missing);
    if (d->run)
        json_set_string(o, "run", d->run);
    if (d->file)
        json_set_string(o, "file", d->file);
    if (d->remark)
        json_set_string(o, "remark", d->remark);
    if (d->told)
        json_set_string(o, "told", d->told);
    text = json_text(o);
    json_free(o);
    return text;
}

void dialog_free(struct dialog *d)
{
    json_free(d->steps);
    d->steps = NULL;
}
