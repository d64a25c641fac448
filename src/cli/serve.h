/* Shared by the commands that serve. Private to cli. */
#ifndef SOYANG_CLI_SERVE_H
#define SOYANG_CLI_SERVE_H

/* Before any thread starts: interrupts are waited for, not delivered. */
void serve_block_signals(void);
/* Returns on SIGINT or SIGTERM. */
void serve_until_interrupted(void);

#endif
