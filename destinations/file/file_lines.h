// FileLines: a record as one line of NDJSON.
//
// Three forms: bizon's columns with source_data as a JSON string (bizon's own form), with
// source_data as the object itself, or the record alone (unnest). The record's bytes are copied
// once, into the block that goes to the file.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_FILE_FILE_LINES_H_
#define BIZOND_DESTINATIONS_FILE_FILE_LINES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "destinations/bizon_columns.h"
#include "destinations/file/block_writer.h"

namespace bizond {

struct LineFormat {
  enum class Data { kString, kObject, kUnnested };
  Data data = Data::kString;
  // With kUnnested: the keys that every record has, sorted; empty: any.
  std::vector<std::string> keys;
};

class FileLines {
 public:
  FileLines(const LineFormat& format, const BizonIdMaker& ids) : format_(format), columns_(ids) {}

  // Code schema_mismatch for a record whose keys are not the schema's.
  Status Write(const RecordBatch& batch, UtcTime loaded_at, BlockWriter* out);

 private:
  Status CheckKeys(const Record& record);
  void MakeHead();
  char* WriteLine(const Record& record, char* out);

  const LineFormat format_;
  BizonColumns columns_;
  std::string between_;     // From the id to the value of source_record_id: the same in a batch.
  std::vector<bool> seen_;  // Which of the schema's keys the record has.
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_FILE_LINES_H_
