/*
 * tuple_shapes.h - how the tuples of each layout look as Azure writes them: the tables of tuple_vbmi.c, which alone
 * includes them.
 *
 * The marks of a tuple are its bytes that are no digits, in their order, from the quote in front of it to the comma
 * behind the other one. A run of letters is one mark. What they are is known but for a few letters; where they stand
 * says how long every number is, and that nothing else is there. So a tuple is a fixed number of marks, and those of
 * many tuples lie behind each other like the rows of a table.
 */
#ifndef NSF_TUPLE_SHAPES_H
#define NSF_TUPLE_SHAPES_H

#include "flow/tuple_vector.h"

/* Marks by number. */
enum {
    NSF_MARK_QUOTE = 0,
    NSF_MARK_STAMP = 1, /* the mark behind it, as with all that follow */
    NSF_MARK_SRC_PORT = 10,
    NSF_MARK_DST_PORT = 11,
    NSF_MARK_PROTOCOL = 12,
    NSF_MARK_WORD = 17, /* first letter of what virtual network flow logs say of encryption */
};

/* What a mark may be, a bit each. */
enum {
    NSF_KIND_COMMA = 1,
    NSF_KIND_DOT = 2,
    NSF_KIND_QUOTE = 4,
    NSF_KIND_DIRECTION = 8,
    NSF_KIND_PROTOCOL = 16,
    NSF_KIND_DECISION = 32,
    NSF_KIND_STATE = 64,
    NSF_KIND_WORD = 128,
};

/* A byte as the tables have it: a digit is its value, and marks differ in their lower seven bits. */
#define NSF_LESS_ZERO(c) (((c) - '0') & 0x7f)

/* The rows of two tuples in a vector, and how many rows are read together where numbers are taken. */
#define NSF_SHAPE_ROWS 2u
#define NSF_LANES 4u
#define NSF_LANE_BYTES 16u

/* Of up to eight digits each, in lanes of eight bytes: which number goes where. */
struct nsf_count_lanes {
    uint8_t mark[NSF_BLOCK_BYTES];  /* behind the number */
    uint8_t depth[NSF_BLOCK_BYTES]; /* of the digit, counted from that mark back; NSF_NO_DIGIT: none goes here */
};
#define NSF_NO_DIGIT 127

struct nsf_tuple_shape {
    uint32_t n_marks;
    uint32_t direction; /* marks */
    uint32_t decision;
    uint32_t state;   /* of a tuple without: that of its decision */
    uint32_t counter; /* behind the first of four; none: 0 */
    bool has_word;    /* and a number for the protocol */
    bool has_state;
    uint8_t kind_of[2 * NSF_BLOCK_BYTES]; /* of a byte less '0' */
    uint8_t kinds[NSF_BLOCK_BYTES];       /* of the marks of two tuples */
    uint8_t least[NSF_BLOCK_BYTES];       /* bytes from the mark before */
    uint8_t span[NSF_BLOCK_BYTES];        /* and so many more at most */
    uint8_t letters[NSF_BLOCK_BYTES];     /* four lanes: see below */
    uint8_t as_lane[NSF_BLOCK_BYTES];
    struct nsf_count_lanes counts; /* the stamp in two numbers, and the counters */
};

/* A lane of letters has marks of one tuple where a contact has what they say: its direction in byte 13, which is none
 * of the contact's, the protocol in 14, the decision in 15; elsewhere a comma. */
#define NSF_LETTERS(direction, protocol, decision)                                                                     \
    NSF_TWELVE(NSF_MARK_STAMP), NSF_MARK_STAMP, (direction), (protocol), (decision)
#define NSF_FOUR_LETTERS(n, direction, protocol, decision)                                                             \
    {                                                                                                                  \
        NSF_LETTERS(direction, protocol, decision),                                                                    \
            NSF_LETTERS((n) + (direction), (n) + (protocol), (n) + (decision)),                                        \
            NSF_LETTERS(2 * (n) + (direction), 2 * (n) + (protocol), 2 * (n) + (decision)),                            \
            NSF_LETTERS(3 * (n) + (direction), 3 * (n) + (protocol), 3 * (n) + (decision))                             \
    }

