// RunState: what a run must not forget, kept by whoever owns the database.
//
// The pump reads it when a stream opens and writes it at each flush, at the intent and at the end.
// Every write is durable when it returns, and is refused with code `fenced` once another attempt
// owns the run.
//
// Threads: one thread at a time, but ReportProgress may come from any.
#ifndef BIZOND_SYNC_RUN_STATE_H_
#define BIZOND_SYNC_RUN_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sync/watermark.h"

namespace bizond {

enum class Stage { kOpen, kRead, kVerify, kPublish, kRecord };
std::string_view StageName(Stage stage);  // "open", "read", ...

struct Counters {
  uint64_t rows_read = 0;
  uint64_t rows_written = 0;
  uint64_t rows_rejected = 0;
  uint64_t rows_deduplicated = 0;
  uint64_t rows_filtered = 0;
  uint64_t bytes_written = 0;

  Counters& operator+=(const Counters& other);
  friend bool operator==(const Counters&, const Counters&) = default;
};

// Everything needed to go on with a stream of a run.
struct Checkpoint {
  static constexpr int kFormat = 1;
  static constexpr std::string_view kHeld = "held";
  // A person lets what is staged be published: nothing is read any more, nothing is judged again.
  static constexpr std::string_view kApproved = "approved";

  int format = kFormat;
  uint64_t iterations = 0;      // Iterations done; the number of the next one.
  std::string pagination;       // Where it begins.
  bool exhausted = false;       // Nothing is left to read.
  std::string upper_bound;      // ReadRequest::upper_bound
  std::string position;         // Iteration::next_position, latest
  std::string cursor_progress;  // CursorFilter::Encode(): greatest cursor, boundary set, held rows
  std::vector<int64_t> chunks;  // Those that cursor_progress names: the store keeps them.
  Counters counters;
  std::string mode;            // PublishModeName: mark and intent are of this mode
  std::string mark;            // Destination::Flush()
  uint64_t rejects_bytes = 0;  // Length of the stream's rejects file.
  std::string intent;          // Destination::Prepare(); empty: not there yet
  std::string verdict;         // Of the job's checks: kHeld, kApproved; empty: none that stands

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

std::string EncodeCheckpoint(const Checkpoint& checkpoint);
// Code bad_checkpoint.
Result<Checkpoint> DecodeCheckpoint(std::string_view text);

// The end of one stream of a run.
struct StreamRecord {
  Counters counters;
  std::string receipt;                 // Destination::Finalize()
  std::optional<Watermark> watermark;  // nullopt: stays as it is (a full refresh)
  // Of a full refresh: the rows that the target has now.
  std::optional<uint64_t> full_rows;
  bool published = true;
  std::string watermark_before;  // Cursor or position, for people.
  std::string watermark_after;
};

// What the store knows of one stream when a run opens it.
struct StreamMemory {
  std::optional<Checkpoint> checkpoint;  // Of this run.
  std::optional<Watermark> watermark;    // Of the stream.
  std::optional<std::string> receipt;    // Of the stream's last recorded publication.
  std::optional<uint64_t> full_rows;     // Of that, if it was a full refresh.
  bool recorded = false;                 // This run has recorded this stream already.
};

class RunState {
 public:
  virtual ~RunState() = default;
  virtual Result<StreamMemory> Load(std::string_view stream) = 0;
  virtual Status SaveCheckpoint(std::string_view stream, const Checkpoint& checkpoint) = 0;
  // A part of a boundary set that is too large for one row; never changed again. It is forgotten
  // when neither this run's next checkpoint nor the stream's watermark names it.
  virtual Result<int64_t> PutChunk(std::string_view stream, std::string_view chunk) = 0;
  // Code bad_watermark when there is none of this number.
  virtual Result<std::string> GetChunk(std::string_view stream, int64_t id) = 0;
  // Forgets the checkpoint of this run's stream: it starts over.
  virtual Status DropCheckpoint(std::string_view stream) = 0;
  // Watermark, receipt and counters in one transaction; `last` also ends the run as succeeded.
  virtual Status RecordStream(std::string_view stream, const StreamRecord& record, bool last) = 0;
  // Not durable: for those who watch.
  virtual void ReportProgress(std::string_view stream, Stage stage, const Counters& counters) = 0;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_RUN_STATE_H_
