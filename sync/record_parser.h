// RecordParser: checks a record's JSON and finds its cursor and key in one pass.
//
// A record is a JSON object by RFC 8259: grammar, UTF-8. Numbers of any size and escapes of lone
// surrogates are valid and pass as they were written: nothing is decoded to a double on the way.
// When a field occurs twice, the last one counts.
//
// Threads: one thread at a time.
#ifndef BIZOND_SYNC_RECORD_PARSER_H_
#define BIZOND_SYNC_RECORD_PARSER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/record_batch.h"

namespace bizond {

class RecordParser {
 public:
  // Empty names: not looked for.
  RecordParser(std::string cursor_field, std::vector<std::string> primary_key);
  ~RecordParser();
  RecordParser(const RecordParser&) = delete;
  RecordParser& operator=(const RecordParser&) = delete;

  // Appends `object` as a record of `batch`. The bytes must lie in the batch's page or arena (or
  // live as long), with RecordBatch::kPadding readable bytes behind them. `position` is its place
  // in the iteration. Codes bad_json, bad_utf8, not_an_object: the batch is then unchanged, and the
  // source decides by the job's on_error.
  Status Add(std::string_view object, uint32_t position, RecordBatch* batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_RECORD_PARSER_H_
