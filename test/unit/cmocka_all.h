/* cmocka with the headers it wants first. */
#ifndef SOYANG_TEST_CMOCKA_ALL_H
#define SOYANG_TEST_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
