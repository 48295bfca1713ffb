#include "core/nsf_common.h"

#include "core/json_string.h"

#include "core/utf8.h"

/* Sixteen bytes at a time: every processor this runs on has such registers, and the compiler knows their
 * instructions. */
typedef unsigned char block __attribute__((vector_size(16)));
#define BLOCK_BYTES sizeof(block)

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* `"` and `&` differ in one bit, `<` and `>` in another. */
static bool is_plain_block(block bytes)
{
    block odd = (block)(bytes - 0x20 >= 0x7F - 0x20) | (block)((bytes | ('"' ^ '&')) == ('"' | '&')) |
                (block)((bytes | ('<' ^ '>')) == ('<' | '>')) | (block)(bytes == '\\');
    uint64_t halves[2];
    memcpy(halves, &odd, sizeof(halves));
    return (halves[0] | halves[1]) == 0;
}

/* Copies a block and says whether it may stay so. */
static bool copy_block(char *at, const char *ptr)
{
    block bytes;
    memcpy(&bytes, ptr, sizeof(bytes));
    memcpy(at, &bytes, sizeof(bytes));
    return is_plain_block(bytes);
}

/* The same with eight to sixteen bytes, as two words that may overlap. */
static bool copy_words(char *at, const char *ptr, size_t len)
{
    uint64_t words[2];
    block bytes;
    memcpy(&words[0], ptr, sizeof(words[0]));
    memcpy(&words[1], ptr + len - sizeof(words[1]), sizeof(words[1]));
    memcpy(at, &words[0], sizeof(words[0]));
    memcpy(at + len - sizeof(words[1]), &words[1], sizeof(words[1]));
    memcpy(&bytes, words, sizeof(bytes));
    return is_plain_block(bytes);
}

/* And with four to eight. */
static bool copy_halves(char *at, const char *ptr, size_t len)
{
    uint32_t first, last;
    block bytes;
    memcpy(&first, ptr, sizeof(first));
    memcpy(&last, ptr + len - sizeof(last), sizeof(last));
    memcpy(at, &first, sizeof(first));
    memcpy(at + len - sizeof(last), &last, sizeof(last));
    memcpy(&bytes, (uint32_t[]){first, last, first, last}, sizeof(bytes));
    return is_plain_block(bytes);
}

/* The end of a text whose first n bytes are copied, with as many bytes before it as make it easy. */
static bool copy_end(char *at, struct nsf_slice text, size_t n)
{
    if (n == text.len)
        return true;
    if (text.len >= BLOCK_BYTES)
        return copy_block(at + text.len - BLOCK_BYTES, text.ptr + text.len - BLOCK_BYTES);
    if (text.len >= sizeof(uint64_t))
        return copy_words(at, text.ptr, text.len);
    return text.len >= sizeof(uint32_t) && copy_halves(at, text.ptr, text.len);
}

/* As many bytes from the start as need no escape, and reads none behind the text. */
static size_t copy_plain(char *at, struct nsf_slice text)
{
    size_t n = 0;
    while (text.len - n >= BLOCK_BYTES && copy_block(at + n, text.ptr + n))
        n += BLOCK_BYTES;
    if (text.len - n < BLOCK_BYTES && copy_end(at, text, n))
        return text.len;
    for (; n < text.len && is_plain((unsigned char)text.ptr[n]); n++)
        at[n] = text.ptr[n];
    return n;
}

static char *put_escape(char *at, unsigned unit)
{
    static const char hex[] = "0123456789abcdef";
    *at++ = '\\';
    *at++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *at++ = hex[unit >> shift & 15];
    return at;
}

static char *put_letter_escape(char *at, char letter)
{
    *at++ = '\\';
    *at++ = letter;
    return at;
}

static char *put_special(char *at, uint32_t c, struct nsf_slice bytes)
{
    if (c == '"' || c == '\\')
        return put_letter_escape(at, (char)c);
    if (c == '\n')
        return put_letter_escape(at, 'n');
    if (c == '\t')
        return put_letter_escape(at, 't');
    if (c >= 0x80 && !nsf_utf8_is_unsafe(c)) {
        memcpy(at, bytes.ptr, bytes.len);
        return at + bytes.len;
    }
    if (c < 0x10000)
        return put_escape(at, c);
    return put_escape(put_escape(at, 0xD7C0u + (c >> 10)), 0xDC00u + (c & 0x3FF));
}

static char *put_text(char *at, struct nsf_slice text)
{
    for (;;) {
        size_t n = copy_plain(at, text);
        at += n;
        text = nsf_slice_from(text, n);
        if (text.len == 0)
            return at;
        uint32_t c;
        n = nsf_utf8_decode(text, &c);
        at = n == 0 ? put_escape(at, 0xFFFD) : put_special(at, c, nsf_slice(text.ptr, n));
        text = nsf_slice_from(text, n == 0 ? 1 : n);
    }
}

char *nsf_put_json_text(char *at, struct nsf_slice text)
{
    return put_text(at, text);
}

char *nsf_put_json_string(char *at, struct nsf_slice text)
{
    *at++ = '"';
    at = put_text(at, text);
    *at++ = '"';
    return at;
}
