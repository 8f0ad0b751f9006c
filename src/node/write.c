#include "ezp2p/node/store_port.h"

#include <stdlib.h>

static void op_clear(ez_write_op *op)
{
    ez_block_unref(op->block);
    ez_ledger_diff_clear(&op->diff);
    ez_blob_unref(op->bytes);
    free(op->text);
}

void ez_write_free(ez_write *write)
{
    if (!write) {
        return;
    }
    for (size_t i = 0; i < write->count; i++) {
        op_clear(&write->ops[i]);
    }
    free(write->ops);
    free(write);
}
