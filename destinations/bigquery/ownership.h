// Who owns a table of BigQuery, as its labels say: bizond_store, bizond_epoch, bizond_fence,
// bizond_run.
//
// A table cannot be changed and labelled in one step, so that the labels are no proof of what a
// table holds: that is the job's id. They keep an attempt that was overtaken and another store out.
//
// Error codes: fenced.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_OWNERSHIP_H_
#define BIZOND_DESTINATIONS_BIGQUERY_OWNERSHIP_H_

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "destinations/bigquery/mark.h"
#include "destinations/google/bigquery_api.h"
#include "sync/destination.h"

namespace bizond {

nlohmann::json OwnerLabels(const Publisher& publisher);
bool HasLabelsOf(const BigQueryTable& table, const Publisher& publisher);
// Labelled by a run of this store.
bool OwnedByStore(const BigQueryTable& table, const Publisher& publisher);
// Labelled by another store.
bool IsAnothersTable(const BigQueryTable& table, const Publisher& publisher);
// Labelled by this very run.
bool OwnedByRun(const BigQueryTable& table, const Publisher& publisher);
// Refuses (code fenced) a publisher whom the labels know to be overtaken.
Status CheckFence(const BigQueryTable& table, const Publisher& publisher);

TableState StateOf(const std::optional<BigQueryTable>& table);
// Why a target is not what `left` says, with `more` rows on top; empty: it is.
std::string WhatDiverged(const std::optional<BigQueryTable>& table, const TableState& left,
                         int64_t more);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_OWNERSHIP_H_
