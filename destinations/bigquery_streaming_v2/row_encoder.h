// RowEncoder: a record as a row in protobuf's wire format, as RowDescriptor describes it.
//
// Bizon's columns are written straight from the record. An unnested record goes through JsonRows
// first, which the other two destinations write: what it lets through is canonical (every value
// fits its column, times are spelled one way), and only such a value is turned into bytes here, so
// that all three refuse the same records with the same words.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_ENCODER_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_ENCODER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "destinations/google/json_rows.h"
#include "destinations/google/table_schema.h"
#include "sync/bizon_id.h"
#include "sync/record_batch.h"

namespace bizond {

class RowEncoder {
 public:
  RowEncoder(const BigQuerySchema& schema, bool unnest, const BizonIdMaker& ids);

  // For the records of `batch` from now on.
  void Begin(const RecordBatch& batch, UtcTime loaded_at);
  // Appends the row; on a fault `out` is as it was.
  std::optional<RowFault> Append(const Record& record, std::string* out);

 private:
  struct Column {
    std::string name;
    BigQueryType type;
    bool repeated = false;
    uint32_t number = 0;
    std::vector<Column> fields;  // Of a RECORD.
  };
  static std::vector<Column> ColumnsOf(const BigQuerySchema& schema);

  std::optional<RowFault> AppendBizonRow(const Record& record, std::string* out) const;
  static void AppendObject(const std::vector<Column>& columns, std::string_view object,
                           std::string* out);
  static void AppendValue(const Column& column, std::string_view token, std::string* out);

  const bool unnest_;
  const std::vector<Column> columns_;
  bool data_is_json_ = false;
  bool key_required_ = false;
  BizonIdMaker ids_;
  JsonRows json_rows_;
  std::string json_;  // Scratch.
  uint64_t iteration_ = 0;
  int64_t extracted_us_ = 0;
  int64_t loaded_us_ = 0;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_ENCODER_H_
