// BigQuerySchema: the columns of a BigQuery table, as the REST API, the Storage Write API and
// bizon's `record_schemas` all describe them.
//
// Reference: the REST resource `TableFieldSchema`
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tables).
//
// Threads: values and pure functions.
#ifndef BIZOND_DESTINATIONS_GOOGLE_TABLE_SCHEMA_H_
#define BIZOND_DESTINATIONS_GOOGLE_TABLE_SCHEMA_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bizond {

// One a type of BigQuery; the words that stand for the same (INT64, INTEGER) are one.
enum class BigQueryType : uint8_t {
  kString,
  kBytes,
  kInteger,
  kFloat,
  kNumeric,
  kBigNumeric,
  kBoolean,
  kTimestamp,
  kDatetime,
  kDate,
  kTime,
  kGeography,
  kJson,
  kRecord,
};

enum class ColumnMode : uint8_t { kNullable, kRequired, kRepeated };

struct BigQueryColumn {
  std::string name;
  BigQueryType type = BigQueryType::kString;
  ColumnMode mode = ColumnMode::kNullable;
  std::string description;               // Empty: none.
  std::string default_value_expression;  // SQL; empty: none.
  std::vector<BigQueryColumn> fields;    // Of a RECORD.

  friend bool operator==(const BigQueryColumn&, const BigQueryColumn&) = default;
};

using BigQuerySchema = std::vector<BigQueryColumn>;

// "INT64" and "INTEGER" are kInteger, "BOOL" kBoolean, "STRUCT" kRecord, in any case. Code
// bad_record_schema.
Result<BigQueryType> ParseBigQueryType(std::string_view name);
// The REST API's word: "INTEGER", "FLOAT", "BOOLEAN", "RECORD", ...
std::string_view BigQueryTypeName(BigQueryType type);

// {"fields": [{"name", "type", "mode", ...}]} of tables and load jobs, and back. A type that is not
// known (RANGE, INTERVAL) is code unsupported_column_type.
nlohmann::json SchemaToRest(const BigQuerySchema& schema);
Result<BigQuerySchema> SchemaFromRest(const nlohmann::json& schema);

// What bizon writes without `unnest`: _source_record_id, _source_timestamp, _source_data,
// _bizon_extracted_at, _bizon_loaded_at, _bizon_id. By load jobs all are NULLABLE and the data a
// STRING; streamed ones are REQUIRED and the data JSON.
BigQuerySchema BizonSchema(bool streaming);

// How `wanted` differs from the table that is there.
struct SchemaChange {
  BigQuerySchema merged;             // What the table is to be: its own columns first.
  std::vector<std::string> added;    // Paths of new columns ("address.zip").
  std::vector<std::string> relaxed;  // Paths that go from REQUIRED to NULLABLE.
  bool empty() const { return added.empty() && relaxed.empty(); }
};
// New columns are added as NULLABLE or REPEATED, REQUIRED ones that are not wanted so are relaxed,
// names compare without case. Another type or a change to or from REPEATED is code
// schema_mismatch, with the column and both types.
Result<SchemaChange> MergeSchemas(const BigQuerySchema& table, const BigQuerySchema& wanted);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_TABLE_SCHEMA_H_
