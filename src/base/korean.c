/* Korean particles: which one follows a word is a matter of its last sound. */
#include "base/base.h"

#include <string.h>

enum { SYLLABLE_FIRST = 0xAC00, SYLLABLE_LAST = 0xD7A3, FINALS = 28, FINAL_RIEUL = 8 };

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_vowel(char c) {
    return c != '\0' && strchr("aeiouyAEIOUY", c) != NULL;
}

/* Hangul syllables from U+AC00 on, 28 a vowel: their place among these is what stands under the vowel. */
static enum korean_end end_of_syllable(struct text word) {
    if (word.size < 3)
        return KOREAN_END_UNKNOWN;
    const unsigned char *at = (const unsigned char *)word.at + word.size - 3;
    int code = (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F);
    if ((at[0] & 0xF0) != 0xE0 || code < SYLLABLE_FIRST || code > SYLLABLE_LAST)
        return KOREAN_END_UNKNOWN;
    int final = (code - SYLLABLE_FIRST) % FINALS;
    return final == 0 ? KOREAN_END_OPEN : final == FINAL_RIEUL ? KOREAN_END_RIEUL : KOREAN_END_CLOSED;
}

/* 영 일 이 삼 사 오 육 칠 팔 구; 십, 백, 천 and 만 are closed as 영 is. */
static enum korean_end end_of_digit(char digit) {
    static const enum korean_end ends[] = {KOREAN_END_CLOSED, KOREAN_END_RIEUL, KOREAN_END_OPEN, KOREAN_END_CLOSED,
        KOREAN_END_OPEN, KOREAN_END_OPEN, KOREAN_END_CLOSED, KOREAN_END_RIEUL, KOREAN_END_RIEUL, KOREAN_END_OPEN};
    return ends[digit - '0'];
}

/* Units behind a number or a stroke are read out: 미터, 리터, 그램, 분. Without a row a word is read as a word. */
static const struct {
    const char *unit;
    enum korean_end end;
} units[] = {{"m", KOREAN_END_OPEN}, {"cm", KOREAN_END_OPEN}, {"mm", KOREAN_END_OPEN}, {"km", KOREAN_END_OPEN},
    {"L", KOREAN_END_OPEN}, {"mL", KOREAN_END_OPEN}, {"dL", KOREAN_END_OPEN}, {"uL", KOREAN_END_OPEN},
    {"g", KOREAN_END_CLOSED}, {"mg", KOREAN_END_CLOSED}, {"kg", KOREAN_END_CLOSED}, {"mol", KOREAN_END_RIEUL},
    {"mmol", KOREAN_END_RIEUL}, {"kPa", KOREAN_END_RIEUL}, {"mmHg", KOREAN_END_OPEN}, {"min", KOREAN_END_CLOSED},
    {"h", KOREAN_END_CLOSED}, {"s", KOREAN_END_OPEN}};

static bool unit_find(enum korean_end *out, struct text before, struct text word) {
    before = text_trim(before);
    char last = before.size ? before.at[before.size - 1] : ' ';
    for (size_t i = 0; i < sizeof units / sizeof units[0] && (is_digit(last) || last == '/'); i++) {
        if (text_is(word, units[i].unit)) {
            *out = units[i].end;
            return true;
        }
    }
    return false;
}

/* Capitals are read letter by letter: 엘, 알 and 엠, 엔 are closed, all others open. */
static enum korean_end end_of_letter(char letter) {
    return letter == 'L' || letter == 'R'   ? KOREAN_END_RIEUL
           : letter == 'M' || letter == 'N' ? KOREAN_END_CLOSED
                                            : KOREAN_END_OPEN;
}

/* A word as it is usually written in Hangul: -l, -m, -n, -ng and short -c, -k, -p, -t, -b close ("호스피탈", "루틴", "클리닉"), all else
 * takes a vowel ("센터", "베드", "어전트"). A silent e counts for nothing behind l, m and n. */
