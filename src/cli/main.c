/* The program: `soyang COMMAND [OPTION...] [OPERAND...]`. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static const char *said(struct both words) {
    return say(words.en, words.ko);
}

static void print_overview(FILE *to) {
    (void)fputs(say("Soyang (소양): a region's healthcare delivery system.\n"
                    "Research and decision support; not a certified medical device.\n\n"
                    "usage: soyang COMMAND [OPTION...] [OPERAND...]\n\n",
                    "소양(Soyang): 지역 의료전달체계 시스템.\n"
                    "연구 및 의사결정 지원용이며, 인증된 의료기기가 아닙니다.\n\n"
                    "사용법: soyang 명령 [옵션...] [대상...]\n\n"),
        to);
    for (int i = 0; i < COMMAND_COUNT; i++)
        (void)fprintf(to, "  %-16s %s\n", commands[i]->name, said(commands[i]->summary));
    (void)fputs(say("\n'soyang COMMAND --help' tells a command's options. 'soyang --version' tells the version.\n",
                    "\n명령의 옵션은 'soyang 명령 --help'로, 버전은 'soyang --version'으로 봅니다.\n"),
        to);
}

static void print_help(const struct command *command) {
    printf(say("usage: soyang %s [OPTION...]%s%s\n\n%s\n\n", "사용법: soyang %s [옵션...]%s%s\n\n%s\n\n"),
        command->name, command->operands[0] != '\0' ? " " : "", command->operands, said(command->description));
    for (const struct option_row *row = command->options; row->name != NULL; row++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%s%s", row->name, row->argument != NULL ? " " : "",
            row->argument != NULL ? row->argument : "");
        printf("  %-*s %s", COLUMN, left, said(row->help));
        if (row->otherwise != NULL)
            printf(say(" (default: %s)", " (기본값: %s)"), row->otherwise);
        putchar('\n');
    }
    printf("  %-*s %s\n", COLUMN, "--help", say("this page", "이 도움말"));
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
        return fault(scope, STATUS_INVALID, name,
            say("takes a number from %g to %g", "%g에서 %g 사이의 수를 적으십시오"), low, high);
    return STATUS_OK;
}

enum status argument_whole(
    int64_t *out, const struct arguments *arguments, const char *name, int64_t low, int64_t high, struct scope *scope) {
    const char *value = argument(arguments, name);
    if (value == NULL || !text_to_int64(out, text_from(value)) || *out < low || *out > high)
        return fault(scope, STATUS_INVALID, name,
            say("takes a whole number from %lld to %lld", "%lld에서 %lld 사이의 정수를 적으십시오"), (long long)low,
            (long long)high);
    return STATUS_OK;
}

static void hint(const struct command *command) {
    (void)fprintf(stderr, say("Try 'soyang %s --help'.\n", "'soyang %s --help'를 보십시오.\n"), command->name);
}

int report(const struct arguments *arguments, const struct scope *scope, enum status status) {
    if (status == STATUS_OK)
        return EXIT_DONE;
    const struct issue *first = scope->fault.first;
    for (const struct issue *issue = first; issue != NULL; issue = issue->next)
        (void)fprintf(stderr, "soyang: %s%s%s\n", issue->path, issue->path[0] != '\0' ? ": " : "", issue->text);
    if (scope->fault.count > FAULT_ISSUES_MAX)
        (void)fprintf(
            stderr, say("soyang: and %d more\n", "soyang: 그 밖에 %d건\n"), scope->fault.count - FAULT_ISSUES_MAX);
    if (first == NULL)
        (void)fprintf(stderr, "soyang: %s\n", status_name(status));
    if (status == STATUS_INVALID && first != NULL && strncmp(first->path, "--", 2) == 0) {
        hint(arguments->command);
        return EXIT_USAGE;
    }
    return status == STATUS_CONFLICT ? EXIT_IN_USE : EXIT_FAULT;
}

enum status output_flush(struct scope *scope) {
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0 || failed)
        return fault(
            scope, STATUS_FAILED, "", "%s", say("standard output cannot be written", "표준 출력에 쓸 수 없습니다"));
    return STATUS_OK;
}

static int option_find(const struct command *command, const char *word, size_t size) {
    for (int i = 0; command->options[i].name != NULL; i++)
        if (strlen(command->options[i].name) == size && strncmp(command->options[i].name, word, size) == 0)
            return i;
    return -1;
}

int usage_fault(const struct command *command, const char *what, const char *word) {
    (void)fprintf(stderr, "soyang %s: %s%s\n", command->name, what, word);
    hint(command);
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
        return usage_fault(arguments->command, say("unknown option ", "모르는 옵션 "), word);
    if (arguments->command->options[row].argument == NULL) {
        if (equals != NULL)
            return usage_fault(arguments->command, say("takes no value: ", "값을 받지 않는 옵션: "), word);
        arguments->values[row] = "";
        return 0;
    }
    if (equals == NULL && ++*at >= argc)
        return usage_fault(arguments->command, say("needs a value: ", "값이 필요한 옵션: "), word);
    const char *before = arguments->values[row], *value = equals != NULL ? equals + 1 : argv[*at];
    if (value[0] == '\0')
        return usage_fault(arguments->command, say("needs a value: ", "값이 필요한 옵션: "), word);
    const char *shape = arguments->command->options[row].argument;
    if (!is_offered(shape, value))
        return usage_fault(arguments->command,
            text_format(arena, say("takes %s, not ", "%s 가운데 하나여야 합니다: "), shape).at, value);
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

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* The words of the command line; returns -1, or the exit status with which all ends here. */
static int take_all(struct arguments *arguments, const char **operands, struct arena *arena, int argc, char **argv) {
    const struct command *command = arguments->command;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
            continue;
        }
        if (!options_end && is_help(argv[i])) {
            print_help(command);
            return EXIT_DONE;
        }
        if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            int bad = take_option(arguments, arena, argc, argv, &i);
            if (bad != 0)
                return bad;
        } else if (argv[i][0] == '\0') {
            return usage_fault(command, say("an empty operand", "빈 인자"), "");
        } else if (arguments->operand_count == OPERANDS_MAX || arguments->operand_count == command->operands_max) {
            return usage_fault(command, say("too many operands: ", "남는 인자: "), argv[i]);
        } else {
            operands[arguments->operand_count++] = argv[i];
        }
    }
    if (arguments->operand_count < command->operands_min)
        return usage_fault(command, say("missing operand: ", "빠진 인자: "), command->operands);
    return -1;
}