#define NSF_FOUR(x) x, x, x, x
#define NSF_EIGHT(x) NSF_FOUR(x), NSF_FOUR(x)
#define NSF_TWELVE(x) NSF_EIGHT(x), NSF_FOUR(x)
#define NSF_SIXTY_FOUR(x)                                                                                              \
    NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x), NSF_EIGHT(x)
#define NSF_EIGHT_FROM(x) x, (x) + 1, (x) + 2, (x) + 3, (x) + 4, (x) + 5, (x) + 6, (x) + 7
#define NSF_SIXTY_FOUR_FROM(x)                                                                                         \
    NSF_EIGHT_FROM(x), NSF_EIGHT_FROM((x) + 8), NSF_EIGHT_FROM((x) + 16), NSF_EIGHT_FROM((x) + 24),                    \
        NSF_EIGHT_FROM((x) + 32), NSF_EIGHT_FROM((x) + 40), NSF_EIGHT_FROM((x) + 48), NSF_EIGHT_FROM((x) + 56)

/* The values of a tuple, four bytes each: parts of the source and of the destination, ports in thousands and the rest,
 * the protocol where it is a number. They go to a lane as a contact has them; behind the addresses stand the parts of
 * the ports, two bytes each: those of the destination, of the source. */
enum {
    NSF_VALUE_SRC_PORT = 8,
    NSF_VALUE_DST_PORT = 10,
    NSF_VALUE_PROTOCOL = 12,
    NSF_VALUE_ZERO_BYTE = 3, /* the highest of a small number */
};
#define NSF_LANE_PROTOCOL_BYTE 9
#define NSF_AS_LANE(protocol)                                                                                          \
    12, 8, 4, 0, 28, 24, 20, 16, 4 * NSF_VALUE_DST_PORT, (protocol), 4 * NSF_VALUE_DST_PORT + 4,                       \
        4 * NSF_VALUE_DST_PORT + 5, 4 * NSF_VALUE_SRC_PORT, NSF_VALUE_ZERO_BYTE, 4 * NSF_VALUE_SRC_PORT + 4,           \
        4 * NSF_VALUE_SRC_PORT + 5

/* In rows: marks up to the destination port, which all layouts have in common. */
#define NSF_KINDS_OF_ENDS                                                                                              \
    NSF_KIND_QUOTE, NSF_KIND_COMMA, NSF_KIND_DOT, NSF_KIND_DOT, NSF_KIND_DOT, NSF_KIND_COMMA, NSF_KIND_DOT,            \
        NSF_KIND_DOT, NSF_KIND_DOT, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_COMMA
#define NSF_LEAST_OF_ENDS 1, 11, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2
#define NSF_SPAN_OF_ENDS 0, 3, 2, 2, 2, 2, 2, 2, 2, 2, 4, 4
/* No more digits than a number of 64 bits has whatever they are. */
#define NSF_SPAN_OF_COUNTERS 19, 19, 19, 19
#define NSF_SPAN_OF_WORD 64

#define NSF_NSG_KINDS                                                                                                  \
    NSF_KINDS_OF_ENDS, NSF_KIND_PROTOCOL, NSF_KIND_COMMA, NSF_KIND_DIRECTION, NSF_KIND_COMMA, NSF_KIND_DECISION
#define NSF_NSG1_KINDS NSF_NSG_KINDS, NSF_KIND_QUOTE, NSF_KIND_COMMA
#define NSF_NSG1_LEAST NSF_LEAST_OF_ENDS, 1, 1, 1, 1, 1, 1, 1
#define NSF_NSG1_SPAN NSF_SPAN_OF_ENDS, 0, 0, 0, 0, 0, 0, 0
#define NSF_NSG2_KINDS                                                                                                 \
    NSF_NSG_KINDS, NSF_KIND_COMMA, NSF_KIND_STATE, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_COMMA,     \
        NSF_KIND_QUOTE, NSF_KIND_COMMA
