// The file source: NDJSON and CSV, plain, gzip or zstd, one path or a glob.
//
// A full refresh, and an incremental run by cursor, read all files as they stand at the run's
// start. An incremental run without cursor_field reads what was appended since the last one, by
// position. Stream mode follows the files.
//
// Threads: see sync/source.h.
#ifndef BIZOND_SOURCES_FILE_FILE_SOURCE_H_
#define BIZOND_SOURCES_FILE_FILE_SOURCE_H_

#include <memory>
#include <span>

#include "base/error.h"
#include "sync/connector.h"

namespace bizond {

// Code bad_config when the block does not fit the schema.
Result<std::unique_ptr<Source>> OpenFileSource(const ConnectorArgs& args);
// Empty: a job names its stream as it likes.
std::span<const StreamInfo> FileStreams();

}  // namespace bizond

#endif  // BIZOND_SOURCES_FILE_FILE_SOURCE_H_
