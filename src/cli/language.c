/* Which language the command line speaks. */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static bool is_korean(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *locale = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0] && locale[0] == '\0'; i++) {
        const char *value = getenv(names[i]);
        locale = value != NULL ? value : "";
    }
    return strncmp(locale, "ko", 2) == 0 && strncmp(locale, "kok", 3) != 0; /* kok: Konkani */
}

const char *say(const char *en, const char *ko) {
    return is_korean() ? ko : en;
}
