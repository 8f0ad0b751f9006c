#include "ezp2p/chain/ledger.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(undo, an_undo_record_has_a_fixed_layout)
{
    const ez_account_change change = {{{0xaa, 0xbb}}, {0x0102030405, 6}};
    uint8_t expected[4 + 48] = {1, 0, 0, 0, 0xaa, 0xbb};
    ez_buffer buffer = {0};
    expected[36] = 5;
    expected[37] = 4;
    expected[38] = 3;
    expected[39] = 2;
    expected[40] = 1;
    expected[44] = 6;
    ez_undo_encode(&buffer, &change, 1);
    cr_assert(buffer.size == sizeof(expected));
    cr_expect(memcmp(buffer.data, expected, sizeof(expected)) == 0);
    ez_buffer_clear(&buffer);
}

static void expect_corrupt(const uint8_t *data, size_t size)
{
    ez_account_change untouched;
    ez_account_change *changes = &untouched;
    uint32_t count = 7;
    cr_expect(ez_undo_decode(&changes, &count, data, size) == EZ_ERR_CORRUPT);
    cr_expect(changes == NULL && count == 0);
}

Test(undo, a_damaged_undo_record_is_corrupt)
{
    const ez_account_change changes[2] = {{{{1}}, {EZ_AMOUNT_MAX, 2}}, {{{3}}, {4, 5}}};
    ez_buffer buffer = {0};
    ez_account_change *decoded;
    uint32_t count;
    ez_undo_encode(&buffer, changes, 2);
    cr_expect(ez_undo_decode(&decoded, &count, buffer.data, buffer.size) == EZ_OK);
    cr_expect(count == 2 && memcmp(decoded, changes, sizeof(changes)) == 0);
    free(decoded);
    for (size_t size = 0; size < buffer.size; size++) {
        expect_corrupt(buffer.data, size);
    }
    ez_buffer_add_u8(&buffer, 0);
    expect_corrupt(buffer.data, buffer.size);
    buffer.size--;
    buffer.data[0] = 3;
    expect_corrupt(buffer.data, buffer.size);
    memset(buffer.data, 0xff, 4);
    expect_corrupt(buffer.data, buffer.size);
    memcpy(buffer.data, (uint8_t[]){2, 0, 0, 0}, 4);
    buffer.data[4 + 32 + 6] = 0x20; /* 2^53 */
    memset(buffer.data + 4 + 32, 0, 6);
    expect_corrupt(buffer.data, buffer.size);
    ez_buffer_clear(&buffer);
}

Test(undo, an_empty_undo_record_is_one)
{
    ez_buffer buffer = {0};
    ez_account_change *decoded;
    uint32_t count = 1;
    ez_undo_encode(&buffer, NULL, 0);
    cr_expect(buffer.size == 4);
    cr_expect(ez_undo_decode(&decoded, &count, buffer.data, buffer.size) == EZ_OK && count == 0);
    free(decoded);
    ez_buffer_clear(&buffer);
}
