// The dummy source: an imagined API with two streams, three pages each, that needs no network.
//
// It behaves as bizon's: the same records, the same pagination tokens, authentication that must be
// given and is never used. Each record also has an `updated_at`, ascending and always the same, for
// incremental runs. `rows` makes it generate that many records instead.
//
// In stream mode the pages come once; after them each read waits a second (or `sleep`) and is
// empty.
//
// Threads: see sync/source.h.
#ifndef BIZOND_SOURCES_DUMMY_DUMMY_SOURCE_H_
#define BIZOND_SOURCES_DUMMY_DUMMY_SOURCE_H_

#include <memory>
#include <span>

#include "base/error.h"
#include "sync/connector.h"

namespace bizond {

// Code bad_config when the block does not fit the schema.
Result<std::unique_ptr<Source>> OpenDummySource(const ConnectorArgs& args);
std::span<const StreamInfo> DummyStreams();

}  // namespace bizond

#endif  // BIZOND_SOURCES_DUMMY_DUMMY_SOURCE_H_
