// AppendRequest: rows on their way into a write stream, in the form in which they are sent.
//
// The rows stand in protobuf's wire format, one behind the other, as the repeated field of
// ProtoRows that they become: a request is that buffer with a short head, so that sending it again,
// at another offset, copies nothing. Beside it stands what is needed to reject a row that the
// service refuses: the record, where the row does not hold it as it is.
//
// Threads: one thread at a time; the bytes of a request that is being sent are immutable and
// shared.
#ifndef BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_REQUEST_H_
#define BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_REQUEST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sync/record_batch.h"

namespace bizond {

// The service takes requests of 10 MB; the head has its part of it.
inline constexpr size_t kAppendBytesMax = 9'961'472;  // 9.5 MiB
inline constexpr size_t kRowBytesMax = size_t{8} << 20;

// The rows' bytes, and how many are sending them.
struct RowBytes {
  std::string text;
  std::atomic<int> senders = 0;
};

class AppendRequest {
 public:
  struct Row {
    size_t begin = 0;       // Of its field in bytes(), with its tag.
    size_t data_begin = 0;  // Of the record, in that field or in `records_`.
    uint32_t data_bytes = 0;
    bool data_in_row = false;
    uint32_t position = 0;
    uint64_t iteration = 0;
  };
  static constexpr size_t kNotInRow = static_cast<size_t>(-1);

  // `row`: in wire format; `data_at`: where in it the record's data begin. They are kept, cut, for
  // a reject.
  void Add(std::string_view row, size_t data_at, const Record& record, uint64_t iteration);
  // Without the rows at these indexes (sorted).
  void Remove(const std::vector<size_t>& indexes);
  // Empties it; the memory is kept where nobody sends it any more.
  void Clear();

  bool empty() const { return rows_.empty(); }
  size_t rows() const { return rows_.size(); }
  size_t bytes() const { return bytes_->text.size(); }
  // With what is kept of the records.
  size_t MemoryBytes() const { return bytes_->text.size() + records_.size(); }
  // The row as a record that is not published.
  RejectedRecord RejectOf(size_t index, std::string_view code, std::string reason) const;
  uint64_t IterationOf(size_t index) const { return rows_[index].iteration; }
  const std::shared_ptr<RowBytes>& shared_bytes() const { return bytes_; }

 private:
  std::string_view RecordOf(size_t index) const;
  std::string_view FieldOf(size_t index) const;

  std::shared_ptr<RowBytes> bytes_ = std::make_shared<RowBytes>();
  std::string records_;
  std::vector<Row> rows_;
};

// A varint, as protobuf writes it.
inline void AppendVarint(uint64_t value, std::string* out) {
  char bytes[10];
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out->append(bytes, size);
}

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIGQUERY_STREAMING_V2_APPEND_REQUEST_H_
