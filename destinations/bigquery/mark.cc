#include "destinations/bigquery/mark.h"

#include <nlohmann/json.hpp>

#include "destinations/divergence.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json ToJson(const ChangeCount& count) { return {count.since_ms, count.count}; }
ChangeCount CountOf(const json& value) {
  return {.since_ms = value.at(0).get<int64_t>(), .count = value.at(1).get<int64_t>()};
}

}  // namespace

std::string BigQueryMark::Encode() const {
  json listed = json::array();
  for (const StagedLoad& load : loads) {
    listed.push_back(
        {{"n", load.number}, {"files", load.files}, {"rows", load.rows}, {"sealed", load.sealed}});
  }
  return json{{"v", kFormat},
              {"run", run},
              {"nonce", nonce},
              {"target", {target.project, target.dataset, target.table}},
              {"staging", staging},
              {"files", files},
              {"rows", rows},
              {"loads", std::move(listed)},
              {"before", {before.exists, before.created_ms, before.modified_ms, before.rows}},
              {"loaded", ToJson(loaded)},
              {"published", ToJson(published)}}
      .dump();
}

Result<BigQueryMark> BigQueryMark::Decode(std::string_view what, std::string_view text) {
  try {
    const json value = json::parse(text);
    if (value.at("v") != kFormat) return Failure(BadMark(what, text));
    BigQueryMark mark;
    mark.run = value.at("run");
    mark.nonce = value.at("nonce");
    const json& target = value.at("target");
    mark.target = {target.at(0), target.at(1), target.at(2)};
    mark.staging = value.at("staging");
    mark.files = value.at("files");
    mark.rows = value.at("rows");
    for (const json& load : value.at("loads")) {
      mark.loads.push_back({.number = load.at("n"),
                            .files = load.at("files").get<std::vector<std::string>>(),
                            .rows = load.at("rows"),
                            .sealed = load.at("sealed")});
    }
    const json& before = value.at("before");
    mark.before = {.exists = before.at(0),
                   .created_ms = before.at(1),
                   .modified_ms = before.at(2),
                   .rows = before.at(3)};
    mark.loaded = CountOf(value.at("loaded"));
    mark.published = CountOf(value.at("published"));
    return mark;
  } catch (const json::exception&) {
    return Failure(BadMark(what, text));
  }
}

}  // namespace bizond
