/* The subcommands: one row each, one file each. Private to cli. */
#ifndef SOYANG_CLI_COMMAND_H
#define SOYANG_CLI_COMMAND_H

#include "base/base.h"

/* Exit statuses, as users of Unix tools expect them. */
enum { EXIT_DONE = 0, EXIT_FAULT = 1, EXIT_USAGE = 2, EXIT_IN_USE = 3 };

/* What the command line says stands in both languages at one place, so that neither is changed without the other. Which is said, the
 * environment tells: LC_ALL, LC_MESSAGES, LANG, the first that is not empty; Korean where it is a Korean locale, else English. */
struct both {
    const char *en, *ko;
};
const char *say(const char *en, const char *ko) __attribute__((format_arg(1), format_arg(2)));

/* One option of a command: "--data DIR". A flag has no argument name. One whose argument ends in "..." may be given several times:
 * its values are joined by commas. */
struct option_row {
    const char *name, *argument;
    struct both help;
    const char *otherwise; /* default text; NULL: none */
};
enum { OPTIONS_MAX = 32, OPERANDS_MAX = 4096 };

struct arguments {
    const struct command *command;
    const char *values[OPTIONS_MAX]; /* in the order of the command's option rows; NULL: not given */
    const char *const *operands;
    int operand_count;
};
typedef int command_function(const struct arguments *arguments, struct scope *scope);
struct command {
    const char *name, *operands;
    struct both summary, description;
    const struct option_row *options; /* ends with name NULL */
    int operands_min, operands_max;
    command_function *run;
};
extern const struct command command_serve, command_region, command_import, command_triage, command_match, command_check,
    command_demo, command_package, command_migrate, command_surge, command_roads, command_triage_batch,
    command_triage_calibrate, command_policy;
extern const struct command command_simulate;

/* The value of an option by its name, or its default. */
const char *argument(const struct arguments *arguments, const char *name);
bool argument_flag(const struct arguments *arguments, const char *name);
/* STATUS_INVALID with the option's name unless low <= value <= high. */
MUST_CHECK enum status argument_number(
    double *out, const struct arguments *arguments, const char *name, double low, double high, struct scope *scope);

/* The same of whole numbers. */
MUST_CHECK enum status argument_whole(
    int64_t *out, const struct arguments *arguments, const char *name, int64_t low, int64_t high, struct scope *scope);

/* What was printed so far is written: else STATUS_FAILED. For long work that nobody would get to read. */
MUST_CHECK enum status output_flush(struct scope *scope);

/* Prints the scope's issues on standard error, one a line, and returns the exit status for `status`: EXIT_USAGE where an option is at
 * fault. */
int report(const struct arguments *arguments, const struct scope *scope, enum status status);
/* The command line itself is at fault: says so, hints at --help, and returns EXIT_USAGE. `word` is shown behind `what`. */
int usage_fault(const struct command *command, const char *what, const char *word);

#endif
