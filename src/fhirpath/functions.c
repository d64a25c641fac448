#include "fhirpath/functions.h"

#include "fhirpath/pattern.h"

/* One row for each function: FHIRPath 2.0.0 sections 5 and 6, R4's own (hl7.org/fhir/R4/fhirpath.html), and those of later
 * FHIRPath that the R4 suite asks for. Sorted by nothing but section. */
#define SYSTEM RESULT_SYSTEM
static const struct function functions[] = {
    /* existence (5.1) */
    {"empty", 0, 0, ARGUMENT_VALUE, empty_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"exists", 0, 1, ARGUMENT_EACH, exists_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"all", 1, 1, ARGUMENT_EACH, all_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"anyTrue", 0, 0, ARGUMENT_VALUE, truths_run, ANY_TRUE, SYSTEM, FHIRPATH_BOOLEAN},
    {"allTrue", 0, 0, ARGUMENT_VALUE, truths_run, ALL_TRUE, SYSTEM, FHIRPATH_BOOLEAN},
    {"anyFalse", 0, 0, ARGUMENT_VALUE, truths_run, ANY_FALSE, SYSTEM, FHIRPATH_BOOLEAN},
    {"allFalse", 0, 0, ARGUMENT_VALUE, truths_run, ALL_FALSE, SYSTEM, FHIRPATH_BOOLEAN},
    {"subsetOf", 1, 1, ARGUMENT_VALUE, subset_run, SUBSET, SYSTEM, FHIRPATH_BOOLEAN},
    {"supersetOf", 1, 1, ARGUMENT_VALUE, subset_run, SUPERSET, SYSTEM, FHIRPATH_BOOLEAN},
    {"isDistinct", 0, 0, ARGUMENT_VALUE, is_distinct_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"distinct", 0, 0, ARGUMENT_VALUE, distinct_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"count", 0, 0, ARGUMENT_VALUE, count_run, 0, SYSTEM, FHIRPATH_INTEGER},
    /* filtering and projection (5.2) */
    {"where", 1, 1, ARGUMENT_EACH, where_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"select", 1, 1, ARGUMENT_EACH, select_run, 0, RESULT_ARGUMENT, FHIRPATH_NODE},
    {"repeat", 1, 1, ARGUMENT_EACH, repeat_run, REPEAT_DISTINCT, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"repeatAll", 1, 1, ARGUMENT_EACH, repeat_run, REPEAT_ALL, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"ofType", 1, 1, ARGUMENT_TYPE, of_type_run, 0, RESULT_TYPE, FHIRPATH_NODE},
    /* subsetting (5.3) */
    {"single", 0, 0, ARGUMENT_VALUE, single_run, 0, RESULT_FOCUS_ONE, FHIRPATH_NODE},
    {"first", 0, 0, ARGUMENT_VALUE, first_run, 0, RESULT_FOCUS_ONE, FHIRPATH_NODE},
    {"last", 0, 0, ARGUMENT_VALUE, last_run, 0, RESULT_FOCUS_ONE, FHIRPATH_NODE},
    {"tail", 0, 0, ARGUMENT_VALUE, tail_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"skip", 1, 1, ARGUMENT_VALUE, skip_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"take", 1, 1, ARGUMENT_VALUE, take_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"intersect", 1, 1, ARGUMENT_VALUE, intersect_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"exclude", 1, 1, ARGUMENT_VALUE, exclude_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    /* combining (5.4) */
    {"union", 1, 1, ARGUMENT_VALUE, union_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"combine", 1, 1, ARGUMENT_VALUE, combine_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    /* conversion (5.5) */
    {"iif", 2, 3, ARGUMENT_EACH, iif_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"toBoolean", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_BOOLEAN, SYSTEM, FHIRPATH_BOOLEAN},
    {"convertsToBoolean", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_BOOLEAN, SYSTEM, FHIRPATH_BOOLEAN},
    {"toInteger", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_INTEGER, SYSTEM, FHIRPATH_INTEGER},
    {"convertsToInteger", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_INTEGER, SYSTEM, FHIRPATH_BOOLEAN},
    {"toDate", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_DATE, SYSTEM, FHIRPATH_DATE},
    {"convertsToDate", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_DATE, SYSTEM, FHIRPATH_BOOLEAN},
    {"toDateTime", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_DATETIME, SYSTEM, FHIRPATH_DATETIME},
    {"convertsToDateTime", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_DATETIME, SYSTEM, FHIRPATH_BOOLEAN},
    {"toTime", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_TIME, SYSTEM, FHIRPATH_TIME},
    {"convertsToTime", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_TIME, SYSTEM, FHIRPATH_BOOLEAN},
    {"toDecimal", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_DECIMAL, SYSTEM, FHIRPATH_DECIMAL},
    {"convertsToDecimal", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_DECIMAL, SYSTEM, FHIRPATH_BOOLEAN},
    {"toQuantity", 0, 1, ARGUMENT_VALUE, convert_run, FHIRPATH_QUANTITY, SYSTEM, FHIRPATH_QUANTITY},
    {"convertsToQuantity", 0, 1, ARGUMENT_VALUE, converts_run, FHIRPATH_QUANTITY, SYSTEM, FHIRPATH_BOOLEAN},
    {"toString", 0, 0, ARGUMENT_VALUE, convert_run, FHIRPATH_STRING, SYSTEM, FHIRPATH_STRING},
    {"convertsToString", 0, 0, ARGUMENT_VALUE, converts_run, FHIRPATH_STRING, SYSTEM, FHIRPATH_BOOLEAN},
    /* strings (5.6) */
    {"indexOf", 1, 1, ARGUMENT_VALUE, index_of_run, TEXT_FIRST, SYSTEM, FHIRPATH_INTEGER},
    {"lastIndexOf", 1, 1, ARGUMENT_VALUE, index_of_run, TEXT_LAST, SYSTEM, FHIRPATH_INTEGER},
    {"substring", 1, 2, ARGUMENT_VALUE, substring_run, 0, SYSTEM, FHIRPATH_STRING},
    {"startsWith", 1, 1, ARGUMENT_VALUE, text_test_run, TEXT_STARTS, SYSTEM, FHIRPATH_BOOLEAN},
    {"endsWith", 1, 1, ARGUMENT_VALUE, text_test_run, TEXT_ENDS, SYSTEM, FHIRPATH_BOOLEAN},
    {"contains", 1, 1, ARGUMENT_VALUE, text_test_run, TEXT_CONTAINS, SYSTEM, FHIRPATH_BOOLEAN},
    {"upper", 0, 0, ARGUMENT_VALUE, text_case_run, TEXT_UPPER, SYSTEM, FHIRPATH_STRING},
    {"lower", 0, 0, ARGUMENT_VALUE, text_case_run, TEXT_LOWER, SYSTEM, FHIRPATH_STRING},
    {"replace", 2, 2, ARGUMENT_VALUE, replace_run, 0, SYSTEM, FHIRPATH_STRING},
    {"matches", 1, 1, ARGUMENT_VALUE, matches_run, PATTERN_PART, SYSTEM, FHIRPATH_BOOLEAN},
    {"matchesFull", 1, 1, ARGUMENT_VALUE, matches_run, PATTERN_FULL, SYSTEM, FHIRPATH_BOOLEAN},
    {"replaceMatches", 2, 2, ARGUMENT_VALUE, replace_matches_run, PATTERN_REPLACE, SYSTEM, FHIRPATH_STRING},
    {"length", 0, 0, ARGUMENT_VALUE, length_run, 0, SYSTEM, FHIRPATH_INTEGER},
    {"toChars", 0, 0, ARGUMENT_VALUE, to_chars_run, 0, RESULT_UNKNOWN, FHIRPATH_STRING},
    {"split", 1, 1, ARGUMENT_VALUE, split_run, 0, RESULT_UNKNOWN, FHIRPATH_STRING},
    {"join", 0, 1, ARGUMENT_VALUE, join_run, 0, SYSTEM, FHIRPATH_STRING},
    {"trim", 0, 0, ARGUMENT_VALUE, trim_run, 0, SYSTEM, FHIRPATH_STRING},
    {"encode", 1, 1, ARGUMENT_VALUE, encoding_run, TEXT_ENCODE, SYSTEM, FHIRPATH_STRING},
    {"decode", 1, 1, ARGUMENT_VALUE, encoding_run, TEXT_DECODE, SYSTEM, FHIRPATH_STRING},
    {"escape", 1, 1, ARGUMENT_VALUE, encoding_run, TEXT_ESCAPE, SYSTEM, FHIRPATH_STRING},
    {"unescape", 1, 1, ARGUMENT_VALUE, encoding_run, TEXT_UNESCAPE, SYSTEM, FHIRPATH_STRING},
    /* math (5.7) */
    {"abs", 0, 0, ARGUMENT_VALUE, rounding_run, MATH_ABS, RESULT_UNKNOWN, FHIRPATH_DECIMAL},
    {"ceiling", 0, 0, ARGUMENT_VALUE, rounding_run, MATH_CEILING, SYSTEM, FHIRPATH_INTEGER},
    {"floor", 0, 0, ARGUMENT_VALUE, rounding_run, MATH_FLOOR, SYSTEM, FHIRPATH_INTEGER},
    {"truncate", 0, 0, ARGUMENT_VALUE, rounding_run, MATH_TRUNCATE, SYSTEM, FHIRPATH_INTEGER},
    {"exp", 0, 0, ARGUMENT_VALUE, real_run, MATH_EXP, SYSTEM, FHIRPATH_DECIMAL},
    {"ln", 0, 0, ARGUMENT_VALUE, real_run, MATH_LN, SYSTEM, FHIRPATH_DECIMAL},
    {"sqrt", 0, 0, ARGUMENT_VALUE, real_run, MATH_SQRT, SYSTEM, FHIRPATH_DECIMAL},
    {"log", 1, 1, ARGUMENT_VALUE, log_run, 0, SYSTEM, FHIRPATH_DECIMAL},
    {"power", 1, 1, ARGUMENT_VALUE, power_run, 0, RESULT_UNKNOWN, FHIRPATH_DECIMAL},
    {"round", 0, 1, ARGUMENT_VALUE, round_run, 0, SYSTEM, FHIRPATH_DECIMAL},
    /* tree navigation (5.8) */
    {"children", 0, 0, ARGUMENT_VALUE, children_run, 0, RESULT_CHILDREN, FHIRPATH_NODE},
    {"descendants", 0, 0, ARGUMENT_VALUE, descendants_run, 0, RESULT_CHILDREN, FHIRPATH_NODE},
    /* utility (5.9) */
    {"trace", 1, 2, ARGUMENT_VALUE, trace_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"now", 0, 0, ARGUMENT_VALUE, clock_run, CLOCK_NOW, SYSTEM, FHIRPATH_DATETIME},
    {"today", 0, 0, ARGUMENT_VALUE, clock_run, CLOCK_TODAY, SYSTEM, FHIRPATH_DATE},
    {"timeOfDay", 0, 0, ARGUMENT_VALUE, clock_run, CLOCK_TIME, SYSTEM, FHIRPATH_TIME},
    {"lowBoundary", 0, 1, ARGUMENT_VALUE, low_high_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"highBoundary", 0, 1, ARGUMENT_VALUE, low_high_run, 1, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"precision", 0, 0, ARGUMENT_VALUE, precision_run, 0, SYSTEM, FHIRPATH_INTEGER},
    {"comparable", 1, 1, ARGUMENT_VALUE, comparable_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"sort", 0, FUNCTION_ARGUMENTS_MAX, ARGUMENT_EACH, sort_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    /* types, logic, aggregates (6.3, 6.5, 7) */
    {"is", 1, 1, ARGUMENT_TYPE, is_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"as", 1, 1, ARGUMENT_TYPE, of_type_run, 0, RESULT_TYPE, FHIRPATH_NODE},
    {"type", 0, 0, ARGUMENT_VALUE, type_run, 0, RESULT_UNKNOWN, FHIRPATH_TYPE},
    {"not", 0, 0, ARGUMENT_VALUE, not_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"aggregate", 1, 2, ARGUMENT_EACH, aggregate_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    /* R4's own */
    {"extension", 1, 1, ARGUMENT_VALUE, extension_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"hasExtension", 1, 1, ARGUMENT_VALUE, has_extension_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"hasValue", 0, 0, ARGUMENT_VALUE, has_value_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"getValue", 0, 0, ARGUMENT_VALUE, get_value_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"resolve", 0, 0, ARGUMENT_VALUE, resolve_run, 0, RESULT_UNKNOWN, FHIRPATH_NODE},
    {"memberOf", 1, 1, ARGUMENT_VALUE, member_of_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"conformsTo", 1, 1, ARGUMENT_VALUE, conforms_to_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
    {"checkModifiers", 1, FUNCTION_ARGUMENTS_MAX, ARGUMENT_VALUE, check_modifiers_run, 0, RESULT_FOCUS, FHIRPATH_NODE},
    {"htmlChecks", 0, 0, ARGUMENT_VALUE, html_checks_run, 0, SYSTEM, FHIRPATH_BOOLEAN},
};

const struct function *function_find(struct text name) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (text_is(name, functions[i].name)) {
            return &functions[i];
        }
    }
    return NULL;
}
