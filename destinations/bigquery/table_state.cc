#include "destinations/bigquery/table_state.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "destinations/google/transport.h"

namespace bizond {

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
