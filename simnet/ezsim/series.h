/* What a run was like over time, kept for pictures (simnet/plot.sh): how blocks and transactions
 * spread, the tree of blocks, and what each virtual second was like. Text tables, columns parted by
 * tabs, a line of names first.
 */
#ifndef EZP2P_SIMNET_SERIES_H
#define EZP2P_SIMNET_SERIES_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/status.h"
#include "ezp2p/chain/types.h"
#include "run.h"

/* ez_series_new: nothing kept yet. Grows by a few dozen bytes for each block and virtual second. */
ez_series *ez_series_new(void);
void ez_series_free(ez_series *series); /* NULL is fine */

/* ez_series_block: host's tip is this block now; only its first sight anywhere is kept. */
void ez_series_block(ez_series *series, const ez_run *run, size_t host, const ez_block_id *id);

/* ez_series_second: called once in each virtual second. */
void ez_series_second(ez_series *series, const ez_run *run);

/* ez_series_write: the tables propagation.tsv, blocks.tsv and seconds.tsv of a finished run, in the
 * folder `directory`, which is made when there is none; files of these names are replaced.
 *   returns  EZ_OK, or EZ_ERR_IO with errno set */
EZ_MUST_USE ez_status ez_series_write(const ez_series *series, const ez_run *run,
                                      const char *directory);

#endif
