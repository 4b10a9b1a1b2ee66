#include "destinations/google/table_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/identity.h"

namespace bizond {
namespace {

constexpr size_t kValueBytesMax = 63;
constexpr int kClaimsMax = 5;

int64_t ReadNumber(const std::map<std::string, std::string>& labels, const std::string& key) {
  int64_t number = 0;
  if (const auto found = labels.find(key); found != labels.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

std::string ReadText(const std::map<std::string, std::string>& labels, const std::string& key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string() : found->second;
}

}  // namespace

std::string LabelValue(std::string_view text) {
  const bool fits =
      text.size() <= kValueBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  return fits ? std::string(text) : "h-" + HexOf(HashBytes(text));
}

TableLabels TableLabels::Of(const std::map<std::string, std::string>& labels) {
  return {.store = ReadText(labels, "bizond_store"),
          .epoch = ReadNumber(labels, "bizond_epoch"),
          .fence = ReadNumber(labels, "bizond_fence"),
          .published = ReadText(labels, "bizond_published")};
}

TableLabels TableLabels::For(const Publisher& publisher, std::string_view publication) {
  return {.store = LabelValue(publisher.store_id),
          .epoch = publisher.epoch,
          .fence = publisher.fence,
          .published = LabelValue(publication)};
}

nlohmann::json TableLabels::ToJson() const {
  return {{"bizond_store", store},
          {"bizond_epoch", std::to_string(epoch)},
          {"bizond_fence", std::to_string(fence)},
          {"bizond_published", published}};
}

Status TableLabels::CheckFence(const Publisher& publisher, const BigQueryTableName& table) const {
  if (store != LabelValue(publisher.store_id)) return {};
  if (publisher.epoch > epoch || (publisher.epoch == epoch && publisher.fence >= fence)) return {};
  return Fail(ErrorKind::kPermanent, "fenced",
              fmt::format("{} was claimed by a later attempt (epoch {}, fence {}) than this one "
                          "(epoch {}, fence {})",
                          table.Dotted(), epoch, fence, publisher.epoch, publisher.fence),
              "nothing to do: the later attempt goes on");
}

Result<BigQueryTable> ClaimTable(BigQueryApi* api, BigQueryTable table, const Publisher& publisher,
                                 std::optional<std::string_view> publication,
                                 std::stop_token stop) {
  for (int claim = 0;; ++claim) {
    const TableLabels found = TableLabels::Of(table.labels);
    BIZOND_RETURN_IF_ERROR(found.CheckFence(publisher, table.name));
    TableLabels wanted = TableLabels::For(publisher, publication.value_or(""));
    if (!publication) wanted.published = found.published;
    if (wanted == found) return table;
    const Status patched =
        api->PatchTable(table.name, {{"labels", wanted.ToJson()}}, stop, table.etag);
    const bool met = !patched && patched.error().code == "bigquery_condition_not_met";
    if (!patched && (!met || claim == kClaimsMax)) return Failure(patched.error());
    BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> now, api->GetTable(table.name, stop));
    if (!now) {
      return Fail(ErrorKind::kPermanent, "bigquery_not_found",
                  fmt::format("the table {} went away", table.name.Dotted()),
                  "find out who removed it, and run the job again");
    }
    table = std::move(*now);
  }
}

}  // namespace bizond
