/* Reads tests/vectors/NAME.txt: lines of `name key=value ...`, comments after #. A file that is
 * missing, a key that is not there or a value that does not parse fails the test. */
#ifndef EZP2P_SUPPORT_VECTORS_H
#define EZP2P_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VECTOR_KEYS_MAX  20
#define VECTOR_BYTES_MAX 4096

typedef struct vector_file {
    FILE *file;
    char *line;
    size_t line_capacity;
    const char *name; /* first word of the current line */
    const char *keys[VECTOR_KEYS_MAX];
    const char *values[VECTOR_KEYS_MAX];
    size_t key_count;
    size_t line_count; /* lines yielded so far */
} vector_file;

typedef struct vector_data {
    uint8_t bytes[VECTOR_BYTES_MAX];
    size_t size;
} vector_data;

void vector_open(vector_file *vectors, const char *file_name);

/* vector_next: the next line called `name`; false, with everything closed, at the end of the file,
 * which must have held at least one. */
bool vector_next(vector_file *vectors, const char *name);

const char *vector_text(const vector_file *vectors, const char *key);
uint64_t vector_number(const vector_file *vectors, const char *key);
uint32_t vector_bits(const vector_file *vectors, const char *key); /* hex */
vector_data vector_bytes(const vector_file *vectors, const char *key);
void vector_copy(void *out, size_t size, const vector_file *vectors, const char *key);

#endif
