// Source: where records come from, page by page.
//
// Read() fills a batch with one page (an iteration) and says where the next one begins. The same
// pagination gives the same page again, in the same order, as long as the source's data stands:
// after a crash the pump reads again from the last checkpoint and the records get the same ids.
//
// A source only reads. What is new against the watermark, ties at the boundary, null cursors and
// counts are the pump's (sync/cursor_filter.h); a source that can ask its peer for "cursor >=
// watermark" does so, with `>=`, and may return more than was asked for.
//
// Threads: one thread at a time. Every call that can block watches the stop token.
#ifndef BIZOND_SYNC_SOURCE_H_
#define BIZOND_SYNC_SOURCE_H_

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "sync/cursor_window.h"
#include "sync/job_spec.h"
#include "sync/record_batch.h"
#include "sync/watermark.h"

namespace bizond {

class RecordParser;
class RunLog;

struct ReadRequest {
  SyncMode mode = SyncMode::kFullRefresh;
  // The last published watermark of an incremental stream; nullopt: everything.
  std::optional<Watermark> watermark;
  // Upper bound of this run, as the source itself returned it from its first iteration (a snapshot
  // of sizes, an instant); empty before that. Fixed for the whole run, crashes included.
  std::string upper_bound;
  // Of a backfill's run, which has no watermark: only records in it are wanted. A source that can
  // ask its peer for `cursor >= from AND cursor < to` does so, and may return more.
  std::optional<CursorWindow> window = std::nullopt;
  // Adds records to a batch and finds their cursor and key. Never null.
  RecordParser* parser = nullptr;
};

struct Iteration {
  // Where the next page begins: JSON text that only the source reads. Kept when `exhausted` too.
  std::string next_pagination;
  // Nothing follows. In stream mode never true: an empty batch means that there is nothing yet.
  bool exhausted = false;
  // Set by the first iteration of a run, see ReadRequest::upper_bound.
  std::optional<std::string> upper_bound;
  // The source's own incremental state if the run ended here (Watermark::position).
  std::optional<std::string> next_position;
  // Records read, rejected ones included: the left side of "read = written + rejected + ...".
  uint64_t rows_read = 0;
};

struct StreamInfo {
  std::string name;
  std::string summary;
};

class Source {
 public:
  virtual ~Source() = default;

  // Reaches the source with the job's configuration and says what is wrong.
  virtual Status CheckConnection(std::stop_token stop) = 0;

  // Fills `batch` (empty, with its iteration and extracted_at set) with the page at `pagination`;
  // an empty pagination is the first page. A page holds at most a few MiB.
  virtual Result<Iteration> Read(const ReadRequest& request, std::string_view pagination,
                                 RecordBatch* batch, std::stop_token stop) = 0;

  // Told after the run's success is recorded, with the recorded position. May be told again.
  virtual Status Published(std::string_view position, std::stop_token stop) {
    (void)position, (void)stop;
    return {};
  }

  // True when records come in ascending order of the cursor field and the first page begins at
  // ReadRequest::watermark, so that an early stop by max_iterations may advance the watermark;
  // elsewhere the next run goes on from the pagination.
  virtual bool ReadsInCursorOrder() const { return false; }
};

}  // namespace bizond

#endif  // BIZOND_SYNC_SOURCE_H_
