#include "region/said.h"

#include "region/fetch.h"
#include "region/naming.h"

struct said said_of(const yyjson_val *report, const yyjson_val *group) {
    const yyjson_val *own = find_extension(group, EXTENSION_SAID);
    struct text date = json_get_text(report, "date");
    if (own == NULL) {
        return (struct said){date, json_get_text(json_get(report, "reporter"), "reference"), date};
    }
    return (struct said){
        json_get_text(find_extension(own, "at"), "valueInstant"),
        json_get_text(json_get(find_extension(own, "by"), "valueReference"), "reference"),
        json_get_text(find_extension(own, "basis"), "valueInstant"),
    };
}

void said_write(struct json_writer *w, const struct said *said) {
    const struct {
        const char *url;
        struct text value;
    } rows[] = {{"at", said->at}, {"basis", said->basis}};
    json_name(w, "extension");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "url", EXTENSION_SAID);
    json_name(w, "extension");
    json_array_open(w);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].value.size > 0) {
            json_object_open(w);
            json_member_string(w, "url", rows[i].url);
            json_member_text(w, "valueInstant", rows[i].value);
            json_object_close(w);
        }
    }
    json_object_open(w);
    json_member_string(w, "url", "by");
    json_name(w, "valueReference");
    json_object_open(w);
    json_member_text(w, "reference", said->by);
    json_object_close(w);
    json_object_close(w);
    json_array_close(w);
    json_object_close(w);
    json_array_close(w);
}
