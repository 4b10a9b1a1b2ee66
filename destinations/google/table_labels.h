// TableLabels: what a BigQuery table remembers of who publishes into it.
//
// A table has no row that could change with its data in one transaction, so that what a ledger says
// elsewhere stands in its labels (bizond_store, bizond_epoch, bizond_fence, bizond_published). They
// change under the table's etag: of two attempts that claim a table at once, one is told to look
// again, and an attempt that was overtaken is refused.
//
// Error codes: fenced.
//
// Threads: pure functions, but for ClaimTable: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_
#define BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "destinations/google/bigquery_api.h"
#include "sync/destination.h"

namespace bizond {

// A text as a label's value (small letters, digits, _ and -, up to 63 characters): itself where it
// is one, else a hash of it.
std::string LabelValue(std::string_view text);

struct TableLabels {
  std::string store;  // As LabelValue has it; empty: nobody ever claimed the table.
  int64_t epoch = 0;
  int64_t fence = 0;
  std::string published;  // As LabelValue has it: the last publication.

  static TableLabels Of(const std::map<std::string, std::string>& labels);
  // Those of a table that `publisher` claims, who last published `publication`.
  static TableLabels For(const Publisher& publisher, std::string_view publication);
  nlohmann::json ToJson() const;
  // Refuses a publisher who was overtaken by another attempt of the same store.
  Status CheckFence(const Publisher& publisher, const BigQueryTableName& table) const;

  friend bool operator==(const TableLabels&, const TableLabels&) = default;
};

// Writes the publisher into the table's labels; `publication` nullopt: what it last published stays
// as it is. Nothing is sent when they say so already. Returns the table as it is afterwards.
Result<BigQueryTable> ClaimTable(BigQueryApi* api, BigQueryTable table, const Publisher& publisher,
                                 std::optional<std::string_view> publication, std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_
