// JsonRows: a record as a row of BigQuery in JSON, for load jobs (NDJSON) and insertAll.
//
// Without `unnest` a row has bizon's columns. With it each column of the schema takes the record's
// field of its name (upper and lower case are the same); a value that does not fit its column, a
// missing REQUIRED one, a field without a column or one that is there twice is a fault that names
// the column and the reason, never a silent null. Numbers keep every digit that the source wrote.
// docs/bigquery.md has the types one by one.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_
#define BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "destinations/bizon_columns.h"
#include "destinations/google/json_value.h"
#include "destinations/google/table_schema.h"
#include "sync/record_batch.h"

namespace bizond {

// Why a record is no row of the table.
struct RowFault {
  std::string column;  // Its path: "address.zip", "tags[2]".
  std::string reason;  // "takes integers of 64 bits, and the record has \"x\""
};
// "the column 'tags[2]' takes ..."
std::string Describe(const RowFault& fault);

class JsonRows {
 public:
  // The schema's column _source_data says whether the record is text or JSON; one
  // _source_record_id that is REQUIRED gets the bizon_id of a record without a key.
  JsonRows(const BigQuerySchema& schema, bool unnest, RowForm form, const BizonIdMaker& ids);
  ~JsonRows();
  JsonRows(JsonRows&&) noexcept;
  JsonRows(const JsonRows&) = delete;
  JsonRows& operator=(const JsonRows&) = delete;

  // For the records of `batch` from now on.
  void Begin(const RecordBatch& batch, UtcTime loaded_at);
  // Appends {"...": ...} without a line end; on a fault `out` is as it was.
  std::optional<RowFault> Append(const Record& record, std::string* out);
  // The record's bizon_id, 32 characters.
  void WriteId(const Record& record, char* out32) const { columns_.WriteId(record, out32); }

 private:
  struct Column;  // A column as the walk needs it.
  struct Level;   // The columns of the table, or of a RECORD.

  std::optional<RowFault> AppendBizonRow(const Record& record, std::string* out);
  bool AppendObject(Level* level, std::string_view object, std::string* out);
  bool AppendField(Column* column, std::string_view token, std::string* out);
  bool AppendRepeated(Column* column, std::string_view array, std::string* out);
  bool AppendOne(Column* column, std::string_view token, std::string* out);
  // All three name the innermost part of the path; those who called add theirs in front.
  bool Misfit(std::string_view takes, std::string_view token);
  bool Fault(std::string_view reason);

  const bool unnest_;
  const RowForm form_;
  bool data_is_json_ = false;
  bool key_required_ = false;
  BizonColumns columns_;
  std::unique_ptr<Level> top_;
  uint64_t objects_ = 0;  // Walked so far: tells which fields the one at hand has had.
  std::string scratch_;   // A key, folded or without its escapes.
  RowFault fault_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_
