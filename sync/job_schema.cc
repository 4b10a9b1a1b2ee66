#include "sync/job_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "embedded/sync_schemas.h"

namespace bizond {
namespace {

using nlohmann::json;

json ReadSchema(std::string_view text, std::string_view what) {
  json schema = json::parse(text, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/true);
  if (!schema.is_object()) throw std::logic_error(fmt::format("{} is not a JSON object", what));
  return schema;
}

void AddRequired(json* into, const json& required) {
  json& list = (*into)["required"];
  if (list.is_null()) list = json::array();
  for (const json& name : required) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  }
}

// A property that both describe: the connector's words over the common ones, their properties
// together.
void MergeProperty(const json& root, json* common, const json& own) {
  json base = FollowReference(root, *common);
  if (base.contains("properties") && own.contains("properties")) {
    for (const auto& [key, value] : own.items()) {
      if (key == "properties") {
        for (const auto& [name, property] : value.items()) {
          json& slot = base["properties"][name];
          slot.is_object() ? MergeProperty(root, &slot, property) : void(slot = property);
        }
      } else if (key == "required") {
        AddRequired(&base, value);
      } else {
        base[key] = value;
      }
    }
    *common = std::move(base);
    return;
  }
  // The shape of a nested object stays known where the connector only narrows other keywords.
  json merged = own;
  // What is a secret in common stays one, whatever a connector's own words leave out.
  if (base.value("writeOnly", false)) merged["writeOnly"] = true;
  bool narrows = !own.contains("type") && !own.contains("anyOf") && !own.contains("$ref");
  if (narrows) {
    merged = base;
    merged.update(own);
  }
  *common = std::move(merged);
}

void MergeConnector(json* root, const json::json_pointer& place, std::string_view text,
                    std::string_view what) {
  json& target = (*root)[place];
  if (text.empty()) {
    // Without its connector, which keys there may be is not known.
    target.erase("additionalProperties");
    return;
  }
  json own = ReadSchema(text, what);
  json rest = json::object();
  for (const auto& [key, value] : own.items()) {
    if (key == "properties") {
      for (const auto& [name, property] : value.items()) {
        json& slot = target["properties"][name];
        slot.is_object() ? MergeProperty(*root, &slot, property) : void(slot = property);
      }
    } else if (key == "required") {
      AddRequired(&target, value);
    } else if (key == "definitions") {
      (*root)["definitions"].update(value);
    } else if (key == "additionalProperties") {
      if (value == json(true)) target.erase("additionalProperties");
    } else if (key != "$schema" && key != "$id" && key != "title" && key != "description" &&
               key != "type") {
      rest[key] = value;
    }
  }
  if (!rest.empty()) target["allOf"].push_back(std::move(rest));
}

}  // namespace

const json& CommonJobSchema() {
  static const json schema = [] {
    for (const EmbeddedFile& file : embedded::sync_schemas()) {
      if (file.path == "job.schema.json") return ReadSchema(file.bytes, file.path);
    }
    throw std::logic_error("job.schema.json is not embedded");
  }();
  return schema;
}

json MergeJobSchema(std::string_view source_schema, std::string_view destination_schema) {
  json merged = CommonJobSchema();
  MergeConnector(&merged, json::json_pointer("/properties/source"), source_schema,
                 "the source's schema.json");
  MergeConnector(&merged, json::json_pointer("/properties/destination/properties/config"),
                 destination_schema, "the destination's schema.json");
  // A required key of `config` makes `config` required.
  const json& config = merged["properties"]["destination"]["properties"]["config"];
  if (config.contains("required") && !config["required"].empty()) {
    AddRequired(&merged["properties"]["destination"], json::array({"config"}));
  }
  return merged;
}

const json& FollowReference(const json& root, const json& schema) {
  const json* at = &schema;
  // A few steps are enough for any schema that is not a circle.
  for (int step = 0; step < 8 && at->is_object(); ++step) {
    auto reference = at->find("$ref");
    if (reference == at->end() || !reference->is_string()) return *at;
    const auto& text = reference->get_ref<const std::string&>();
    if (!text.starts_with("#")) return *at;
    json::json_pointer pointer(text.substr(1));
    if (!root.contains(pointer)) return *at;
    at = &root[pointer];
  }
  return *at;
}

}  // namespace bizond
