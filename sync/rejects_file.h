// RejectsFile: the records of a run that were not published, one JSON object a line.
//
// {"origin", "code", "reason", "iteration", "position", "data"}. It stands under the run's
// checkpoints: its length is part of each, and what a killed run wrote beyond is cut off when the
// run goes on, so that no reject is written twice.
//
// Threads: one thread at a time.
#ifndef BIZOND_SYNC_REJECTS_FILE_H_
#define BIZOND_SYNC_REJECTS_FILE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/fs.h"
#include "sync/record_batch.h"

namespace bizond {

class RejectsFile {
 public:
  // `path` is created with the first reject; `bytes` is what the checkpoint holds.
  static Result<RejectsFile> Open(Location location, uint64_t bytes);

  Status Write(uint64_t iteration, std::span<const RejectedRecord> rejects);
  // Durable; the length so far.
  Result<uint64_t> Flush();
  // For people; valid before the file exists.
  std::string path() const { return location_.Display(); }

 private:
  explicit RejectsFile(Location location) : location_(std::move(location)) {}

  Location location_;
  std::optional<File> file_;
  uint64_t bytes_ = 0;
  bool dirty_ = false;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_REJECTS_FILE_H_
