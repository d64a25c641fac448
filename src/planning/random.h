/* random: numbers that are a function of what they are for. Counter-based: the finaliser of SplitMix64 (Steele, Lea, Flood,
 * OOPSLA 2014) over seed, stream and up to three counters. Equal arguments give equal numbers, whatever was drawn before. */
#ifndef SOYANG_PLANNING_RANDOM_H
#define SOYANG_PLANNING_RANDOM_H

#include <math.h>
#include <stdint.h>

enum random_stream {
    STREAM_GAP = 1,
    STREAM_PLACE,
    STREAM_AGE,
    STREAM_CONDITION,
    STREAM_SEEN,
    STREAM_LEVEL,
    STREAM_LEVEL_SEEN,
    STREAM_SCENE,
    STREAM_OTHER_GAP,
    STREAM_OTHER_STAY,
    STREAM_ON_CALL,
    STREAM_THEATRE,
    STREAM_SNOW,
    STREAM_WEATHER,
    STREAM_SHOCK,
    STREAM_ANSWER,
    STREAM_ANSWER_TIME,
    STREAM_SILENT,
    STREAM_STAY,
    STREAM_TURN_AWAY,
    STREAM_PRACTICE,
    STREAM_BOARD_GAP,
    STREAM_BOARD_FALSE,
    STREAM_BOARD_BIAS,
    STREAM_FIRST,
    STREAM_ERROR,
    STREAM_FULL,
    STREAM_TEST,
    STREAM_CONSULT,
};

static inline uint64_t random_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}
/* Uniform in (0, 1). */
static inline double random_unit(uint64_t seed, enum random_stream stream, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t x = random_mix(seed ^ random_mix((uint64_t)stream));
    x = random_mix(x ^ a);
    x = random_mix(x ^ random_mix(b + 1));
    x = random_mix(x ^ random_mix(c + 2));
    return ((double)(x >> 11) + .5) * 0x1p-53;
}
static inline double random_exponential(double mean, double unit) {
    return -mean * log(unit);
}
/* Standard normal from two units (Box, Muller 1958). */
static inline double random_normal(double u, double v) {
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#endif
