/* The program: `soyang COMMAND [OPTION...] [OPERAND...]`. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static const struct command *const commands[] = {
    &command_serve,
    &command_demo,
    &command_region,
    &command_policy,
    &command_roads,
    &command_import,
    &command_triage_batch, /* of two words: before the one that is their first */
    &command_triage_calibrate,
    &command_triage,
    &command_match,
    &command_surge,
    &command_check,
    &command_simulate,
    &command_migrate,
    &command_package,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0], PROCESS_ARENA_MAX = 1 << 30, COLUMN = 26 };

static void print_overview(FILE *to) {
    (void)fputs("Soyang (소양): a region's healthcare delivery system.\n"
                "Research and decision support; not a certified medical device.\n\n"
                "usage: soyang COMMAND [OPTION...] [OPERAND...]\n\n",
        to);
    for (int i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(to, "  %-16s %s\n", commands[i]->name, commands[i]->summary);
    (void)fputs("\n'soyang COMMAND --help' tells a command's options. 'soyang --version' tells the version.\n", to);
}

static void print_help(const struct command *command) {
    printf("usage: soyang %s [OPTION...]%s%s\n\n%s\n\n", command->name, command->operands[0] != '\0' ? " " : "",
        command->operands, command->description);
    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%s%s", row->name, row->argument != NULL ? " " : "",
            row->argument != NULL ? row->argument : "");
        printf("  %-*s %s", COLUMN, left, row->help);
        if (row->otherwise != NULL)
            printf(" (default: %s)", row->otherwise);
        putchar('\n');
    }
    printf("  %-*s %s\n", COLUMN, "--help", "this page");
}

const char *argument(const struct arguments *arguments, const char *name) {
    const struct option_row *options = arguments->command->options;
    int i = 0;
    while (options[i].name != NULL && strcmp(options[i].name, name) != 0)
        i++;
    invariant(options[i].name != NULL); /* an option that its command does not list */
    return arguments->values[i] != NULL ? arguments->values[i] : options[i].otherwise;
}

bool argument_flag(const struct arguments *arguments, const char *name) {
    return argument(arguments, name) != NULL;
}

enum status argument_number(
    double *out, const struct arguments *arguments, const char *name, double low, double high, struct scope *scope) {
    const char *value = argument(arguments, name);
    if (value == NULL || !text_to_double(out, text_from(value)) || *out < low || *out > high)
        return fault(scope, STATUS_INVALID, name, "%s takes a number from %g to %g", name, low, high);
    return STATUS_OK;
}

int report(const struct scope *scope, enum status status) {
    if (status == STATUS_OK)
        return EXIT_DONE;
    for (const struct issue *issue = scope->fault.first; issue != NULL; issue = issue->next)
        (void)fprintf(stderr, "soyang: %s%s%s\n", issue->path, issue->path[0] != '\0' ? ": " : "", issue->text);
    if (scope->fault.count > FAULT_ISSUES_MAX)
        (void)fprintf(stderr, "soyang: and %d more\n", scope->fault.count - FAULT_ISSUES_MAX);
    if (scope->fault.first == NULL)
        (void)fprintf(stderr, "soyang: %s\n", status_name(status));
    return status == STATUS_CONFLICT ? EXIT_IN_USE : EXIT_FAULT;
}

static int option_find(const struct command *command, const char *word, size_t size) {
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strlen(command->options[i].name) == size && strncmp(command->options[i].name, word, size) == 0)
            return i;
    return -1;
}

static int usage_fault(const struct command *command, const char *what, const char *word) {
    (void)fprintf(stderr, "soyang %s: %s%s\nTry 'soyang %s --help'.\n", command->name, what, word, command->name);
    return EXIT_USAGE;
}

static const char *joined(struct arena *arena, const char *before, const char *value) {
    return text_format(arena, "%s,%s", before, value).at;
}

/* "ko|en" offers words; "PLACE|LAT,LON" and what has no | describes. */
static bool is_offered(const char *shape, const char *value) {
    struct text rest = text_from(shape);
    if (strchr(shape, '|') == NULL || strspn(shape, "abcdefghijklmnopqrstuvwxyz0123456789-|") != strlen(shape))
        return true;
    while (rest.at != NULL)
        if (text_is(text_cut(&rest, '|'), value))
            return true;
    return false;
}

