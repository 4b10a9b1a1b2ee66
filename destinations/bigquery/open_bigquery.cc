#include <algorithm>

#include "destinations/bigquery/bigquery_destination.h"

namespace bizond {
namespace {

// A file of a load is held in memory until it is full.
constexpr size_t kFileBytesMin = 1 << 20;
constexpr size_t kFileBytesMax = 64 << 20;

}  // namespace

Result<std::unique_ptr<Destination>> OpenBigQueryDestination(const ConnectorArgs& args) {
  BIZOND_ASSIGN_OR_RETURN(BigQueryConfig config, ReadBigQueryConfig(args, BigQueryKind::kBatch));
  const size_t file_bytes = std::clamp(static_cast<size_t>(args.job.destination.buffer_bytes),
                                       kFileBytesMin, kFileBytesMax);
  return std::make_unique<BigQueryDestination>(std::move(config),
                                               BigQueryEndpointsFromEnvironment(), args.state_dir,
                                               file_bytes, &args.clock);
}

}  // namespace bizond
