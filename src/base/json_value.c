#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* yyjson's reading functions take non-const values but change nothing. */
static yyjson_val *plain(const yyjson_val *value) {
    return (yyjson_val *)value;
}

yyjson_val *json_get(const yyjson_val *object, const char *name) {
    return yyjson_obj_get(plain(object), name);
}

size_t json_count(const yyjson_val *array) {
    return yyjson_arr_size(plain(array));
}

yyjson_val *json_at(const yyjson_val *array, size_t index) {
    return yyjson_arr_get(plain(array), index);
}

struct text json_text(const yyjson_val *value) {
    const char *at = yyjson_get_str(plain(value));
    return at == NULL ? (struct text){NULL, 0} : (struct text){at, yyjson_get_len(plain(value))};
}

struct text json_get_text(const yyjson_val *object, const char *name) {
    return json_text(json_get(object, name));
}

struct text json_number_text(const yyjson_val *value) {
    const char *at = yyjson_get_raw(plain(value));
    return at == NULL ? (struct text){NULL, 0} : (struct text){at, yyjson_get_len(plain(value))};
}

bool json_get_bool(bool *out, const yyjson_val *object, const char *name) {
    yyjson_val *value = json_get(object, name);
    if (!yyjson_is_bool(value)) {
        return false;
    }
    *out = yyjson_get_bool(value);
    return true;
}

bool json_get_int64(int64_t *out, const yyjson_val *object, const char *name) {
    return text_to_int64(out, json_number_text(json_get(object, name)));
}

bool json_get_double(double *out, const yyjson_val *object, const char *name) {
    return text_to_double(out, json_number_text(json_get(object, name)));
}

/* ---- equality --------------------------------------------------------------------------------------------------- */

enum { LOOKUP_MAX = 64 }; /* members up to which looking each up is cheap whatever their order */

static int compare_names(const void *a, const void *b) {
    return text_compare(json_text(*(yyjson_val *const *)a), json_text(*(yyjson_val *const *)b));
}

static void sort_names(yyjson_val **out, const yyjson_val *object) {
    size_t at = 0, count, index;
    yyjson_val *name, *value;
    yyjson_obj_foreach(plain(object), index, count, name, value) {
        (void)value;
        out[at++] = name;
    }
    qsort(out, at, sizeof *out, compare_names);
}

/* Both have `count` members. A client chooses how many there are and in which order, so that looking each up in turn could
 * cost the square of it. */
static bool large_objects_equal(const yyjson_val *a, const yyjson_val *b, size_t count) {
    yyjson_val **names = calloc(count * 2, sizeof(yyjson_val *)); /* the one place without an arena: freed below */
    invariant(names != NULL);
    sort_names(names, a);
    sort_names(names + count, b);
    bool equal = true;
    for (size_t i = 0; equal && i < count; i++) {
        yyjson_val *left = names[i], *right = names[count + i];
        equal = text_equal(json_text(left), json_text(right)) && json_equal(left + 1, right + 1);
    }
    free(names);
    return equal;
}

static bool objects_equal(const yyjson_val *a, const yyjson_val *b) {
    size_t size = yyjson_obj_size(plain(a));
    if (size != yyjson_obj_size(plain(b))) {
        return false;
    }
    if (size > LOOKUP_MAX) {
        return large_objects_equal(a, b, size);
    }
    size_t index, count;
    yyjson_val *name, *value;
    yyjson_obj_foreach(plain(a), index, count, name, value) {
        yyjson_val *other = yyjson_obj_getn(plain(b), yyjson_get_str(name), yyjson_get_len(name));
        if (other == NULL || !json_equal(value, other)) {
            return false;
        }
    }
    return true;
}

static bool arrays_equal(const yyjson_val *a, const yyjson_val *b) {
    if (yyjson_arr_size(plain(a)) != yyjson_arr_size(plain(b))) {
        return false;
    }
    yyjson_val *other = yyjson_arr_get_first(plain(b));
    size_t index, count;
    yyjson_val *value;
    yyjson_arr_foreach(plain(a), index, count, value) {
        if (!json_equal(value, other)) {
            return false;
        }
        other = unsafe_yyjson_get_next(other);
    }
    return true;
}

enum status json_shares(double *out, size_t count, const yyjson_val *array, const char *path, struct scope *scope) {
    double sum = 0;
    if (!yyjson_is_arr(plain(array)) || json_count(array) != count) {
        return fault(scope, STATUS_INVALID, path, "a list of %zu numbers is due", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!text_to_double(&out[i], json_number_text(json_at(array, i))) || out[i] < 0) {
            return fault(scope, STATUS_INVALID, path, "a number from 0 is due");
        }
        sum += out[i];
    }
    return sum > 0 ? STATUS_OK : fault(scope, STATUS_UNPROCESSABLE, path, "all are zero");
}

bool json_equal(const yyjson_val *a, const yyjson_val *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    yyjson_type type = yyjson_get_type(plain(a));
    if (type != yyjson_get_type(plain(b))) {
        return false;
    }
    switch (type) {
    case YYJSON_TYPE_OBJ:
        return objects_equal(a, b);
    case YYJSON_TYPE_ARR:
        return arrays_equal(a, b);
    case YYJSON_TYPE_STR:
        return text_equal(json_text(a), json_text(b));
    case YYJSON_TYPE_RAW:
        return text_equal(json_number_text(a), json_number_text(b));
    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(plain(a)) == yyjson_get_bool(plain(b));
    default:
        return type == YYJSON_TYPE_NULL;
    }
}
