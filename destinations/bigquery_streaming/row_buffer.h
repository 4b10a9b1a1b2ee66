// RowBuffer: rows on their way to BigQuery, and what is needed to reject one of them.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_BUFFER_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sync/record_batch.h"

namespace bizond {

// What is kept of a record that may have to be rejected.
inline constexpr size_t kRejectBytesMax = 64 << 10;

// As text, one behind the other. Clear keeps the memory.
class RowBuffer {
 public:
  void Add(std::string_view row, std::string_view insert_id, const Record& record,
           uint64_t iteration);
  void Clear();

  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  size_t bytes() const { return text_.size(); }  // Of the rows.
  std::string_view row(size_t i) const { return Part(text_, rows_[i].row); }
  std::string_view insert_id(size_t i) const { return Part(ids_, rows_[i].id); }
  uint64_t iteration(size_t i) const { return rows_[i].iteration; }
  // The record of a row that is refused.
  RejectedRecord Rejected(size_t i, std::string_view code, std::string reason) const;

 private:
  struct Range {
    size_t begin = 0;
    size_t size = 0;
  };
  struct Row {
    Range row;
    Range id;
    Range record;
    uint64_t iteration = 0;
    uint32_t position = 0;
  };
  static Range Append(std::string_view text, std::string* to);
  static std::string_view Part(const std::string& text, Range range) {
    return std::string_view(text).substr(range.begin, range.size);
  }

  std::string text_;
  std::string ids_;
  std::string records_;  // Each cut to what a rejects file keeps.
  std::vector<Row> rows_;
};

// What a row takes of a request beside its own text.
inline constexpr size_t kRowFrameBytes = 96;

// The `rows` of a request, with the rows of these places.
void WriteInsertRows(const RowBuffer& rows, std::span<const size_t> places, std::string* out);

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_ROW_BUFFER_H_
