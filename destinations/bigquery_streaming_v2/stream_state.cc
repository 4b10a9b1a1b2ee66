#include "destinations/bigquery_streaming_v2/stream_state.h"

#include <nlohmann/json.hpp>

#include "destinations/divergence.h"

namespace bizond {
namespace {

using nlohmann::json;

// The streams of a state have all but the end of their names in common.
std::string_view SharedPart(const std::vector<std::string>& streams) {
  if (streams.empty()) return "";
  std::string_view shared = streams[0];
  shared = shared.substr(0, shared.rfind('/') + 1);
  for (const std::string& stream : streams) {
    if (!stream.starts_with(shared)) return "";
  }
  return shared;
}

bool Has(const json& document, const char* key, json::value_t type) {
  const auto found = document.find(key);
  if (found == document.end()) return false;
  return type == json::value_t::number_integer ? found->is_number_integer() : found->type() == type;
}

}  // namespace

std::string StreamState::Encode() const {
  const std::string_view shared = SharedPart(streams);
  json ends = json::array();
  for (const std::string& stream : streams) ends.push_back(stream.substr(shared.size()));
  return json{{"v", kFormat},
              {"kind", kind},
              {"publication", publication},
              {"target_ms", target_ms},
              {"opened_ms", opened_ms},
              {"rows", rows},
              {"of", shared},
              {"streams", std::move(ends)}}
      .dump();
}

Result<StreamState> StreamState::Decode(std::string_view kinds, std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  const auto bad = [&] { return Failure(BadMark(kinds, text)); };
  if (!document.is_object() || !Has(document, "v", json::value_t::number_integer) ||
      document["v"] != kFormat) {
    return bad();
  }
  for (const char* key : {"kind", "publication", "of"}) {
    if (!Has(document, key, json::value_t::string)) return bad();
  }
  for (const char* key : {"target_ms", "opened_ms", "rows"}) {
    if (!Has(document, key, json::value_t::number_integer) || document[key] < 0) return bad();
  }
  if (!Has(document, "streams", json::value_t::array)) return bad();
  StreamState state;
  state.kind = document["kind"];
  if ((" " + std::string(kinds) + " ").find(" " + state.kind + " ") == std::string::npos) {
    return bad();
  }
  state.publication = document["publication"];
  state.target_ms = document["target_ms"];
  state.opened_ms = document["opened_ms"];
  state.rows = document["rows"];
  const std::string shared = document["of"];
  for (const json& end : document["streams"]) {
    if (!end.is_string()) return bad();
    state.streams.push_back(shared + end.get<std::string>());
  }
  return state;
}

}  // namespace bizond
