// The bizon columns of a batch's records, as the text that every destination writes.
//
// bizon_id, bizon_extracted_at, bizon_loaded_at, source_record_id, source_timestamp, source_data.
// The two instants of the batch are formatted once; a record's own instant costs no allocation.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_BIZON_COLUMNS_H_
#define BIZOND_DESTINATIONS_BIZON_COLUMNS_H_

#include <array>
#include <string_view>

#include "base/time.h"
#include "sync/bizon_id.h"
#include "sync/record_batch.h"

namespace bizond {

// The columns in their order.
inline constexpr std::array<std::string_view, 6> kBizonColumns = {
    "bizon_id",         "bizon_extracted_at", "bizon_loaded_at",
    "source_record_id", "source_timestamp",   "source_data"};

// "2026-12-01T00:00:00.000000Z": FormatUtcMicros without an allocation.
inline constexpr size_t kTimestampBytes = 27;
void WriteTimestamp(UtcTime time, char* out27);

class BizonColumns {
 public:
  explicit BizonColumns(const BizonIdMaker& ids) : ids_(ids) {}

  // For the records of `batch` from now on; `loaded_at` is the moment of their writing.
  void Begin(const RecordBatch& batch, UtcTime loaded_at);

  void WriteId(const Record& record, char* out32) const {
    ids_.Write(iteration_, record.position, out32);
  }
  std::string_view extracted_at() const { return {extracted_at_.data(), kTimestampBytes}; }
  std::string_view loaded_at() const { return {loaded_at_.data(), kTimestampBytes}; }
  // The record's own instant, or the batch's. Valid until the next call.
  std::string_view Timestamp(const Record& record);

 private:
  BizonIdMaker ids_;
  uint64_t iteration_ = 0;
  std::array<char, kTimestampBytes> extracted_at_{};
  std::array<char, kTimestampBytes> loaded_at_{};
  std::array<char, kTimestampBytes> timestamp_{};
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_BIZON_COLUMNS_H_
