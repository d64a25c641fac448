/* Bindings: is what is coded in the value set? A required one is an error where it is not, an extensible one a warning; what
 * cannot be told for want of a value set or a code system is information, said once. */
#include "validate/run.h"

enum validate_membership validate_check_coding(
    struct validate_run *run, const struct validate_coding *coding, struct text value_set) {
    enum validate_membership membership = VALIDATE_UNKNOWN_VALUE_SET;
    const struct validate_environment *environment = run->environment;
    if (environment->check_code == NULL || validate_is_over(run)) {
        return membership;
    }
    struct scope scope = validate_side_scope(run);
    enum status status = environment->check_code(&membership, environment->context, coding, value_set, &scope);
    if (status != STATUS_OK) {
        (void)validate_stops(run, status);
        membership = VALIDATE_UNKNOWN_VALUE_SET;
    }
    return membership;
}

static enum validate_membership better(enum validate_membership a, enum validate_membership b) {
    if (a == VALIDATE_MEMBER || b == VALIDATE_MEMBER) {
        return VALIDATE_MEMBER;
    }
    return a == VALIDATE_NO_MEMBER ? b : a;
}

/* A concept is in when one of its codings is. */
bool validate_find_membership(
    enum validate_membership *out, struct validate_run *run, const struct validate_item *item, struct text value_set) {
    const struct validate *v = run->validate;
    struct validate_coding coding = {json_get_text(item->value, "system"), json_get_text(item->value, "code")};
    if (fhir_type_is(item->type, v->codeable_concept)) {
        size_t index, count;
        yyjson_val *each;
        bool has_code = false;
        *out = VALIDATE_NO_MEMBER;
        yyjson_arr_foreach((yyjson_val *)json_get(item->value, "coding"), index, count, each) {
            struct validate_coding one = {json_get_text(each, "system"), json_get_text(each, "code")};
            if (one.code.size > 0) {
                has_code = true;
                *out = better(*out, validate_check_coding(run, &one, value_set));
            }
        }
        return has_code;
    }
    if (fhir_type_kind(item->type) == FHIR_PRIMITIVE) {
        coding = (struct validate_coding){.code = json_text(item->value)};
    } else if (!fhir_type_is(item->type, v->coding) && !fhir_type_is(item->type, v->quantity)) {
        *out = VALIDATE_MEMBER; /* a type that bindings say nothing about */
        return true;
    }
    *out = coding.code.size > 0 ? validate_check_coding(run, &coding, value_set) : VALIDATE_NO_MEMBER;
    return coding.code.size > 0;
}

const char *validate_unknown_words(enum validate_membership membership) {
    return membership == VALIDATE_UNKNOWN_SYSTEM ? "a code system that it draws on is not known here"
                                                 : "it is not known, or cannot be expanded here";
}

static void say_unknown(struct validate_run *run, const struct validate_frame *frame,
    enum validate_membership membership, struct text value_set) {
    if (run->environment->check_code == NULL) {
        if (validate_first_time(run, "terminology", TEXT("all"))) {
            validate_say(run, VALIDATE_INFORMATION, "not-supported", NULL, frame,
                "codes are not checked: there is no terminology here");
        }
        return;
    }
    if (validate_first_time(run, membership == VALIDATE_UNKNOWN_SYSTEM ? "system" : "value set", value_set)) {
        validate_say(run, VALIDATE_INFORMATION, "not-found", NULL, frame, "not checked against value set %.*s: %s",
            (int)value_set.size, value_set.at, validate_unknown_words(membership));
    }
}

void validate_check_binding(struct validate_run *run, const struct validate_frame *frame,
    const struct validate_item *item, enum validate_strength strength, struct text value_set) {
    enum validate_membership membership = VALIDATE_MEMBER;
    if (item->value == NULL || value_set.size == 0 || strength < VALIDATE_EXTENSIBLE) {
        return;
    }
    enum validate_severity severity = strength == VALIDATE_REQUIRED ? VALIDATE_ERROR : VALIDATE_WARNING;
    if (!validate_find_membership(&membership, run, item, value_set)) {
        /* words alone are what an extensible binding allows where no code fits; a Quantity may have no unit */
        if (strength == VALIDATE_REQUIRED && fhir_type_is(item->type, run->validate->codeable_concept)) {
            validate_say(run, severity, "code-invalid", NULL, frame, "a code of value set %.*s is required",
                (int)value_set.size, value_set.at);
        }
    } else if (membership == VALIDATE_NO_MEMBER) {
        validate_say(run, severity, "code-invalid", NULL, frame, "not in value set %.*s (%s)", (int)value_set.size,
            value_set.at, strength == VALIDATE_REQUIRED ? "required" : "extensible: only where none of its codes fits");
    } else if (membership != VALIDATE_MEMBER) {
        say_unknown(run, frame, membership, value_set);
    }
}

bool validate_is_member(struct validate_run *run, const struct validate_item *item, struct text value_set) {
    enum validate_membership membership = VALIDATE_NO_MEMBER;
    return item->value != NULL && validate_find_membership(&membership, run, item, value_set) &&
           membership == VALIDATE_MEMBER;
}
