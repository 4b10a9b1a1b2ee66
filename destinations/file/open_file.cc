#include <algorithm>
#include <nlohmann/json.hpp>

#include "destinations/file/file_destination.h"
#include "destinations/record_schemas.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenFileDestination(const ConnectorArgs& args) {
  const auto config = nlohmann::json::parse(args.config, nullptr, false);
  LineFormat format;
  if (config.is_object()) {
    if (config.value("source_data", "string") == "object") format.data = LineFormat::Data::kObject;
    if (config.value("unnest", false)) format.data = LineFormat::Data::kUnnested;
  }
  BIZOND_ASSIGN_OR_RETURN(const std::vector<SchemaColumn> columns,
                          RecordSchemaOf(args.config, args.destination_id));
  for (const SchemaColumn& column : columns) format.keys.push_back(column.name);
  std::sort(format.keys.begin(), format.keys.end());
  BIZOND_ASSIGN_OR_RETURN(FilePlace place, FilePlace::Find(args.roots, args.destination_id));
  return std::make_unique<FileDestination>(std::move(place), std::move(format), args.clock);
}

}  // namespace bizond
