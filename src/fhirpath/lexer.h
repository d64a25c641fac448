/* lexer: the tokens of FHIRPath 2.0.0's grammar, one at a time. */
#ifndef SOYANG_FHIRPATH_LEXER_H
#define SOYANG_FHIRPATH_LEXER_H

#include "base/base.h"

enum token_kind {
    TOKEN_END,
    TOKEN_IDENTIFIER, /* `value` is the name, escapes resolved */
    TOKEN_DELIMITED,  /* the same in backticks: never a keyword */
    TOKEN_STRING,     /* `value` is the content, escapes resolved */
    TOKEN_NUMBER,
    TOKEN_DATE,
    TOKEN_DATETIME,
    TOKEN_TIME,     /* `value` without @ */
    TOKEN_CONSTANT, /* `value` is the name after % */
    TOKEN_VARIABLE, /* `value` with the $ */
    TOKEN_SYMBOL,   /* `value` is one of the operators and brackets */
};

struct token {
    enum token_kind kind;
    struct text value;
    uint32_t column;
};

struct lexer {
    struct text source;
    size_t at;
};

MUST_CHECK enum status lexer_next(struct token *out, struct lexer *lexer, struct scope *scope);

#endif
