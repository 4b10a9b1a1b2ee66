#include "destinations/bigquery/ownership.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/identity.h"
#include "destinations/google/transport.h"

namespace bizond {
namespace {

// A label's value has small letters, digits, - and _, 63 at most; another text by its hash.
std::string LabelValue(std::string_view text) {
  const bool fits =
      text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      });
  return fits ? std::string(text) : "h-" + HexOf(HashBytes(text));
}

std::string Label(const BigQueryTable& table, const char* key) {
  const auto found = table.labels.find(key);
  return found == table.labels.end() ? "" : found->second;
}

int64_t NumberLabel(const BigQueryTable& table, const char* key) {
  const std::string text = Label(table, key);
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

nlohmann::json OwnerLabels(const Publisher& publisher) {
  return {{"bizond_store", LabelValue(publisher.store_id)},
          {"bizond_epoch", std::to_string(publisher.epoch)},
          {"bizond_fence", std::to_string(publisher.fence)},
          {"bizond_run", LabelValue(publisher.run_id)}};
}

bool HasLabelsOf(const BigQueryTable& table, const Publisher& publisher) {
  const nlohmann::json labels = OwnerLabels(publisher);
  for (const auto& [key, value] : labels.items()) {
    if (Label(table, key.c_str()) != value.get_ref<const std::string&>()) return false;
  }
  return true;
}

bool OwnedByStore(const BigQueryTable& table, const Publisher& publisher) {
  return Label(table, "bizond_store") == LabelValue(publisher.store_id);
}

bool IsAnothersTable(const BigQueryTable& table, const Publisher& publisher) {
  return !Label(table, "bizond_store").empty() && !OwnedByStore(table, publisher);
}

bool OwnedByRun(const BigQueryTable& table, const Publisher& publisher) {
  return OwnedByStore(table, publisher) &&
         Label(table, "bizond_run") == LabelValue(publisher.run_id);
}

Status CheckFence(const BigQueryTable& table, const Publisher& publisher) {
  if (!OwnedByStore(table, publisher)) return {};
  const int64_t epoch = NumberLabel(table, "bizond_epoch");
  const int64_t fence = NumberLabel(table, "bizond_fence");
  if (publisher.epoch > epoch || (publisher.epoch == epoch && publisher.fence >= fence)) return {};
  return Fail(ErrorKind::kPermanent, "fenced",
              fmt::format("another attempt has taken {} over: it holds epoch {}, fence {} (run "
                          "{}); this one has epoch {}, fence {}",
                          table.name.Dotted(), epoch, fence, Label(table, "bizond_run"),
                          publisher.epoch, publisher.fence),
              "nothing: the newer attempt goes on");
}

TableState StateOf(const std::optional<BigQueryTable>& table) {
  if (!table) return {};
  return {.exists = true,
          .created_ms = table->created_ms,
          .modified_ms = table->modified_ms,
          .rows = static_cast<int64_t>(table->rows)};
}

std::string WhatDiverged(const std::optional<BigQueryTable>& table, const TableState& left,
                         int64_t more) {
  const bool empty = !table || (table->rows == 0 && !table->streaming_buffer);
  if (!left.exists) {
    return empty ? "" : "it holds rows, and this job has never published into it";
  }
  if (!table) return "it was dropped";
  if (table->created_ms != left.created_ms) return "it was dropped and made again, or restored";
  // Rows that expire by themselves are nobody's doing.
  const nlohmann::json partitions = JsonObject(table->resource, "timePartitioning");
  if (JsonInt(partitions, "expirationMs") > 0) return "";
  if (table->streaming_buffer) return "somebody streams into it";
  const int64_t expected = left.rows + more;
  if (static_cast<int64_t>(table->rows) != expected) {
    return fmt::format("it has {} rows instead of {}", table->rows, expected);
  }
  if (left.modified_ms != 0 && table->modified_ms != left.modified_ms) {
    return "somebody else modified it";
  }
  return "";
}

}  // namespace bizond
