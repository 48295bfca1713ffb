/*
 * azure_stream.h - the bytes of one blob: ranges fetched ahead by a thread of the stream's own, checked, and handed out
 * in order. Follows a blob that grows, and notices one that was made anew.
 */
#ifndef NSF_AZURE_STREAM_H
#define NSF_AZURE_STREAM_H

#include "source/azure_call.h"

struct nsf_azure_streams;

/* Keeps the threads, connections and buffers of closed streams for the next ones. Thread-safe. */
struct nsf_azure_streams *nsf_azure_streams_new(struct nsf_azure_account *account);
/* Ends all threads, also of streams that were expected and not opened; none may be open. */
void nsf_azure_streams_free(struct nsf_azure_streams *streams);

/* Opens the blob and keeps it for the one who opens it next, without a `how`. Does nothing when many are kept already.
 */
void nsf_azure_stream_expect(struct nsf_azure_streams *streams, struct nsf_slice name, const struct nsf_blob *blob);

/* `name` is the blob's name in its container, absent at a foreign host; NUL-ended, borrowed until close. */
nsf_result nsf_azure_stream_open(struct nsf_azure_streams *streams, struct nsf_slice name, const struct nsf_blob *blob,
                                 const struct nsf_open *how, struct nsf_stream **stream,
                                 struct nsf_err *err) NSF_CHECKED;

#endif
