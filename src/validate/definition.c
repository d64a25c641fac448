/* A StructureDefinition as the resource that is judged: can it be used as the profile it says it is? R4's own invariants look at
 * one element of it at a time; what contradicts its base, or an element before it, shows when it is compiled. */
#include "validate/profile.h"

void validate_check_definition(
    struct validate_run *run, const struct validate_frame *frame, const yyjson_val *definition) {
    const struct validate_profile *profile = NULL;
    struct scope scope = validate_side_scope(run);
    if (!text_is(json_get_text(definition, "derivation"), "constraint") ||
        text_is(json_get_text(definition, "kind"), "logical") || validate_is_over(run)) {
        return;
    }
    enum status status = validate_profile_compile(&profile, run->validate, definition, run->environment, &scope);
    if (status == STATUS_OK || validate_stops(run, status)) {
        return;
    }
    const struct issue *issue = scope.fault.first;
    enum validate_severity severity = status == STATUS_INVALID ? VALIDATE_ERROR : VALIDATE_WARNING;
    validate_say(run, severity, status == STATUS_NOT_FOUND ? "not-found" : "business-rule", NULL, frame,
        "it cannot be used as a profile: %s%s%s", issue != NULL ? issue->path : "",
        issue != NULL && issue->path[0] != '\0' ? ": " : "", issue != NULL ? issue->text : status_name(status));
}
