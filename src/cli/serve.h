/* Shared by the commands that serve. Private to cli. */
#ifndef SOYANG_CLI_SERVE_H
#define SOYANG_CLI_SERVE_H

#include <stdbool.h>

/* Before any thread starts: interrupts are waited for, not delivered. */
void serve_block_signals(void);
/* Returns on SIGINT or SIGTERM. */
void serve_until_interrupted(void);
bool serve_is_interrupted(void); /* one of them is waiting to be taken */

#endif
