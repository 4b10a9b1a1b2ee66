#include "destinations/catalog.h"

#include "destinations/bigquery/bigquery_destination.h"
#include "destinations/bigquery_streaming/streaming_destination.h"
#ifndef BIZOND_NO_GRPC
#include "destinations/bigquery_streaming_v2/streaming_v2_destination.h"
#endif
#include "destinations/file/file_destination.h"
#include "destinations/logger/logger_destination.h"
#include "destinations/sqlite/sqlite_destination.h"
#include "embedded/destinations_files.h"

namespace bizond {
namespace {

constexpr DestinationDescriptor kDestinations[] = {
    {.name = "bigquery",
     .summary = "table of BigQuery: load jobs into a staging, published by a copy job",
     .exactly_once = true,
     .merge = false,
     .open = OpenBigQueryDestination},
    {.name = "bigquery_streaming",
     .summary = "table of BigQuery, streamed into by insertAll",
     .exactly_once = false,
     .merge = false,
     .open = OpenBigQueryStreaming,
     .replace = false,
     .staged = false},
#ifndef BIZOND_NO_GRPC
    {.name = "bigquery_streaming_v2",
     .summary = "BigQuery table, through the Storage Write API: appended to, overwritten, or fed",
     .exactly_once = true,
     .merge = false,
     .open = OpenBigQueryStreamingV2},
#endif
    {.name = "file",
     .summary = "NDJSON file: replaced by rename, appended to, or followed",
     .exactly_once = true,
     .merge = false,
     .open = OpenFileDestination},
    {.name = "logger",
     .summary = "every record as a line of the run's log",
     .exactly_once = false,
     .merge = false,
     .open = OpenLoggerDestination,
     .staged = false},
    {.name = "sqlite",
     .summary = "table of a SQLite database: swapped, appended to, or merged by key",
     .exactly_once = true,
     .merge = true,
     .open = OpenSqliteDestination},
};

}  // namespace

std::span<const DestinationDescriptor> DestinationCatalog() { return kDestinations; }

std::span<const AbsentConnector> AbsentDestinations() {
#ifdef BIZOND_NO_GRPC
  static constexpr AbsentConnector kAbsent[] = {
      {"bigquery_streaming_v2",
       "This binary was built without gRPC. Build it with: scripts/setup && cmake --preset release "
       "-DBIZOND_GRPC=ON && cmake --build --preset release. The destinations bigquery and "
       "bigquery_streaming need no gRPC."}};
  return kAbsent;
#else
  return {};
#endif
}

std::span<const EmbeddedFile> DestinationFiles() { return embedded::destinations_files(); }

}  // namespace bizond
