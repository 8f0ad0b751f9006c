/* Tables of the keys that sign most, for all threads of a process.
 *
 * A set-associative cache: a keyed hash of the key names one of EZ_KEY_SETS sets, whose tables are
 * EZ_KEY_TABLES_MAX / EZ_KEY_SETS. No thread ever waits for another: a table is held by a counter
 * while it is read, and who wants to replace one that is held, or is being made, does not. A key
 * that is not found is simply checked without a table.
 *
 * Who gets a table is decided by frequency: each set counts the keys that come and have none
 * (Misra and Gries, "Finding repeated elements", 1982: a newcomer takes one off the least), and at
 * EZ_KEY_SIGHTINGS a key may take the place of the table that was used least. Each such attempt
 * halves that table's own count, so that tables in use outlast a crowd of passers-by.
 */
#ifndef EZP2P_CRYPTO_KEY_TABLES_INTERNAL_H
#define EZP2P_CRYPTO_KEY_TABLES_INTERNAL_H

#include "edwards_internal.h"

#if EZ_HAS_FIELD

#include "ezp2p/base/id.h"
#include "ezp2p/base/siphash.h"

typedef struct ez_key_tables ez_key_tables;
typedef struct ez_key_table ez_key_table;

ez_key_tables *ez_key_tables_new(const ez_siphash_key *seed);
void ez_key_tables_free(ez_key_tables *tables);

/* ez_key_tables_hold: the table of `key`, which stays until ez_key_table_let_go; or NULL. */
ez_key_table *ez_key_tables_hold(ez_key_tables *tables, const ez_public_key *key);
void ez_key_table_let_go(ez_key_table *table);

/* ez_key_table_points: the table of -A, for ez_comb_sum, A being the point of the key. */
const ez_ready_point *ez_key_table_points(const ez_key_table *table);

/* ez_key_tables_base: the table of the base point; it is there once any key has a table. */
const ez_ready_point *ez_key_tables_base(const ez_key_tables *tables);

/* ez_key_tables_saw: count a good signature of a key that has no table, and make it one when its
 * time has come.
 *   returns  true when a table was made */
bool ez_key_tables_saw(ez_key_tables *tables, const ez_public_key *key);

#endif
#endif
