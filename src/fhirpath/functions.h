/* functions: what the table of functions points to, one file for each kind. */
#ifndef SOYANG_FHIRPATH_FUNCTIONS_H
#define SOYANG_FHIRPATH_FUNCTIONS_H

#include "fhirpath/machine.h"

/* Shared rows: what a row's `detail` says. */
enum { ANY_TRUE, ALL_TRUE, ANY_FALSE, ALL_FALSE };
enum { SUBSET, SUPERSET };
enum { TEXT_STARTS, TEXT_ENDS, TEXT_CONTAINS };
enum { TEXT_UPPER, TEXT_LOWER };
enum { TEXT_ENCODE, TEXT_DECODE, TEXT_ESCAPE, TEXT_UNESCAPE };
enum { TEXT_FIRST, TEXT_LAST };
enum { MATH_ABS, MATH_CEILING, MATH_FLOOR, MATH_TRUNCATE };
enum { MATH_EXP, MATH_LN, MATH_SQRT };
enum { CLOCK_NOW, CLOCK_TODAY, CLOCK_TIME };
enum { REPEAT_DISTINCT, REPEAT_ALL };

/* functions_collection.c */
call_run empty_run, exists_run, all_run, truths_run, subset_run, is_distinct_run, distinct_run, count_run;
call_run where_run, select_run, repeat_run, single_run, first_run, last_run, tail_run, skip_run, take_run;
call_run intersect_run, exclude_run, union_run, combine_run, sort_run, aggregate_run, children_run, descendants_run;
/* functions_text.c */
call_run index_of_run, substring_run, text_test_run, text_case_run, replace_run, length_run, to_chars_run, split_run;
call_run join_run, trim_run;
/* functions_encoding.c */
call_run encoding_run;
/* functions_math.c */
call_run rounding_run, real_run, log_run, power_run, round_run, low_high_run, precision_run, comparable_run;
/* functions_conversion.c */
call_run convert_run, converts_run, is_run, of_type_run, type_run, not_run, iif_run, clock_run, trace_run;
/* functions_fhir.c */
call_run extension_run, has_extension_run, has_value_run, get_value_run, resolve_run, member_of_run, conforms_to_run;
call_run check_modifiers_run;
/* narrative.c */
call_run html_checks_run;

#endif
