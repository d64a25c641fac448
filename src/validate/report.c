/* A report, and how it is written. */
#include "validate/run.h"

/* Words that come from a definition, as FHIR takes them: no control characters, and never nothing. */
static const char *printable(const char *words, struct arena *arena) {
    char *out = (char *)text_string(arena, text_from(words));
    bool is_blank = true;
    for (char *at = out; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7F ? ' ' : *at;
        is_blank = is_blank && *at == ' ';
    }
    return is_blank ? "?" : out;
}

int *validate_report_count(struct validate_report *report, enum validate_severity severity) {
    return severity == VALIDATE_ERROR     ? &report->errors
           : severity == VALIDATE_WARNING ? &report->warnings
                                          : &report->informations;
}

void validate_report_add(struct validate_report *report, const struct validate_issue *issue, struct arena *arena) {
    struct validate_issue *kept = ARENA_NEW(arena, struct validate_issue);
    *kept = *issue;
    kept->next = NULL;
    kept->path = text_string(arena, text_from(issue->path));
    kept->text = printable(issue->text, arena);
    kept->key = issue->key != NULL ? printable(issue->key, arena) : NULL;
    kept->profile = issue->profile != NULL ? printable(issue->profile, arena) : NULL;
    if (report->last == NULL) {
        report->first = kept;
    } else {
        report->last->next = kept;
    }
    report->last = kept;
    ++*validate_report_count(report, issue->severity);
}

/* ---- as an OperationOutcome ------------------------------------------------------------------------------------- */

static const char *const severities[] = {"error", "warning", "information"};

static void write_details(struct json_writer *w, const char *text) {
    json_name(w, "details");
    json_object_open(w);
    json_member_string(w, "text", text);
    json_object_close(w);
}

/* The rule's key goes where machines look, and before the words, where people do. */
static void write_issue(struct json_writer *w, const struct validate_issue *issue) {
    struct arena *arena = w->buffer.arena;
    json_object_open(w);
    json_member_string(w, "severity", severities[issue->severity]);
    json_member_string(w, "code", issue->code);
    if (issue->key != NULL) {
        write_details(w, issue->key);
    }
    struct text text =
        issue->key != NULL ? text_format(arena, "%s: %s", issue->key, issue->text) : text_from(issue->text);
    json_member_text(w, "diagnostics",
        issue->profile == NULL ? text
                               : text_format(arena, "%.*s (profile %s)", (int)text.size, text.at, issue->profile));
    if (issue->path[0] != '\0') {
        json_name(w, "expression");
        json_array_open(w);
        json_string(w, issue->path);
        json_array_close(w);
    }
    json_object_close(w);
}

static void write_remark(struct json_writer *w, enum validate_severity severity, const char *code, const char *text) {
    write_issue(w, &(struct validate_issue){.severity = severity, .code = code, .path = "", .text = text});
}

static void write_left_out(struct json_writer *w, enum validate_severity severity, int count) {
    if (count > VALIDATE_ISSUES_MAX) {
        struct text text =
            text_format(w->buffer.arena, "%d of %d issues of this severity are shown", VALIDATE_ISSUES_MAX, count);
        write_remark(w, severity, "too-costly", text.at);
    }
}

void validate_write_outcome(struct json_writer *w, const struct validate_report *report) {
    int count = report->errors + report->warnings + report->informations;
    json_object_open(w);
    json_member_string(w, "resourceType", "OperationOutcome");
    json_name(w, "issue");
    json_array_open(w);
    for (const struct validate_issue *issue = report->first; issue != NULL; issue = issue->next) {
        write_issue(w, issue);
    }
    write_left_out(w, VALIDATE_ERROR, report->errors);
    write_left_out(w, VALIDATE_WARNING, report->warnings);
    write_left_out(w, VALIDATE_INFORMATION, report->informations);
    if (count == 0) {
        write_remark(w, VALIDATE_INFORMATION, "informational", "nothing is wrong with it");
    }
    json_array_close(w);
    json_object_close(w);
}
