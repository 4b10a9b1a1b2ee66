#include "destinations/google/target_table.h"

namespace bizond {

Result<TargetTable> FindTargetTable(BigQueryApi* api, const BigQueryConfig& config,
                                    std::stop_token stop) {
  if (config.unprefixed) {
    BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> plain,
                            api->GetTable(*config.unprefixed, stop));
    if (plain) return TargetTable{*config.unprefixed, std::move(plain)};
  }
  BIZOND_ASSIGN_OR_RETURN(std::optional<BigQueryTable> own,
                          api->GetTable(config.target, std::move(stop)));
  return TargetTable{config.target, std::move(own)};
}

BigQuerySchema ColumnsFor(const BigQueryConfig& config, const std::optional<BigQueryTable>& table) {
  BigQuerySchema columns = config.schema;
  if (config.unnest || !table) return columns;
  for (BigQueryColumn& column : columns) {
    for (const BigQueryColumn& there : table->schema) {
      const bool text = there.name == column.name && column.type == BigQueryType::kJson &&
                        there.type == BigQueryType::kString;
      if (text) column.type = BigQueryType::kString;
    }
  }
  return columns;
}

}  // namespace bizond
