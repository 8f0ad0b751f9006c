#include "ezp2p/base/alloc.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

Test(alloc, memory_is_zeroed)
{
    uint8_t *memory = ez_alloc(100, 10);
    for (size_t i = 0; i < 1000; i++) {
        cr_assert(memory[i] == 0);
    }
    free(memory);
}

Test(alloc, nothing_is_not_null)
{
    void *none = ez_alloc(0, 8);
    void *empty = ez_alloc(8, 0);
    void *copy = ez_memdup(NULL, 0);
    void *grown = ez_realloc(NULL, 0, 1);
    cr_expect(none != NULL && empty != NULL && copy != NULL && grown != NULL);
    /* Shrinking to nothing frees in some C libraries; here the result is still to be freed. */
    grown = ez_realloc(grown, 0, 0);
    cr_expect(grown != NULL);
    free(none);
    free(empty);
    free(copy);
    free(grown);
}

Test(alloc, growing_keeps_the_content)
{
    uint32_t *items = ez_alloc(2, sizeof *items);
    items[1] = 77;
    items = ez_realloc(items, 1000, sizeof *items);
    cr_expect(items[1] == 77);
    free(items);
}

Test(alloc, copies_are_separate)
{
    char text[] = "abc";
    char *copy = ez_strdup(text);
    char *bytes = ez_memdup(text, 2);
    text[0] = 'x';
    cr_expect_str_eq(copy, "abc");
    cr_expect(memcmp(bytes, "ab", 2) == 0);
    free(copy);
    free(bytes);
}

/* Hidden from the compiler, which would refuse such sizes where it sees them. */
static volatile size_t huge = SIZE_MAX / 2 + 1;

Test(alloc, a_product_that_overflows_aborts, .signal = SIGABRT)
{
    free(ez_alloc(huge, 2));
}

Test(alloc, growing_by_a_product_that_overflows_aborts, .signal = SIGABRT)
{
    free(ez_realloc(NULL, huge, 4));
}
