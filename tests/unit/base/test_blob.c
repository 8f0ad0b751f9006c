#include "ezp2p/base/blob.h"

#include <criterion/criterion.h>
#include <string.h>

Test(blob, holds_a_copy)
{
    uint8_t bytes[3] = {1, 2, 3};
    ez_blob *blob = ez_blob_new(bytes, 3);
    bytes[0] = 9;
    cr_expect(ez_blob_size(blob) == 3);
    cr_expect(memcmp(ez_blob_data(blob), "\1\2\3", 3) == 0);
    ez_blob_unref(blob);
}

/* Under the address sanitizer this fails on a use after free or a leak. */
Test(blob, lives_until_the_last_reference_is_dropped)
{
    ez_blob *blob = ez_blob_new("abc", 3);
    ez_blob *again = ez_blob_ref(blob);
    cr_expect(again == blob);
    ez_blob_unref(blob);
    cr_expect(memcmp(ez_blob_data(again), "abc", 3) == 0);
    ez_blob_unref(again);
}

Test(blob, can_be_filled_before_it_is_shared)
{
    uint8_t *out;
    ez_blob *blob = ez_blob_new_empty(4, &out);
    memcpy(out, "wxyz", 4);
    cr_expect(memcmp(ez_blob_data(blob), "wxyz", 4) == 0);
    ez_blob_unref(blob);
}

Test(blob, may_be_empty_or_absent)
{
    ez_blob *blob = ez_blob_new(NULL, 0);
    cr_expect(ez_blob_size(blob) == 0);
    cr_expect(ez_blob_data(blob) != NULL);
    ez_blob_unref(blob);
    ez_blob_unref(NULL);
}