#define NSF_NSG2_LEAST NSF_LEAST_OF_ENDS, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
#define NSF_NSG2_SPAN NSF_SPAN_OF_ENDS, 0, 0, 0, 0, 0, 0, 0, 0, NSF_SPAN_OF_COUNTERS, 0
#define NSF_VNET4_KINDS                                                                                                \
    NSF_KINDS_OF_ENDS, NSF_KIND_COMMA, NSF_KIND_DIRECTION, NSF_KIND_COMMA, NSF_KIND_STATE, NSF_KIND_COMMA,             \
        NSF_KIND_WORD, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_COMMA, NSF_KIND_QUOTE, NSF_KIND_COMMA
#define NSF_VNET4_LEAST NSF_LEAST_OF_ENDS, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
#define NSF_VNET4_SPAN NSF_SPAN_OF_ENDS, 2, 0, 0, 0, 0, 0, NSF_SPAN_OF_WORD, NSF_SPAN_OF_COUNTERS, 0

#define NSF_KINDS_OF_SIGNS                                                                                             \
    [NSF_LESS_ZERO(',')] = NSF_KIND_COMMA, [NSF_LESS_ZERO('.')] = NSF_KIND_DOT, [NSF_LESS_ZERO('"')] = NSF_KIND_QUOTE, \
    [NSF_LESS_ZERO('I')] = NSF_KIND_DIRECTION, [NSF_LESS_ZERO('O')] = NSF_KIND_DIRECTION,                              \
    [NSF_LESS_ZERO('B')] = NSF_KIND_STATE, [NSF_LESS_ZERO('C')] = NSF_KIND_STATE,                                      \
    [NSF_LESS_ZERO('E')] = NSF_KIND_STATE
#define NSF_KINDS_OF_NSG                                                                                               \
    {                                                                                                                  \
        NSF_KINDS_OF_SIGNS, [NSF_LESS_ZERO('T')] = NSF_KIND_PROTOCOL, [NSF_LESS_ZERO('U')] = NSF_KIND_PROTOCOL,        \
                            [NSF_LESS_ZERO('A')] = NSF_KIND_DECISION, [NSF_LESS_ZERO('D')] = NSF_KIND_DECISION         \
    }

#define NSF_NUMBER_DEPTHS 8, 7, 6, 5, 4, 3, 2, 1
#define NSF_STAMP_DEPTHS 16, 15, 14, 13, 12, 11, 10, 9, NSF_NUMBER_DEPTHS
#define NSF_STAMP_LANES                                                                                                \
    {                                                                                                                  \
        .mark = {NSF_EIGHT(NSF_MARK_STAMP), NSF_EIGHT(NSF_MARK_STAMP)},                                                \
        .depth = {NSF_STAMP_DEPTHS,        NSF_EIGHT(NSF_NO_DIGIT), NSF_EIGHT(NSF_NO_DIGIT), NSF_EIGHT(NSF_NO_DIGIT),  \
                  NSF_EIGHT(NSF_NO_DIGIT), NSF_EIGHT(NSF_NO_DIGIT), NSF_EIGHT(NSF_NO_DIGIT)},                          \
    }
#define NSF_COUNT_LANES(first)                                                                                         \
    {                                                                                                                  \
        .mark = {NSF_EIGHT(NSF_MARK_STAMP), NSF_EIGHT(NSF_MARK_STAMP), NSF_EIGHT(first),                               \
                 NSF_EIGHT((first) + 1),    NSF_EIGHT((first) + 2),    NSF_EIGHT((first) + 3)},                        \
        .depth = {NSF_STAMP_DEPTHS,  NSF_NUMBER_DEPTHS,       NSF_NUMBER_DEPTHS,      NSF_NUMBER_DEPTHS,               \
                  NSF_NUMBER_DEPTHS, NSF_EIGHT(NSF_NO_DIGIT), NSF_EIGHT(NSF_NO_DIGIT)},                                \
    }

