/* Codes asked of the terminology module. */
#include "validate/validate.h"

/* A limit or a circle of imports is the value set's fault, not the code's. */
enum status validate_ask_terminology(enum validate_membership *out, struct terminology *terminology,
    const struct validate_coding *coding, struct text value_set, struct scope *scope) {
    struct terminology_coding asked = {.system = coding->system, .code = coding->code};
    struct terminology_answer answer = {0};
    enum terminology_rule rule = coding->system.size > 0 ? TERMINOLOGY_CODING : TERMINOLOGY_CODE_ALONE;
    enum status status = terminology_validate(&answer, terminology, value_set, &asked, rule, scope);
    *out = VALIDATE_UNKNOWN_VALUE_SET;
    if (status != STATUS_OK) {
        return status;
    }
    switch (answer.verdict) {
    case TERMINOLOGY_YES:
        *out = VALIDATE_MEMBER;
        break;
    case TERMINOLOGY_NO:
        *out = VALIDATE_NO_MEMBER;
        break;
    case TERMINOLOGY_UNKNOWN:
        *out = text_equal(answer.missing, value_set) ? VALIDATE_UNKNOWN_VALUE_SET : VALIDATE_UNKNOWN_SYSTEM;
        break;
    }
    return STATUS_OK;
}
