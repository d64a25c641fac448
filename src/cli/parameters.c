#include "cli/parameters.h"

const yyjson_val *answer_part(const yyjson_val *owner, const char *list, const char *name) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(owner, list), index, count, item) {
        if (text_is(json_get_text(item, "name"), name))
            return item;
    }
    return NULL;
}

double answer_part_number(const yyjson_val *owner, const char *name) {
    static const char *const types[] = {"valueDecimal", "valueInteger"};
    double number = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (json_get_double(&number, answer_part(owner, "part", name), types[i]))
            return number;
    return 0;
}

bool answer_part_true(const yyjson_val *owner, const char *name) {
    bool value = false;
    return json_get_bool(&value, answer_part(owner, "part", name), "valueBoolean") && value;
}

struct text answer_part_text(const yyjson_val *owner, const char *name) {
    const yyjson_val *part = answer_part(owner, "part", name);
    struct text value = json_get_text(part, "valueString");
    return value.at != NULL ? value : json_get_text(part, "valueCode");
}

struct text answer_part_display(const yyjson_val *owner, const char *name) {
    const yyjson_val *reference = json_get(answer_part(owner, "part", name), "valueReference");
    struct text display = json_get_text(reference, "display");
    return display.at != NULL ? display : json_get_text(reference, "reference");
}
