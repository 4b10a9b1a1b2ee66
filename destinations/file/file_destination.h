// The destination `file`: NDJSON, exactly once.
//
// Full refresh: lines go to `<id>_temp`, which then takes the target's place by one rename.
// Incremental: lines go to `<id>_incremental`, which is appended to the target at a place that the
// intent remembers; the first one is renamed. Stream: lines go to the target itself, and what lies
// behind the last mark is cut off when it is opened again. A lock beside the target keeps a second
// process out.
//
// Threads: one thread at a time.
#ifndef BIZOND_DESTINATIONS_FILE_FILE_DESTINATION_H_
#define BIZOND_DESTINATIONS_FILE_FILE_DESTINATION_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "destinations/file/block_writer.h"
#include "destinations/file/file_lines.h"
#include "destinations/file/file_place.h"
#include "destinations/file/file_publication.h"
#include "sync/connector.h"

namespace bizond {

Result<std::unique_ptr<Destination>> OpenFileDestination(const ConnectorArgs& args);

class FileDestination final : public Destination {
 public:
  FileDestination(FilePlace place, LineFormat format, Clock& clock)
      : place_(std::move(place)), format_(std::move(format)), clock_(clock) {}

  Status CheckConnection(std::stop_token stop) override;
  bool ExactlyOnce() const override { return true; }
  std::string CanonicalTarget() const override { return "file:" + place_.Display(); }
  Status Open(const OpenRequest& request, std::stop_token stop) override;
  Status WriteRecords(const RecordBatch& batch) override;
  Result<std::string> Flush() override;
  Result<std::string> Prepare() override;
  using Destination::Finalize;
  Result<std::string> Finalize(std::string_view intent) override;
  Status Cleanup() override;
  Status Discard() override;
  Result<DestinationPlan> Plan(PublishMode mode, std::stop_token stop) override;
  uint64_t BytesWritten() const override { return writer_.bytes_written() + bytes_before_; }

 private:
  Status OpenStaging(const OpenRequest& request);
  Status ResumeStaging(const std::string& mark);
  Status OpenDirect(const OpenRequest& request);
  Result<uint64_t> DirectStart(const OpenRequest& request, File* target);
  // Compares the target with the receipt and remembers it as `before_`.
  Status CheckTarget(const OpenRequest& request);
  Status CreateStaging();
  Status EndLastLine(const File& target, uint64_t length);
  Result<FileIntent> SealReplacement();
  Result<FileIntent> SealAppend();
  Status RemoveStagings();
  std::string staging() const { return place_.Staging(mode_); }

  const FilePlace place_;
  const LineFormat format_;
  Clock& clock_;

  std::optional<FileLock> lock_;
  PublishMode mode_ = PublishMode::kReplace;
  std::stop_token stop_;
  RunLog* log_ = nullptr;
  std::unique_ptr<FileLines> lines_;
  BlockWriter writer_;
  // kAppend: the target as it was opened; nullopt: absent.
  std::optional<FileFingerprint> before_;
  bool entry_durable_ = false;  // The directory entry of the file that is written was synced.
  bool sealed_ = false;         // Prepare was called on this object.
  uint64_t bytes_before_ = 0;   // Written by writers that were ended.
};

}  // namespace bizond

#endif  // BIZOND_DESTINATIONS_FILE_FILE_DESTINATION_H_
