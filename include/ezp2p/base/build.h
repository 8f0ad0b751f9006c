/* What was built. */
#ifndef EZP2P_BASE_BUILD_H
#define EZP2P_BASE_BUILD_H

/* ez_build_commit: the commit, as `git describe` named it when the build was configured; "unknown"
 * for an unpacked archive. */
const char *ez_build_commit(void);

#endif
