// Who publishes into a table of BigQuery, as its labels say: bizond_store, bizond_epoch,
// bizond_fence, bizond_run, and bizond_published where a publication leaves its name.
//
// A table has no row that could change with its data in one transaction, so that what a ledger says
// elsewhere stands in its labels. They are no proof of what a table holds; they keep an attempt
// that was overtaken and another store out. They change under the table's etag: of two attempts
// that claim a table at once, one is told to look again, and the older one is refused.
//
// Error codes: fenced.
//
// Threads: pure functions, but for ClaimTable: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_
#define BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_

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
// "" when the table has none.
std::string LabelOf(const BigQueryTable& table, const std::string& key);

// Those of a table that `publisher` makes or claims. `published`: what it published last; nullopt:
// what stands there stays.
nlohmann::json PublisherLabels(const Publisher& publisher,
                               std::optional<std::string_view> published = std::nullopt);

// Labelled by this store, by another one, by this very run, after this publication.
bool OwnedByStore(const BigQueryTable& table, const Publisher& publisher);
bool IsAnothersTable(const BigQueryTable& table, const Publisher& publisher);
bool OwnedByRun(const BigQueryTable& table, const Publisher& publisher);
bool HasPublished(const BigQueryTable& table, std::string_view publication);
// Refuses (code fenced) a publisher whom the labels know to be overtaken.
Status CheckFence(const BigQueryTable& table, const Publisher& publisher);

// Writes PublisherLabels into the table, unless an attempt that is newer has; nothing is sent when
// they stand there already. Returns the table as it is afterwards.
Result<BigQueryTable> ClaimTable(BigQueryApi* api, BigQueryTable table, const Publisher& publisher,
                                 std::optional<std::string_view> published, std::stop_token stop);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TABLE_LABELS_H_