static int run(const struct command *command, int argc, char **argv) {
    static const char *operands[OPERANDS_MAX];
    struct invocation invocation = {.arguments = {.command = command, .operands = operands}};
    struct arguments *arguments = &invocation.arguments;
    struct arena *arena = arena_open(PROCESS_ARENA_MAX);
    struct scope scope = {.arena = arena};
    if (arena == NULL)
        return report(arguments, &scope, STATUS_UNAVAILABLE);
    int exit_status = take_all(arguments, operands, arena, argc, argv);
    if (exit_status < 0) {
        enum status status = scope_run(&scope, arena, run_command, &invocation);
        exit_status = status == STATUS_OK ? invocation.exit_status : report(arguments, &scope, status);
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

/* Where a standard stream is closed, the next file opened would take its number, and what is printed would go into that file. */
static void streams_hold(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0) /* the other way round, so that to use it fails as on a closed one */
            (void)!open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    bool helps = is_help(argv[1]) || strcmp(argv[1], "help") == 0;
    if (helps && argc == 2) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    if (helps) { /* 'help COMMAND' is 'COMMAND --help' */
        argv++;
        argc--;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("soyang " SOYANG_VERSION);
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        int words = words_of(commands[i], argc, argv);
        if (words > 0 && helps) {
            print_help(commands[i]);
            return EXIT_DONE;
        }
        if (words > 0)
            return run(commands[i], argc - 1 - words, argv + 1 + words);
    }
    (void)fprintf(stderr, say("soyang: there is no command '%s'\n", "soyang: '%s' 명령은 없습니다\n"), argv[1]);
    (void)fputs(say("Try 'soyang --help'.\n", "'soyang --help'를 보십시오.\n"), stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    streams_hold();
    memory_bound();
    int exit_status = dispatch(argc, argv);
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0 || failed) { /* a full disk shows here at the latest */
        (void)fprintf(stderr, "soyang: %s\n", say("standard output cannot be written", "표준 출력에 쓸 수 없습니다"));
        return exit_status == EXIT_DONE ? EXIT_FAULT : exit_status;
    }
    return exit_status;
}