/* Takes one option at argv[*at]; returns 0 or an exit status. */
static int take_option(struct arguments *arguments, struct arena *arena, int argc, char **argv, int *at) {
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t size = equals != NULL ? (size_t)(equals - word) : strlen(word);
    int row = option_find(arguments->command, word, size);
    if (row < 0)
        return usage_fault(arguments->command, "unknown option ", word);
    if (arguments->command->options[row].argument == NULL) {
        if (equals != NULL)
            return usage_fault(arguments->command, "takes no value: ", word);
        arguments->values[row] = "";
        return 0;
    }
    if (equals == NULL && ++*at >= argc)
        return usage_fault(arguments->command, "needs a value: ", word);
    const char *before = arguments->values[row], *value = equals != NULL ? equals + 1 : argv[*at];
    if (value[0] == '\0')
        return usage_fault(arguments->command, "needs a value: ", word);
    const char *shape = arguments->command->options[row].argument;
    if (!is_offered(shape, value))
        return usage_fault(arguments->command, text_format(arena, "takes %s, not ", shape).at, value);
    bool joins = before != NULL && text_ends(text_from(arguments->command->options[row].argument), "...");
    arguments->values[row] = joins ? joined(arena, before, value) : value;
    return 0;
}

struct invocation {
    struct arguments arguments;
    int exit_status;
};

static enum status run_command(void *context, struct scope *scope) {
    struct invocation *invocation = context;
    invocation->exit_status = invocation->arguments.command->run(&invocation->arguments, scope);
    return STATUS_OK;
}

/* The words of the command line; returns -1, or the exit status with which all ends here. */
static int take_all(struct arguments *arguments, const char **operands, struct arena *arena, int argc, char **argv) {
    const struct command *command = arguments->command;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(command);
            return EXIT_DONE;
        }
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            int bad = take_option(arguments, arena, argc, argv, &i);
            if (bad != 0)
                return bad;
        } else if (arguments->operand_count == OPERANDS_MAX || arguments->operand_count == command->operands_max) {
            return usage_fault(command, "too many operands: ", argv[i]);
        } else {
            operands[arguments->operand_count++] = argv[i];
        }
    }
    if (arguments->operand_count < command->operands_min)
        return usage_fault(command, "missing operand: ", command->operands);
    return -1;
}

static int run(const struct command *command, int argc, char **argv) {
    static const char *operands[OPERANDS_MAX];
    struct invocation invocation = {.arguments = {.command = command, .operands = operands}};
    struct arguments *arguments = &invocation.arguments;
    struct arena *arena = arena_open(PROCESS_ARENA_MAX);
    struct scope scope = {.arena = arena};
    if (arena == NULL)
        return report(&scope, STATUS_UNAVAILABLE);
    int exit_status = take_all(arguments, operands, arena, argc, argv);
    if (exit_status < 0) {
        enum status status = scope_run(&scope, arena, run_command, &invocation);
        exit_status = status == STATUS_OK ? invocation.exit_status : report(&scope, status);
    }
    arena_close(arena);
    return exit_status;
}

/* How many words of the command line are this command's name; 0: it is another. */
static int words_of(const struct command *command, int argc, char **argv) {
    const char *second = strchr(command->name, ' ');
    if (second == NULL)
        return strcmp(argv[1], command->name) == 0;
    size_t first = (size_t)(second - command->name);
    bool is_named = argc > 2 && strlen(argv[1]) == first && strncmp(argv[1], command->name, first) == 0 &&
                    strcmp(argv[2], second + 1) == 0;
    return is_named ? 2 : 0;
}

/* What one large answer took goes back to the system when it is sent; docs/store.md, Memory. */
static void memory_bound(void) {
    enum { HEAPS = 2, MAPPED_FROM = 256 * 1024, KEPT = 2 * 1024 * 1024 };
    (void)mallopt(M_ARENA_MAX, HEAPS);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}

int main(int argc, char **argv) {
    memory_bound();
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("soyang " SOYANG_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        int words = words_of(commands[i], argc, argv);
        if (words > 0)
            return run(commands[i], argc - 1 - words, argv + 1 + words);
    }
    (void)fprintf(stderr, "soyang: there is no command '%s'\nTry 'soyang --help'.\n", argv[1]);
    return EXIT_USAGE;
}
