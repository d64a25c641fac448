/* parameters: what an operation is given, read by name with the element's path in every fault. */
#ifndef SOYANG_REFERRAL_PARAMETERS_H
#define SOYANG_REFERRAL_PARAMETERS_H

#include "referral/referral.h"

/* STATUS_INVALID where one of these stands there twice: which of the two is meant nobody knows. */
MUST_CHECK enum status parameters_once(
    const yyjson_val *parameters, const char *const *names, size_t name_count, struct scope *scope);
/* A Parameters resource; nothing but the names listed may be in it. */
MUST_CHECK enum status parameters_read(
    const yyjson_val **out, struct text body, const char *const *names, size_t name_count, struct scope *scope);
/* The parameter of a name, from the n-th on; *index in and out. NULL when there is none (left). */
const yyjson_val *parameter_find(size_t *index, const yyjson_val *parameters, const char *name);

/* Absent is STATUS_OK with a none. A value of another type is STATUS_INVALID. */
MUST_CHECK enum status parameter_reference(
    struct text *out, const yyjson_val *parameters, const char *name, struct scope *scope);
MUST_CHECK enum status parameter_string(
    struct text *out, const yyjson_val *parameters, const char *name, struct scope *scope);
MUST_CHECK enum status parameter_integer(
    bool *found, int64_t *out, const yyjson_val *parameters, const char *name, struct scope *scope);
MUST_CHECK enum status parameter_boolean(
    bool *found, bool *out, const yyjson_val *parameters, const char *name, struct scope *scope);
const yyjson_val *parameter_resource(const yyjson_val *parameters, const char *name);
/* Path of a parameter, for faults: "Parameters.parameter[2].valueInteger". */
const char *parameter_path(const yyjson_val *parameters, const char *name, const char *member, struct scope *scope);

#endif