static enum korean_end end_of_word(struct text word) {
    char last = word.at[word.size - 1], before = word.size > 1 ? word.at[word.size - 2] : '\0',
         third = word.size > 2 ? word.at[word.size - 3] : '\0';
    if (last == 'e' && is_vowel(third) && before != '\0' && strchr("lmn", before)) {
        last = before;
        before = third;
    }
    if (last == 'l')
        return KOREAN_END_RIEUL;
    if (last == 'm' || last == 'n' || (last == 'g' && before == 'n') || (last == 'k' && before == 'c'))
        return KOREAN_END_CLOSED;
    return strchr("ckptb", last) && is_vowel(before) ? KOREAN_END_CLOSED : KOREAN_END_OPEN;
}

static enum korean_end end_of_latin(struct text word) {
    size_t from = word.size;
    bool capitals = true;
    while (from > 0 && (is_upper(word.at[from - 1]) || is_lower(word.at[from - 1]))) {
        from--;
        capitals = capitals && is_upper(word.at[from]);
    }
    struct text latin = {word.at + from, word.size - from};
    enum korean_end end = KOREAN_END_UNKNOWN;
    if (latin.size == 0)
        return KOREAN_END_UNKNOWN;
    if (unit_find(&end, (struct text){word.at, from}, latin))
        return end;
    return capitals || latin.size == 1 ? end_of_letter((char)(latin.at[latin.size - 1] & ~0x20)) : end_of_word(latin);
}

/* Without quotes and brackets at its end: a particle follows the word before a bracket. */
static struct text word_bare(struct text word) {
    static const char *const quotes[] = {"\"", "'", "”", "’", "」", "』", "]", "*"};
    bool cut = true;
    while (cut) {
        word = text_trim(word);
        cut = false;
        for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
            if (text_ends(word, quotes[i])) {
                word.size -= strlen(quotes[i]);
                cut = true;
            }
        }
        size_t open = word.size;
        while (text_ends(word, ")") && open > 0 && word.at[open - 1] != '(')
            open--;
        if (text_ends(word, ")")) {
            bool alone = open <= 1;
            word = alone ? (struct text){word.at + open, word.size - open - 1} : (struct text){word.at, open - 1};
            cut = true;
        }
    }
    return word;
}

enum korean_end korean_end(struct text word) {
    word = word_bare(word);
    if (word.size == 0)
        return KOREAN_END_UNKNOWN;
    char last = word.at[word.size - 1];
    if (is_digit(last))
        return end_of_digit(last);
    if (last == '%' || text_ends(word, "℃") || text_ends(word, "°")) /* 퍼센트, 도 */
        return KOREAN_END_OPEN;
    return is_upper(last) || is_lower(last) ? end_of_latin(word) : end_of_syllable(word);
}

struct text korean_particles(struct arena *arena, struct text sentence) {
    static const struct {
        const char *both, *closed, *open;
        bool rieul_is_open;
    } particles[] = {{"이(가)", "이", "가", false}, {"을(를)", "을", "를", false}, {"은(는)", "은", "는", false},
        {"와(과)", "과", "와", false}, {"(으)로", "으로", "로", true}};
    struct buffer out = buffer_open(arena, sentence.size);
    for (size_t at = 0; at < sentence.size;) {
        size_t row = 0, count = sizeof particles / sizeof particles[0];
        struct text rest = {sentence.at + at, sentence.size - at};
        while (row < count && !text_starts(rest, particles[row].both))
            row++;
        enum korean_end end = row < count ? korean_end((struct text){sentence.at, at}) : KOREAN_END_UNKNOWN;
        if (end == KOREAN_END_UNKNOWN) {
            buffer_put_char(&out, sentence.at[at++]);
            continue;
        }
        bool open = end == KOREAN_END_OPEN || (end == KOREAN_END_RIEUL && particles[row].rieul_is_open);
        buffer_put_string(&out, open ? particles[row].open : particles[row].closed);
        at += strlen(particles[row].both);
    }
    return buffer_text(&out);
}
