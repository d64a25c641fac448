/* soyang migrate: a data folder of an older schema becomes one of this program's. */
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "store/store.h"

static const struct option_row options[] = {{0}};

static void show(void *context, uint64_t done, uint64_t total) {
    (void)context;
    (void)fprintf(stderr, "%sstep %llu of %llu%s", isatty(STDERR_FILENO) ? "\r" : "", (unsigned long long)done,
        (unsigned long long)total, isatty(STDERR_FILENO) && done < total ? "" : "\n");
}

static int run(const struct arguments *arguments, struct scope *scope) {
    const char *folder = arguments->operands[0];
    struct store_migration migration;
    enum status status = store_migrate(&migration, folder, show, NULL, scope);
    if (status == STATUS_OK && migration.from == migration.to)
        printf("%s has schema %d already: nothing was to be done\n", folder, migration.to);
    else if (status == STATUS_OK)
        printf("%s: schema %d is now %d\n", folder, migration.from, migration.to);
    return report(scope, status);
}

const struct command command_migrate = {"migrate", "DATA", "bring a data folder of an older program up to date",
    "Changes the folder's tables into those of this program, in one transaction: whatever ends it, a power cut too,\n"
    "leaves the folder as it was or migrated. Nothing may have the folder open. It needs room on the disk for what it\n"
    "rewrites; copy the folder first if an older program is to read it again. Index rows that newer search parameters\n"
    "need are made by 'soyang serve', while it serves.",
    options, 1, 1, run};
