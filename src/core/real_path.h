/*
 * real_path.h - the one absolute path of a file, without symbolic links: realpath(3) in three system calls instead of
 * one a folder on the way. Any thread.
 */
#ifndef NSF_REAL_PATH_H
#define NSF_REAL_PATH_H

#include "core/nsf_common.h"

#include <limits.h>

/* False: nothing is there, or it cannot be reached; errno says why. Nothing is opened for reading. */
bool nsf_real_path(const char *path, char whole[PATH_MAX]) NSF_CHECKED;

#endif
