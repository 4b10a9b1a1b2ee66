#include "sources/catalog.h"

#include "embedded/sources_files.h"
#include "sources/dummy/dummy_source.h"
#include "sources/file/file_source.h"

namespace bizond {
namespace {

constexpr SourceDescriptor kSources[] = {
    {.name = "dummy",
     .summary = "A few made-up creatures and plants, to try a job without a peer",
     .incremental_by_cursor = true,
     .incremental_by_position = false,
     .stream_mode = true,
     .open = OpenDummySource,
     .streams = DummyStreams},
    {.name = "file",
     .summary = "NDJSON and CSV files, plain or compressed, one path or a glob",
     .incremental_by_cursor = true,
     .incremental_by_position = true,
     .stream_mode = true,
     .open = OpenFileSource,
     .streams = FileStreams},
};

}  // namespace

std::span<const SourceDescriptor> SourceCatalog() { return kSources; }

std::span<const EmbeddedFile> SourceFiles() { return embedded::sources_files(); }

}  // namespace bizond
