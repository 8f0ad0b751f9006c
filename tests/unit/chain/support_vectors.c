#include "support_vectors.h"

#include "ezp2p/base/text.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void vector_open(vector_file *vectors, const char *file_name)
{
    char path[4096];

    memset(vectors, 0, sizeof *vectors);
    snprintf(path, sizeof path, "%s/%s", EZ_TEST_VECTORS, file_name);
    vectors->file = fopen(path, "r");
    cr_assert_not_null(vectors->file, "%s", path);
}

static void split(vector_file *vectors)
{
    char *state = NULL;

    vectors->key_count = 0;
    vectors->name = strtok_r(vectors->line, " \n", &state);
    for (char *word; (word = strtok_r(NULL, " \n", &state)) != NULL;) {
        char *equals = strchr(word, '=');
        cr_assert_not_null(equals, "%s", word);
        cr_assert_lt(vectors->key_count, VECTOR_KEYS_MAX);
        *equals = '\0';
        vectors->keys[vectors->key_count] = word;
        vectors->values[vectors->key_count++] = equals + 1;
    }
}

bool vector_next(vector_file *vectors, const char *name)
{
    while (getline(&vectors->line, &vectors->line_capacity, vectors->file) > 0) {
        if (vectors->line[0] == '#' || vectors->line[0] == '\n') {
            continue;
        }
        split(vectors);
        if (strcmp(vectors->name, name) == 0) {
            vectors->line_count++;
            return true;
        }
    }
    cr_assert_gt(vectors->line_count, 0, "no line is called %s", name);
    fclose(vectors->file);
    free(vectors->line);
    return false;
}

const char *vector_text(const vector_file *vectors, const char *key)
{
    for (size_t i = 0; i < vectors->key_count; i++) {
        if (strcmp(vectors->keys[i], key) == 0) {
            return vectors->values[i];
        }
    }
    cr_assert_fail("%s has no key %s", vectors->name, key);
    return "";
}

static uint64_t number(const char *text, int base)
{
    char *end;
    uint64_t value = strtoull(text, &end, base);

    cr_assert(*text != '\0' && *end == '\0', "not a number: %s", text);
    return value;
}

uint64_t vector_number(const vector_file *vectors, const char *key)
{
    return number(vector_text(vectors, key), 10);
}

uint32_t vector_bits(const vector_file *vectors, const char *key)
{
    return (uint32_t)number(vector_text(vectors, key), 16);
}

vector_data vector_bytes(const vector_file *vectors, const char *key)
{
    const char *text = vector_text(vectors, key);
    vector_data data = {.size = strlen(text) / 2};

    cr_assert_leq(data.size, VECTOR_BYTES_MAX);
    cr_assert(ez_hex_decode(data.bytes, data.size, text), "not hex: %s", text);
    return data;
}

void vector_copy(void *out, size_t size, const vector_file *vectors, const char *key)
{
    vector_data data = vector_bytes(vectors, key);

    cr_assert_eq(data.size, size, "%s of %s has %zu bytes", key, vectors->name, data.size);
    memcpy(out, data.bytes, size);
}
