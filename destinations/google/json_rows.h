// JsonRows: a record as a row of BigQuery in JSON, for load jobs (NDJSON) and insertAll.
//
// Without `unnest` a row has bizon's columns. With it each column of the schema takes the record's
// field of its name; a value that does not fit its column, a missing REQUIRED one or a field
// without a column is a fault that names the column and the reason, never a silent null. Numbers
// keep every digit that the source wrote.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_
#define BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_

#include <optional>
#include <string>

#include "destinations/bizon_columns.h"
#include "destinations/google/table_schema.h"
#include "sync/record_batch.h"

namespace bizond {

// Why a record is no row of the table.
struct RowFault {
  std::string column;  // Its path: "address.zip", "tags[2]".
  std::string reason;  // "takes integers of 64 bits, and the record has \"x\""
};

enum class RowForm {
  kLoad,       // For an NDJSON load job: _source_data is a STRING.
  kInsertAll,  // _source_data is of type JSON, sent as text.
};

class JsonRows {
 public:
  JsonRows(BigQuerySchema schema, bool unnest, RowForm form, const BizonIdMaker& ids);

  // For the records of `batch` from now on.
  void Begin(const RecordBatch& batch, UtcTime loaded_at);
  // Appends {"...": ...} without a line end; on a fault `out` is as it was.
  std::optional<RowFault> Append(const Record& record, std::string* out);
  // The record's bizon_id, 32 characters.
  void WriteId(const Record& record, char* out32) const { columns_.WriteId(record, out32); }

 private:
  const BigQuerySchema schema_;
  const bool unnest_;
  const RowForm form_;
  BizonColumns columns_;
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_GOOGLE_JSON_ROWS_H_