static const struct nsf_tuple_shape nsf_tuple_shapes[NSF_LAYOUTS] = {
    [NSF_LAYOUT_NSG1] =
        {
            .n_marks = 19,
            .direction = 14,
            .decision = 16,
            .state = 16,
            .kind_of = NSF_KINDS_OF_NSG,
            .kinds = {NSF_NSG1_KINDS, NSF_NSG1_KINDS},
            .least = {NSF_NSG1_LEAST, NSF_NSG1_LEAST},
            .span = {NSF_NSG1_SPAN, NSF_NSG1_SPAN},
            .letters = NSF_FOUR_LETTERS(19, 14, NSF_MARK_PROTOCOL, 16),
            .as_lane = {NSF_FOUR(NSF_AS_LANE(NSF_VALUE_ZERO_BYTE))},
            .counts = NSF_STAMP_LANES,
        },
    [NSF_LAYOUT_NSG2] =
        {
            .n_marks = 25,
            .direction = 14,
            .decision = 16,
            .state = 18,
            .counter = 20,
            .has_state = true,
            .kind_of = NSF_KINDS_OF_NSG,
            .kinds = {NSF_NSG2_KINDS, NSF_NSG2_KINDS},
            .least = {NSF_NSG2_LEAST, NSF_NSG2_LEAST},
            .span = {NSF_NSG2_SPAN, NSF_NSG2_SPAN},
            .letters = NSF_FOUR_LETTERS(25, 14, NSF_MARK_PROTOCOL, 16),
            .as_lane = {NSF_FOUR(NSF_AS_LANE(NSF_VALUE_ZERO_BYTE))},
            .counts = NSF_COUNT_LANES(20),
        },
    [NSF_LAYOUT_VNET4] =
        {
            .n_marks = 24,
            .direction = 13,
            .decision = 15,
            .state = 15,
            .counter = 19,
            .has_word = true,
            .has_state = true,
            .kind_of = {NSF_KINDS_OF_SIGNS, [NSF_LESS_ZERO('D')] = NSF_KIND_STATE, [NSF_LESS_ZERO('N')] = NSF_KIND_WORD,
                        [NSF_LESS_ZERO('X')] = NSF_KIND_WORD},
            .kinds = {NSF_VNET4_KINDS, NSF_VNET4_KINDS},
            .least = {NSF_VNET4_LEAST, NSF_VNET4_LEAST},
            .span = {NSF_VNET4_SPAN, NSF_VNET4_SPAN},
            .letters = NSF_FOUR_LETTERS(24, 13, NSF_MARK_STAMP, 15),
            .as_lane = {NSF_FOUR(NSF_AS_LANE(4 * NSF_VALUE_PROTOCOL))},
            .counts = NSF_COUNT_LANES(19),
        },
};

/* What is the same for all layouts. */
struct nsf_tuple_constants {
    uint8_t zero[NSF_BLOCK_BYTES]; /* to add: the text less '0' */
    uint8_t nine[NSF_BLOCK_BYTES];
    uint8_t first_places[NSF_BLOCK_BYTES];
    uint8_t ends_mark[NSF_BLOCK_BYTES]; /* behind each number of the ends */
    uint8_t ends_depth[NSF_BLOCK_BYTES];
    uint8_t ends_back[NSF_BLOCK_BYTES]; /* the same, negative: to add to the place of the mark */
    uint8_t
        ends_leading[NSF_BLOCK_BYTES]; /* a number with its mark is so long where the digit here is its first of more */
    int8_t ends_weights[NSF_BLOCK_BYTES];
    uint32_t ends_most[NSF_BLOCK_BYTES / 4];
    int16_t port_weights[NSF_BLOCK_BYTES / 2]; /* in lanes */
    uint8_t flags[NSF_BLOCK_BYTES];            /* what a letter is in a contact: the lower six bits of it less '0' */
    int8_t weights[NSF_BLOCK_BYTES];           /* of counts */
    int16_t pair_weights[NSF_BLOCK_BYTES / 2];
};

