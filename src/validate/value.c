/* Values against what a profile fixes: equality, patterns, least and greatest values. */
#include "validate/profile.h"

#include <string.h>

/* ---- fixed and pattern ------------------------------------------------------------------------------------------ */

/* 1.0 and 1.00 are one number, though two precisions. */
static bool is_equal_number(const yyjson_val *a, const yyjson_val *b) {
    uint8_t key_a[FHIR_DECIMAL_KEY_SIZE], key_b[FHIR_DECIMAL_KEY_SIZE];
    struct text text_a = json_number_text(a), text_b = json_number_text(b);
    return text_a.at != NULL && text_b.at != NULL && fhir_decimal_key(key_a, text_a) &&
           fhir_decimal_key(key_b, text_b) && memcmp(key_a, key_b, sizeof key_a) == 0;
}

bool validate_is_fixed(const yyjson_val *value, const yyjson_val *fixed) {
    return value != NULL && (json_equal(value, fixed) || is_equal_number(value, fixed));
}

static bool has_one_like(const yyjson_val *values, const yyjson_val *pattern) {
    size_t index, count;
    yyjson_val *each;
    yyjson_arr_foreach((yyjson_val *)values, index, count, each) {
        if (validate_has_pattern(each, pattern)) {
            return true;
        }
    }
    return false;
}

static bool has_members(const yyjson_val *value, const yyjson_val *pattern) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)pattern);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        const yyjson_val *mine = yyjson_obj_getn((yyjson_val *)value, yyjson_get_str(name), yyjson_get_len(name));
        if (!validate_has_pattern(mine, yyjson_obj_iter_get_val(name))) {
            return false;
        }
    }
    return true;
}

/* Everything that the pattern says is there; of arrays each of its values has one like it, in any order. */
bool validate_has_pattern(const yyjson_val *value, const yyjson_val *pattern) {
    if (value == NULL) {
        return false;
    }
    if (yyjson_is_obj((yyjson_val *)pattern)) {
        return yyjson_is_obj((yyjson_val *)value) && has_members(value, pattern);
    }
    if (yyjson_is_arr((yyjson_val *)pattern)) {
        size_t index, count;
        yyjson_val *each;
        yyjson_arr_foreach((yyjson_val *)pattern, index, count, each) {
            if (!has_one_like(value, each)) {
                return false;
            }
        }
        return true;
    }
    return validate_is_fixed(value, pattern);
}

/* ---- bounds ----------------------------------------------------------------------------------------------------- */

/* < 0, 0, > 0; 0 also where they cannot be compared, or overlap. */
static int compare_numbers(const yyjson_val *a, const yyjson_val *b) {
    uint8_t key_a[FHIR_DECIMAL_KEY_SIZE], key_b[FHIR_DECIMAL_KEY_SIZE];
    struct text text_a = json_number_text(a), text_b = json_number_text(b);
    bool is_number =
        text_a.at != NULL && text_b.at != NULL && fhir_decimal_key(key_a, text_a) && fhir_decimal_key(key_b, text_b);
    return is_number ? memcmp(key_a, key_b, sizeof key_a) : 0;
}

static int compare_moments(const struct validate_run *run, struct text a, struct text b) {
    struct fhir_interval interval_a, interval_b;
    int zone_minutes = run->environment->zone_minutes;
    if (!fhir_interval_parse(&interval_a, a, zone_minutes) || !fhir_interval_parse(&interval_b, b, zone_minutes)) {
        return 0;
    }
    return interval_a.end_us <= interval_b.start_us ? -1 : interval_a.start_us >= interval_b.end_us ? 1 : 0;
}

static int compare_quantities(struct validate_run *run, const yyjson_val *a, const yyjson_val *b) {
    struct text code_a = json_get_text(a, "code"), code_b = json_get_text(b, "code"), unit_a, unit_b;
    struct text number_a = json_number_text(json_get(a, "value")), number_b = json_number_text(json_get(b, "value"));
    double value_a, value_b;
    if (text_equal(code_a, code_b)) {
        return compare_numbers(json_get(a, "value"), json_get(b, "value"));
    }
    if (number_a.at == NULL || number_b.at == NULL || code_a.size == 0 || code_b.size == 0 ||
        !fhirpath_canonical_quantity(&value_a, &unit_a, number_a, code_a, run->scope) ||
        !fhirpath_canonical_quantity(&value_b, &unit_b, number_b, code_b, run->scope) || !text_equal(unit_a, unit_b)) {
        return 0;
    }
    return value_a < value_b ? -1 : value_a > value_b ? 1 : 0;
}

static int compare_values(struct validate_run *run, const struct validate_item *item, const yyjson_val *bound) {
    if (fhir_type_is(item->type, run->validate->quantity)) {
        return compare_quantities(run, item->value, bound);
    }
    if (json_number_text(item->value).at != NULL) {
        return compare_numbers(item->value, bound);
    }
    struct text value = json_text(item->value), limit = json_text(bound);
    if (value.at == NULL || limit.at == NULL) {
        return 0;
    }
    return strcmp(fhir_type_name(item->type), "time") == 0 ? text_compare(value, limit)
                                                           : compare_moments(run, value, limit);
}

enum validate_order validate_compare_bounds(
    struct validate_run *run, const struct validate_node *node, const struct validate_item *item) {
    if (item->value == NULL) {
        return VALIDATE_WITHIN;
    }
    if (node->min_value != NULL && compare_values(run, item, node->min_value) < 0) {
        return VALIDATE_BELOW;
    }
    return node->max_value != NULL && compare_values(run, item, node->max_value) > 0 ? VALIDATE_ABOVE : VALIDATE_WITHIN;
}
