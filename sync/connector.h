// Connector descriptors: the rows of the two catalogues, sources/catalog.cc and
// destinations/catalog.cc.
//
// A connector is a folder with its code, `schema.json` (JSON Schema draft 7 of the keys it adds)
// and `example.yml`; one row in its catalogue registers it. Validation, `bizond connectors`, the
// reference docs, the page and the conformance suite all read these rows. The files are embedded in
// the binary, and found by the connector's name.
//
// Threads: tables of constants.
#ifndef BIZOND_SYNC_CONNECTOR_H_
#define BIZOND_SYNC_CONNECTOR_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/embedded_file.h"
#include "base/error.h"
#include "base/fs.h"
#include "sync/destination.h"
#include "sync/source.h"

namespace bizond {

// What a connector is opened with. `config` is the job's block as JSON text with every secret
// resolved: never logged, never stored. For a source it is the `source` block, for a destination
// the `destination.config` block.
struct ConnectorArgs {
  const JobSpec& job;
  std::string stream;          // One instance serves one stream.
  std::string destination_id;  // Of this stream, with {stream} and the default filled in.
  std::string config;
  Roots roots;
  Clock& clock;
  // What a connector keeps on this machine and no job names: locks, files on their way. One for all
  // jobs of a state directory. nullopt: nothing is opened to write, only looked at.
  std::optional<Root> state_dir = {};
};

struct SourceDescriptor {
  std::string_view name;
  std::string_view summary;
  bool incremental_by_cursor;
  bool incremental_by_position;
  bool stream_mode;
  Result<std::unique_ptr<Source>> (*open)(const ConnectorArgs& args);
  // The streams that a job may name, for a connector that has a fixed list; empty: any name.
  std::span<const StreamInfo> (*streams)();
};

struct DestinationDescriptor {
  std::string_view name;
  std::string_view summary;
  bool exactly_once;
  bool merge;
  Result<std::unique_ptr<Destination>> (*open)(const ConnectorArgs& args);
  // A full refresh takes the place of what is there, and a job can be reset. False: it only adds.
  bool replace = true;
  // A run has a staging that only one run of its job at a time may have. False: records go straight
  // to the target, and runs beside each other only add.
  bool staged = true;
};

// A connector that exists and is not in this binary.
struct AbsentConnector {
  std::string_view name;
  std::string_view remedy;  // How to get it.
};

struct Catalog {
  std::span<const SourceDescriptor> sources;
  std::span<const DestinationDescriptor> destinations;
  std::span<const EmbeddedFile> source_files;  // "dummy/schema.json", "dummy/example.yml"
  std::span<const EmbeddedFile> destination_files;
  std::span<const AbsentConnector> absent_destinations = {};

  const SourceDescriptor* FindSource(std::string_view name) const;            // nullptr: unknown
  const DestinationDescriptor* FindDestination(std::string_view name) const;  // nullptr: unknown
  // Empty when there is no such file.
  std::string_view SourceFile(std::string_view name, std::string_view file) const;
  std::string_view DestinationFile(std::string_view name, std::string_view file) const;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_CONNECTOR_H_