#define NSF_PART_DEPTHS 3, 2, 1, NSF_NO_DIGIT
#define NSF_PORT_DEPTHS 5, 4, NSF_NO_DIGIT, NSF_NO_DIGIT, NSF_PART_DEPTHS
#define NSF_EIGHT_PARTS(x) x, x, x, x, x, x, x, x
#define NSF_PART_BACK 253, 254, 255, 0
#define NSF_PORT_BACK 251, 252, 0, 0, NSF_PART_BACK
#define NSF_PART_LEADING 4, 3, 255, 255
#define NSF_PART_WEIGHTS 100, 10, 1, 0
#define NSF_PORT_WEIGHTS 10, 1, 0, 0, NSF_PART_WEIGHTS
#define NSF_NUMBER_WEIGHTS 10, 1, 10, 1, 10, 1, 10, 1
#define NSF_PAIR_WEIGHTS 100, 1, 100, 1

static const struct nsf_tuple_constants nsf_tuple_constants = {
    .zero = {NSF_SIXTY_FOUR(256 - '0')},
    .nine = {NSF_SIXTY_FOUR(9)},
    .first_places = {NSF_SIXTY_FOUR_FROM(0)},
    .ends_mark = {NSF_FOUR(2), NSF_FOUR(3), NSF_FOUR(4), NSF_FOUR(5), NSF_FOUR(6), NSF_FOUR(7), NSF_FOUR(8),
                  NSF_FOUR(9), NSF_EIGHT(NSF_MARK_SRC_PORT), NSF_EIGHT(NSF_MARK_DST_PORT), NSF_FOUR(NSF_MARK_PROTOCOL)},
    .ends_depth = {NSF_EIGHT_PARTS(NSF_PART_DEPTHS), NSF_PORT_DEPTHS, NSF_PORT_DEPTHS, NSF_PART_DEPTHS,
                   NSF_TWELVE(NSF_NO_DIGIT)},
    .ends_back = {NSF_EIGHT_PARTS(NSF_PART_BACK), NSF_PORT_BACK, NSF_PORT_BACK, NSF_PART_BACK},
    .ends_leading = {NSF_EIGHT_PARTS(NSF_PART_LEADING), NSF_EIGHT(255), NSF_EIGHT(255), NSF_EIGHT(255), NSF_EIGHT(255)},
    .ends_weights = {NSF_EIGHT_PARTS(NSF_PART_WEIGHTS), NSF_PORT_WEIGHTS, NSF_PORT_WEIGHTS, NSF_PART_WEIGHTS},
    .ends_most = {NSF_EIGHT(UINT8_MAX), NSF_FOUR(UINT32_MAX), UINT8_MAX},
    .port_weights = {NSF_FOUR(0), 1000, 1, 1000, 1, NSF_FOUR(0), 1000, 1, 1000, 1,
                     NSF_FOUR(0), 1000, 1, 1000, 1, NSF_FOUR(0), 1000, 1, 1000, 1},
    .flags = {[NSF_LESS_ZERO('T') & 63] = NSF_PROTOCOL_TCP,
              [NSF_LESS_ZERO('U') & 63] = NSF_PROTOCOL_UDP,
              [NSF_LESS_ZERO('D') & 63] = 1},
    .weights = {NSF_EIGHT_PARTS(NSF_NUMBER_WEIGHTS)},
    .pair_weights = {NSF_EIGHT_PARTS(NSF_PAIR_WEIGHTS)},
};

#endif
