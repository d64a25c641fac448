/* arguments: what an operation is given, from a URL or a Parameters resource. */
#ifndef SOYANG_TERMINOLOGY_ARGUMENTS_H
#define SOYANG_TERMINOLOGY_ARGUMENTS_H

#include "terminology/inquiry.h"

struct argument {
    struct text name;
    struct text value;      /* of a primitive */
    const yyjson_val *node; /* a datatype, a resource, or the whole entry where it has parts */
};
struct arguments {
    struct argument *at;
    size_t count;
    struct scope *scope;
};

/* `body` is a Parameters resource, or the resource that `whole_name` stands for ("valueSet"; NULL: none). Names that are
 * not among `names` (ended by NULL) are refused. */
MUST_CHECK enum status arguments_read(struct arguments *out, const struct terminology_call *call,
    const char *const *names, const char *whole_name, struct scope *scope);

const struct argument *arguments_find(const struct arguments *arguments, const char *name); /* the first; or NULL */
struct text arguments_text(const struct arguments *arguments, const char *name);            /* none: absent */
MUST_CHECK enum status arguments_bool(bool *out, const struct arguments *arguments, const char *name);
MUST_CHECK enum status arguments_count(int64_t *out, const struct arguments *arguments, const char *name);
/* A Coding; in a URL "system|code" or "code". */
bool arguments_coding(struct terminology_coding *out, const struct arguments *arguments, const char *name);
struct terminology_coding arguments_coding_of(const yyjson_val *coding);
/* displayLanguage, the versions of code systems, resources that came along (tx-resource). */
MUST_CHECK enum status arguments_inquiry(
    struct inquiry *out, const struct arguments *arguments, struct terminology *terminology);

/* What is asked about: code and system, coding, or all codings of a codeableConcept. */
struct codings {
    struct terminology_coding *at;
    size_t count;
    enum { CODINGS_CODE, CODINGS_CODING, CODINGS_CONCEPT } form;
};
MUST_CHECK enum status arguments_codings(
    struct codings *out, const struct arguments *arguments, const char *system_name, const char *version_name);

#endif
