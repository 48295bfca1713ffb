/*
 * file.h - local files, folders and standard input as a source.
 *
 * A folder is walked, entries in bytewise order. Left out are names that begin with a dot, and what is neither a file
 * nor a folder. Symbolic links are followed; a folder that was walked already (links may make circles) is not walked
 * again. Everything else in a folder is listed, whatever its name, unless the Azure layout in its path puts it outside
 * the filter. A location that is no folder is listed as it is, also a FIFO. "-" is standard input, read once.
 *
 * Blobs are named by their path without `//`, `/./` and what `..` takes back, so that one file given in two ways has
 * one name.
 */
#ifndef NSF_FILE_H
#define NSF_FILE_H

#include "source/source.h"

#include <stdatomic.h>

/* path is borrowed for the call. is_stopped, borrowed as long as the source: set by a signal handler, it ends the wait
 * for a pipe with NSF_E_INTERRUPTED; or NULL. */
struct nsf_source *nsf_file_source_new(const char *path, const atomic_bool *is_stopped);

#endif
