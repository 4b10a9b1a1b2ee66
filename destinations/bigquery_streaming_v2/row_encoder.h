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
  // Where in the row that was appended last the record's data stand as they are; npos: nowhere.
  size_t data_at() const { return data_at_; }

 private:
  struct Column {
    std::string name;
    BigQueryType type;
    bool repeated = false;
    uint32_t number = 0;
    std::vector<Column> fields;  // Of a RECORD.
  };
  static std::vector<Column> ColumnsOf(const BigQuerySchema& schema);

  std::optional<RowFault> AppendBizonRow(const Record& record, std::string* out);
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
  size_t data_at_ = std::string::npos;
  uint64_t iteration_ = 0;
  // Parts of every row of the batch, in wire format: what stands between the key and the data of a
  // record without an instant of its own, and between the data and the id.
  std::string before_data_;
  std::string before_id_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_ROW_ENCODER_H_
