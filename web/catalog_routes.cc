// What the binary knows by itself: connectors.
#include <nlohmann/json.hpp>

#include "web/problem.h"
#include "web/request_values.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

json Summary(const SourceDescriptor& row) {
  json streams = json::array();
  if (row.streams != nullptr) {
    for (const StreamInfo& stream : row.streams()) streams.push_back(std::string(stream.name));
  }
  return {{"kind", "source"},
          {"name", row.name},
          {"summary", row.summary},
          {"incremental_by_cursor", row.incremental_by_cursor},
          {"incremental_by_position", row.incremental_by_position},
          {"stream_mode", row.stream_mode},
          {"streams", std::move(streams)}};
}

json Summary(const DestinationDescriptor& row) {
  return {{"kind", "destination"},  {"name", row.name},
          {"summary", row.summary}, {"exactly_once", row.exactly_once},
          {"replace", row.replace}, {"merge", row.merge}};
}

json Whole(json summary, std::string_view schema, std::string_view example) {
  summary["schema"] = json::parse(schema, nullptr, false);
  summary["example"] = example.empty() ? json() : json(example);
  return summary;
}

}  // namespace

Result<WebResponse> ListConnectors(const WebParts& parts, const WebRequest&) {
  json items = json::array();
  for (const SourceDescriptor& row : parts.catalog->sources) items.push_back(Summary(row));
  for (const DestinationDescriptor& row : parts.catalog->destinations) {
    items.push_back(Summary(row));
  }
  return JsonResponse({{"items", std::move(items)}, {"next_cursor", nullptr}});
}

Result<WebResponse> GetConnector(const WebParts& parts, const WebRequest& request) {
  const std::string& kind = request.names.at(0);
  const std::string& name = request.names.at(1);
  const Catalog& catalog = *parts.catalog;
  if (const auto* row = kind == "source" ? catalog.FindSource(name) : nullptr) {
    return JsonResponse(Whole(Summary(*row), catalog.SourceFile(name, "schema.json"),
                              catalog.SourceFile(name, "example.yml")));
  }
  if (const auto* row = kind == "destination" ? catalog.FindDestination(name) : nullptr) {
    return JsonResponse(Whole(Summary(*row), catalog.DestinationFile(name, "schema.json"),
                              catalog.DestinationFile(name, "example.yml")));
  }
  return Problem(404, "not_found", "There is no connector " + kind + "/" + name + ".",
                 "GET /api/v1/connectors lists them.");
}

}  // namespace bizond::handlers
