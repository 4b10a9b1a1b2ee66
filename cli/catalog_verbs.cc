// What the binary knows by itself: connectors and error codes.
#include <nlohmann/json.hpp>

#include "cli/error_codes.h"
#include "cli/json_cells.h"
#include "cli/run_words.h"
#include "cli/verb.h"

namespace bizond {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

const char* YesNo(bool value) { return value ? "yes" : "no"; }

int Refuse(const Invocation& invocation, const Error& error) {
  invocation.console.Report(error);
  return kExitUsage;
}

template <typename Row>
std::vector<std::string> NamesOf(std::span<const Row> rows) {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.name);
  return names;
}

int NoConnector(const Invocation& invocation, const std::string& kind, const std::string& name,
                const std::vector<std::string>& known) {
  const std::string near = NearestWord(name, known);
  return Refuse(
      invocation,
      {ErrorKind::kConfig, "unknown_connector", "there is no " + kind + " \"" + name + "\"",
       near.empty() ? "bizond " + kind + " list" : "did you mean " + near + "?"});
}

json StreamsOf(const SourceDescriptor& source) {
  json streams = json::array();
  if (source.streams == nullptr) return streams;
  for (const StreamInfo& stream : source.streams()) {
    streams.push_back({{"name", stream.name}, {"summary", stream.summary}});
  }
  return streams;
}

// Data as one document, or as a table.
int PrintItems(const Invocation& invocation, const json& items,
               const std::vector<std::string>& heading, const Rows& rows) {
  if (invocation.console.json()) {
    invocation.console.Print(JsonLine({{"items", items}}));
  } else {
    invocation.console.PrintTable(heading, rows);
  }
  return kExitDone;
}

}  // namespace

int SourceListVerb(const Invocation& invocation) {
  json items = json::array();
  Rows rows;
  for (const SourceDescriptor& source : invocation.local.catalog->sources) {
    items.push_back({{"name", source.name},
                     {"summary", source.summary},
                     {"incremental_by_cursor", source.incremental_by_cursor},
                     {"incremental_by_position", source.incremental_by_position},
                     {"stream_mode", source.stream_mode}});
    rows.push_back({std::string(source.name), YesNo(source.incremental_by_cursor),
                    YesNo(source.incremental_by_position), YesNo(source.stream_mode),
                    std::string(source.summary)});
  }
  return PrintItems(invocation, items, {"NAME", "BY CURSOR", "BY POSITION", "STREAM", "WHAT IT IS"},
                    rows);
}

int DestinationListVerb(const Invocation& invocation) {
  json items = json::array();
  Rows rows;
  for (const DestinationDescriptor& each : invocation.local.catalog->destinations) {
    items.push_back({{"name", each.name},
                     {"summary", each.summary},
                     {"exactly_once", each.exactly_once},
                     {"replace", each.replace},
                     {"merge", each.merge}});
    rows.push_back({std::string(each.name), YesNo(each.exactly_once), YesNo(each.replace),
                    YesNo(each.merge), std::string(each.summary)});
  }
  return PrintItems(invocation, items, {"NAME", "EXACTLY ONCE", "REPLACE", "MERGE", "WHAT IT IS"},
                    rows);
}

int StreamListVerb(const Invocation& invocation) {
  const Catalog& catalog = *invocation.local.catalog;
  const std::string& name = invocation.arguments.operands().at(0);
  const SourceDescriptor* const source = catalog.FindSource(name);
  if (source == nullptr) return NoConnector(invocation, "source", name, NamesOf(catalog.sources));
  const json items = StreamsOf(*source);
  if (items.empty() && !invocation.console.json()) {
    invocation.console.Note(name + " has no list of streams: a job may name any");
  }
  Rows rows;
  for (const json& item : items) rows.push_back({Cell(item, "/name"), Cell(item, "/summary")});
  return PrintItems(invocation, items, {"NAME", "WHAT IT IS"}, rows);
}

int ConnectorsShowVerb(const Invocation& invocation) {
  const Catalog& catalog = *invocation.local.catalog;
  const std::string& operand = invocation.arguments.operands().at(0);
  const size_t slash = operand.find('/');
  const std::string kind = operand.substr(0, slash);
  const std::string name = slash == std::string::npos ? "" : operand.substr(slash + 1);
  if ((kind != "source" && kind != "destination") || name.empty()) {
    return Refuse(invocation,
                  {ErrorKind::kConfig, "bad_usage", "\"" + operand + "\" is not KIND/NAME",
                   "for instance: bizond connectors show source/file"});
  }
  const bool is_source = kind == "source";
  if (is_source && catalog.FindSource(name) == nullptr) {
    return NoConnector(invocation, kind, name, NamesOf(catalog.sources));
  }
  if (!is_source && catalog.FindDestination(name) == nullptr) {
    return NoConnector(invocation, kind, name, NamesOf(catalog.destinations));
  }
  const auto file = [&](std::string_view which) {
    return is_source ? catalog.SourceFile(name, which) : catalog.DestinationFile(name, which);
  };
  const json schema = json::parse(file("schema.json"), nullptr, false);
  const std::string_view summary =
      is_source ? catalog.FindSource(name)->summary : catalog.FindDestination(name)->summary;
  if (invocation.console.json()) {
    json document = {{"kind", kind},
                     {"name", name},
                     {"summary", summary},
                     {"schema", schema},
                     {"example", file("example.yml")}};
    if (is_source) document["streams"] = StreamsOf(*catalog.FindSource(name));
    invocation.console.Print(JsonLine(document));
    return kExitDone;
  }
  invocation.console.Print(operand + ": " + std::string(summary));
  Rows rows;
  const json keys = schema.is_object() ? schema.value("properties", json::object()) : json();
  for (const auto& [key, value] : keys.items()) {
    rows.push_back({key, Cell(value, "/type"), Cell(value, "/description")});
  }
  invocation.console.PrintTable({"KEY", "TYPE", "WHAT IT IS"}, rows);
  invocation.console.Print("");
  PrintLines(file("example.yml"), invocation.console);
  return kExitDone;
}

int ExplainVerb(const Invocation& invocation) {
  const std::string& code = invocation.arguments.operands().at(0);
  const ErrorCodeRow* const row = FindErrorCode(code);
  if (row == nullptr) {
    std::vector<std::string> codes;
    for (const ErrorCodeRow& each : AllErrorCodes()) codes.emplace_back(each.code);
    const std::string near = NearestWord(code, codes);
    return Refuse(invocation,
                  {ErrorKind::kConfig, "bad_usage", "there is no error code \"" + code + "\"",
                   near.empty() ? "docs/errors.md lists them" : "did you mean " + near + "?"});
  }
  Console& console = invocation.console;
  if (console.json()) {
    console.Print(JsonLine({{"code", row->code},
                            {"meaning", row->meaning},
                            {"remedy", row->remedy},
                            {"data", SafetyText(row->safety)}}));
    return kExitDone;
  }
  console.Print(row->code);
  console.Print("  " + std::string(row->meaning));
  console.Print("  What to do: " + std::string(row->remedy));
  console.Print("  Your data: " + std::string(SafetyText(row->safety)));
  return kExitDone;
}

}  // namespace bizond
