/* A file that a command writes: whole, or as it was before. Private to cli. */
#ifndef SOYANG_CLI_RESULT_H
#define SOYANG_CLI_RESULT_H

#include "base/base.h"

/* Beside it first, then in its place. What is no ordinary file (a pipe, /dev/stdout) is written to as it is. */
MUST_CHECK enum status result_write(const char *path, struct text bytes, struct scope *scope);
/* Whether result_write could begin: for who works long before it. */
MUST_CHECK enum status result_check(const char *path, struct scope *scope);

#endif
