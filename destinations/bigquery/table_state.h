// What a target is, and whether it is what the last publication left.
//
// Threads: pure functions.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_TABLE_STATE_H_
#define BIZOND_DESTINATIONS_BIGQUERY_TABLE_STATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "destinations/bigquery/mark.h"
#include "destinations/google/bigquery_api.h"

namespace bizond {

TableState StateOf(const std::optional<BigQueryTable>& table);
// Why a target is not what `left` says, with `more` rows on top; empty: it is.
std::string WhatDiverged(const std::optional<BigQueryTable>& table, const TableState& left,
                         int64_t more);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_TABLE_STATE_H_
