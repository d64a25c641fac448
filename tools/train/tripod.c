#include "tripod.h"

#include <stdio.h>

enum { TOLD_BYTES_MAX = 1 << 16, NUMBER_TEXT_SIZE = 24 };

static size_t events_of(const struct study *study) {
    size_t events = 0;
    for (size_t i = 0; i < study->count; i++)
        events += study->labels[study->rows[i]] == 1;
    return events;
}

static void put_outcomes(struct buffer *out, const struct card *card) {
    for (size_t i = 0; i < card->output_count; i++) {
        const struct study *study = card->outputs[i].study;
        struct text means = json_get_text(study->plan, "means"),
                    column = json_get_text(json_get(study->plan, "label"), "column");
        buffer_put_format(out, "%s%s: %.*s (column %.*s; %zu of %zu visits)", i ? "; " : "", card->outputs[i].name,
            (int)means.size, means.at, (int)column.size, column.at, events_of(study), study->count);
    }
}

static void put_events(struct buffer *out, const struct card *card) {
    for (size_t i = 0; i < card->output_count; i++) {
        size_t events = events_of(card->outputs[i].study);
        buffer_put_format(out, "%s%s %zu events, %.2f for each of the %zu inputs offered", i ? "; " : "",
            card->outputs[i].name, events, (double)events / (double)card->inputs->count, card->inputs->count);
    }
}

static void put_missing(struct buffer *out, const struct card *card, struct arena *arena) {
    const struct triage_model_feature *features = inputs_features(card->inputs, card->model, arena);
    bool any = false;
    for (size_t i = 0; i < card->inputs->count; i++) {
        if (!(features[i].flags & TRIAGE_FEATURE_MEASURED))
            continue;
        buffer_put_format(
            out, "%s%s %.1f %%", any ? ", " : "", features[i].name, 100 * (double)features[i].missing_share);
        any = true;
    }
}

static enum status put_pointer(struct buffer *out, yyjson_doc *numbers, struct text name, struct scope *scope) {
    yyjson_val *value = yyjson_doc_ptr_getn(numbers, name.at, name.size);
    struct text told = value && json_number_text(value).at ? json_number_text(value) : json_text(value);
    if (!told.at)
        return fault(scope, STATUS_INVALID, "tripod_ai", "the card has no %.*s", (int)name.size, name.at);
    buffer_put(out, told);
    return STATUS_OK;
}

static enum status told_expand(struct text *out, struct text told, const struct card *card, yyjson_doc *numbers,
    struct arena *arena, struct scope *scope) {
    struct buffer buffer = buffer_open(arena, TOLD_BYTES_MAX);
    enum status status = STATUS_OK;
    struct text rest = told;
    while (rest.at && status == STATUS_OK) {
        buffer_put(&buffer, text_cut(&rest, '{'));
        if (!rest.at)
            break;
        struct text name = text_cut(&rest, '}');
        if (!rest.at)
            return fault(scope, STATUS_INVALID, "tripod_ai", "a brace is not closed");
        if (text_is(name, "outcomes"))
            put_outcomes(&buffer, card);
        else if (text_is(name, "events"))
            put_events(&buffer, card);
        else if (text_is(name, "missing"))
            put_missing(&buffer, card, arena);
        else
            status = put_pointer(&buffer, numbers, name, scope);
    }
    *out = buffer_text(&buffer);
    return buffer.full ? STATUS_TOO_LARGE : status;
}

enum status tripod_write(
    struct json_writer *w, const struct card *card, yyjson_doc *numbers, struct arena *arena, struct scope *scope) {
    size_t i, count;
    yyjson_val *item;
    json_array_open(w);
    yyjson_arr_foreach(json_get(card->plan, "tripod_ai"), i, count, item) {
        char number[NUMBER_TEXT_SIZE];
        int64_t at = 0;
        struct text told = {0};
        if (!json_get_int64(&at, item, "item"))
            return fault(scope, STATUS_INVALID, "tripod_ai", "an item without its number");
        (void)snprintf(number, sizeof number, "%d", (int)at);
        const yyjson_val *own = json_get(card->model, "tripod_ai");
        enum status status =
            told_expand(&told, json_get(own, number) ? json_get_text(own, number) : json_get_text(item, "told"), card,
                numbers, arena, scope);
        if (status != STATUS_OK)
            return status;
        json_object_open(w);
        json_member_int(w, "item", at);
        json_member_text(w, "topic", json_get_text(item, "topic"));
        json_member_text(w, "told", told);
        json_object_close(w);
    }
    json_array_close(w);
    return STATUS_OK;
}
