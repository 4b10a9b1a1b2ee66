// RecordBatch: one page of records on its way from a source to a destination.
//
// A record's bytes stand where the source read them: in the batch's page buffer, or in its arena
// when they had to be made (a CSV row as JSON, an unescaped key). Everything in a Record is a view
// into those two, so the destination's encoder is the first to copy. A batch is reused: Reset()
// keeps the memory, so that the pump's steady state allocates nothing per record.
//
// Threads: a batch belongs to one thread at a time; the pump hands it from reader to writer and
// back.
#ifndef BIZOND_SYNC_RECORD_BATCH_H_
#define BIZOND_SYNC_RECORD_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace bizond {

// How the bytes of `Record::data` are to be read. Room for typed rows of databases.
enum class BatchEncoding { kJson };

enum class Operation : uint8_t { kUpsert, kDelete };

struct Record {
  // The record as its source wrote it: one JSON object, valid UTF-8, without a line end.
  std::string_view data;
  // source_record_id: the primary key as text (a JSON array when it is composite). has_key false:
  // the job names no primary key, or the record's is null.
  std::string_view key;
  // The cursor field's value, as the JSON token it was written as ("null" or empty: no cursor).
  std::string_view cursor;
  // The source's own instant of the record; kNoTimestamp: the batch's extracted_at stands for it.
  int64_t timestamp_us = kNoTimestamp;
  // Place of the record within its iteration, counted over all that were read: with the run and the
  // iteration it makes the bizon_id.
  uint32_t position = 0;
  Operation operation = Operation::kUpsert;
  bool has_key = false;

  static constexpr int64_t kNoTimestamp = INT64_MIN;
};

// A record that is not published, and why. Goes to the rejects file.
struct RejectedRecord {
  std::string origin;  // "flights.csv:17"
  std::string code;    // "bad_json", "null_cursor", ...
  std::string reason;
  std::string data;  // What was read, cut to 64 KiB.
  uint32_t position = 0;
};

class RecordBatch {
 public:
  // simdjson may read this many bytes past the end of a record.
  static constexpr size_t kPadding = 64;

  RecordBatch() = default;
  RecordBatch(const RecordBatch&) = delete;
  RecordBatch& operator=(const RecordBatch&) = delete;

  // Empties the batch and keeps its memory.
  void Reset();

  // The page buffer with room for `bytes` and kPadding more. What was in it is kept up to `bytes`;
  // growing moves it, so views are made after the last call.
  char* PageBuffer(size_t bytes);
  // Copies into the arena; the view stays valid until Reset, and is followed by kPadding readable
  // bytes.
  std::string_view Store(std::string_view bytes);

  std::vector<Record>& records() { return records_; }
  const std::vector<Record>& records() const { return records_; }
  std::vector<RejectedRecord>& rejects() { return rejects_; }
  const std::vector<RejectedRecord>& rejects() const { return rejects_; }

  // What it holds in memory; the bound of the queue counts this.
  size_t MemoryBytes() const;
  // The sum of the records' data.
  size_t DataBytes() const;

  BatchEncoding encoding = BatchEncoding::kJson;
  uint64_t iteration = 0;
  UtcTime extracted_at{};

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };

  std::unique_ptr<char[]> page_;
  size_t page_size_ = 0;
  std::vector<Block> arena_;
  size_t arena_block_ = 0;  // The block that Store fills now.
  size_t arena_used_ = 0;   // Bytes used of it.
  std::vector<Record> records_;
  std::vector<RejectedRecord> rejects_;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_RECORD_BATCH_H_
