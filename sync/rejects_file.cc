#include "sync/rejects_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace bizond {

Result<RejectsFile> RejectsFile::Open(Location location, uint64_t bytes) {
  RejectsFile rejects(std::move(location));
  BIZOND_ASSIGN_OR_RETURN(const std::optional<FileInfo> present,
                          rejects.location_.root.Stat(rejects.location_.path));
  if (!present && bytes == 0) return rejects;
  if (!present || present->size_bytes < bytes) {
    return Fail(ErrorKind::kPermanent, "rejects_lost",
                rejects.path() + (present ? " is shorter than the checkpoint says" : " is gone"),
                "somebody removed it: run the job with --reset, or trigger a new run");
  }
  BIZOND_ASSIGN_OR_RETURN(
      File file, rejects.location_.root.OpenFile(rejects.location_.path, OpenMode::kWrite));
  BIZOND_RETURN_IF_ERROR(file.Truncate(bytes));
  BIZOND_RETURN_IF_ERROR(file.SeekTo(bytes));
  rejects.bytes_ = bytes;
  rejects.file_ = std::move(file);
  return rejects;
}

Status RejectsFile::Write(uint64_t iteration, std::span<const RejectedRecord> rejects) {
  if (rejects.empty()) return {};
  if (!file_) {
    const std::string parent = std::filesystem::path(location_.path).parent_path().string();
    if (!parent.empty()) BIZOND_RETURN_IF_ERROR(location_.root.MakeDirectories(parent));
    BIZOND_ASSIGN_OR_RETURN(file_, location_.root.OpenFile(location_.path, OpenMode::kTruncate));
    BIZOND_RETURN_IF_ERROR(location_.root.SyncDirectoryOf(location_.path));
  }
  std::string lines;
  for (const RejectedRecord& reject : rejects) {
    const nlohmann::json line = {{"origin", reject.origin},     {"code", reject.code},
                                 {"reason", reject.reason},     {"iteration", iteration},
                                 {"position", reject.position}, {"data", reject.data}};
    // What is not UTF-8 is shown as U+FFFD: the source still has the bytes.
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    lines += '\n';
  }
  BIZOND_RETURN_IF_ERROR(file_->WriteAll(lines));
  bytes_ += lines.size();
  dirty_ = true;
  return {};
}

Result<uint64_t> RejectsFile::Flush() {
  if (dirty_) BIZOND_RETURN_IF_ERROR(file_->Sync());
  dirty_ = false;
  return bytes_;
}

}  // namespace bizond
