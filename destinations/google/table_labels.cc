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

int64_t NumberLabel(const BigQueryTable& table, const std::string& key) {
  const std::string text = LabelOf(table, key);
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool HasLabels(const BigQueryTable& table, const nlohmann::json& labels) {
  for (const auto& [key, value] : labels.items()) {
    if (LabelOf(table, key) != value.get_ref<const std::string&>()) return false;
  }
  return true;
}

}  // namespace

std::string LabelValue(std::string_view text) {
  const bool fits =
      text.size() <= kValueBytesMax && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  return fits ? std::string(text) : "h-" + HexOf(HashBytes(text));
}

std::string LabelOf(const BigQueryTable& table, const std::string& key) {
  const auto found = table.labels.find(key);
  return found == table.labels.end() ? "" : found->second;
}

nlohmann::json PublisherLabels(const Publisher& publisher,
                               std::optional<std::string_view> published) {
  nlohmann::json labels = {{"bizond_store", LabelValue(publisher.store_id)},
                           {"bizond_epoch", std::to_string(publisher.epoch)},
                           {"bizond_fence", std::to_string(publisher.fence)},
                           {"bizond_run", LabelValue(publisher.run_id)}};
  if (published) labels["bizond_published"] = LabelValue(*published);
  return labels;
}

bool OwnedByStore(const BigQueryTable& table, const Publisher& publisher) {
  return LabelOf(table, "bizond_store") == LabelValue(publisher.store_id);
}

bool IsAnothersTable(const BigQueryTable& table, const Publisher& publisher) {
  return !LabelOf(table, "bizond_store").empty() && !OwnedByStore(table, publisher);
}

bool OwnedByRun(const BigQueryTable& table, const Publisher& publisher) {
  return OwnedByStore(table, publisher) &&
         LabelOf(table, "bizond_run") == LabelValue(publisher.run_id);
}

bool HasPublished(const BigQueryTable& table, std::string_view publication) {
  return LabelOf(table, "bizond_published") == LabelValue(publication);
}

Status CheckFence(const BigQueryTable& table, const Publisher& publisher) {
  if (!OwnedByStore(table, publisher)) return {};
  const int64_t epoch = NumberLabel(table, "bizond_epoch");
  const int64_t fence = NumberLabel(table, "bizond_fence");
  if (publisher.epoch > epoch || (publisher.epoch == epoch && publisher.fence >= fence)) return {};
  return Fail(ErrorKind::kPermanent, "fenced",
              fmt::format("another attempt has taken {} over: it holds epoch {}, fence {} (run "
                          "{}); this one has epoch {}, fence {}",
                          table.name.Dotted(), epoch, fence, LabelOf(table, "bizond_run"),
                          publisher.epoch, publisher.fence),
              "nothing: the newer attempt goes on");
}

Result<BigQueryTable> ClaimTable(BigQueryApi* api, BigQueryTable table, const Publisher& publisher,
                                 std::optional<std::string_view> published, std::stop_token stop) {
  const nlohmann::json labels = PublisherLabels(publisher, published);
  for (int claim = 0;; ++claim) {
    BIZOND_RETURN_IF_ERROR(CheckFence(table, publisher));
    if (HasLabels(table, labels)) return table;
    // With those that are there: BigQuery merges what it is sent, emulators put it in their place.
    nlohmann::json all = table.labels;
    all.update(labels);
    const Status patched = api->PatchTable(table.name, {{"labels", all}}, stop, table.etag);
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
