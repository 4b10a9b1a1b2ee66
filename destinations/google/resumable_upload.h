// A resumable upload to a service of Google's: a session, chunks, and after a cut the question how
// far it came.
//
// The session is the Location of the first answer. Chunks are multiples of 256 KiB with a
// Content-Range; 308 with Range says what arrived; after a 5xx or a cut the session is asked
// (`bytes */N`) and the upload goes on from there; 404 and 410 end a session. A single chunk is
// in memory at a time.
//
// Reference: https://cloud.google.com/bigquery/docs/reference/api-uploads.
//
// Threads: as the transport.
#ifndef BIZOND_DESTINATIONS_GOOGLE_RESUMABLE_UPLOAD_H_
#define BIZOND_DESTINATIONS_GOOGLE_RESUMABLE_UPLOAD_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "destinations/google/transport.h"

namespace bizond {

struct UploadTarget {
  std::string endpoint;  // Where the session may lie, too.
  std::string url;       // Of the request that begins the session.
  std::string metadata;  // Its body, JSON.
  std::string content_type = "application/octet-stream";
};

// What is uploaded. `read` gives exactly these bytes of it, again after a cut.
struct UploadSource {
  size_t size = 0;
  std::function<Result<std::string>(size_t offset, size_t bytes)> read;
};
// `text` must outlive it.
UploadSource UploadOf(std::string_view text);

// The answer to the whole: 2xx, or 409 (it exists). nullopt: the session is gone, and the caller
// finds out whether the upload had been done before another is begun.
Result<std::optional<HttpResponse>> UploadInSession(GoogleTransport* transport,
                                                    const UploadTarget& target,
                                                    const UploadSource& data, std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_RESUMABLE_UPLOAD_H_
