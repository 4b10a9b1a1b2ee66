#include "destinations/file/file_destination.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/failpoint.h"
#include "destinations/divergence.h"
#include "sync/run_log.h"

namespace bizond {
namespace {

struct StagingMark {
  uint64_t inode = 0;
  uint64_t bytes = 0;
  Hash128 chain;
};

std::string EncodeMark(const StagingMark& mark) {
  return nlohmann::json{
      {"v", 1}, {"inode", mark.inode}, {"bytes", mark.bytes}, {"chain", HexOf(mark.chain)}}
      .dump();
}

Result<StagingMark> DecodeMark(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    StagingMark mark{.inode = json.at("inode"), .bytes = json.at("bytes"), .chain = {}};
    if (json.at("v") == 1 && ParseHex(json.at("chain").get<std::string>(), &mark.chain)) {
      return mark;
    }
  } catch (const nlohmann::json::exception&) {
    // Said below.
  }
  return Failure(BadMark("mark", text));
}

// Only for what the target cannot lose by it: the job says to go on, or to begin anew.
bool GoesOn(const OpenRequest& request) {
  return request.on_target_changed == OnTargetChanged::kContinue;
}

}  // namespace

Status FileDestination::CheckConnection(std::stop_token stop) {
  (void)stop;
  return place_.CheckWritable();
}

Status FileDestination::Open(const OpenRequest& request, std::stop_token stop) {
  mode_ = request.mode;
  stop_ = std::move(stop);
  log_ = request.log;
  sealed_ = false;
  entry_durable_ = false;
  before_.reset();
  writer_.End();
  if (mode_ == PublishMode::kMerge) {
    return Fail(ErrorKind::kConfig, "merge_unsupported", "a file cannot be merged into",
                "use write: append, or a destination with merge: bizond destination list");
  }
  const std::filesystem::path target(place_.target());
  if (target.has_parent_path() && target.parent_path() != "/") {
    BIZOND_RETURN_IF_ERROR(place_.root().MakeDirectories(target.parent_path().string()));
  }
  BIZOND_RETURN_IF_ERROR(place_.StatTarget());
  if (!lock_) {
    BIZOND_ASSIGN_OR_RETURN(lock_, FileLock::TryAcquire(place_.root(), place_.Lock()));
  }
  lines_ = std::make_unique<FileLines>(format_, request.ids);
  if (request.intent) return {};
  return mode_ == PublishMode::kDirect ? OpenDirect(request) : OpenStaging(request);
}

Status FileDestination::OpenStaging(const OpenRequest& request) {
  if (mode_ == PublishMode::kAppend) BIZOND_RETURN_IF_ERROR(CheckTarget(request));
  if (request.mark) return ResumeStaging(*request.mark);
  BIZOND_RETURN_IF_ERROR(RemoveStagings());
  // An append without rows touches nothing: its staging is made by the first row.
  return mode_ == PublishMode::kAppend && before_ ? Status{} : CreateStaging();
}

Status FileDestination::CheckTarget(const OpenRequest& request) {
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.StatTarget());
  if (present) {
    BIZOND_ASSIGN_OR_RETURN(const File target,
                            place_.root().OpenFile(place_.target(), OpenMode::kRead));
    BIZOND_ASSIGN_OR_RETURN(before_, FingerprintOf(target));
  }
  std::string what;
  if (!request.receipt) {
    if (!before_ || before_->length == 0) return {};
    what = "it holds rows, and this job has never published into it";
  } else {
    BIZOND_ASSIGN_OR_RETURN(const FileFingerprint last,
                            DecodeFingerprint("receipt", *request.receipt));
    if (before_ == last) return {};
    what = !before_ ? "it was removed"
           : before_->length != last.length
               ? fmt::format("it has {} bytes instead of {}", before_->length, last.length)
               : "it was replaced or rewritten";
  }
  if (!GoesOn(request)) return Failure(TargetDiverged(place_.Display(), what));
  log_->Warn(TargetContinued(place_.Display(), what));
  return {};
}

Status FileDestination::CreateStaging() {
  BIZOND_ASSIGN_OR_RETURN(File file, place_.root().OpenFile(staging(), OpenMode::kTruncate));
  BIZOND_RETURN_IF_ERROR(writer_.Begin(std::move(file), 0, mode_ == PublishMode::kAppend));
  if (!before_ || before_->length == 0) return {};
  BIZOND_ASSIGN_OR_RETURN(const File target,
                          place_.root().OpenFile(place_.target(), OpenMode::kRead));
  return EndLastLine(target, before_->length);
}

// A file that somebody else wrote may lack the last line end.
Status FileDestination::EndLastLine(const File& target, uint64_t length) {
  char last = '\n';
  if (length > 0) BIZOND_RETURN_IF_ERROR(target.ReadAt(&last, 1, length - 1));
  if (last == '\n') return {};
  char* out = writer_.Room(1);
  *out = '\n';
  return writer_.Advance(out + 1);
}

Status FileDestination::ResumeStaging(const std::string& text) {
  BIZOND_ASSIGN_OR_RETURN(const StagingMark mark, DecodeMark(text));
  if (mark.inode == 0) return RemoveStagings();  // Nothing was staged yet.
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.root().Stat(staging()));
  if (!present || present->inode != mark.inode || present->size_bytes < mark.bytes) {
    return Failure(StagingLost((place_.root().path() / staging()).string(),
                               !present ? "it was removed" : "it is not what the checkpoint says"));
  }
  BIZOND_ASSIGN_OR_RETURN(File file, place_.root().OpenFile(staging(), OpenMode::kWrite));
  if (present->size_bytes > mark.bytes) BIZOND_RETURN_IF_ERROR(file.Truncate(mark.bytes));
  return writer_.Begin(std::move(file), mark.bytes, mode_ == PublishMode::kAppend,
                       BlockChain(mark.chain));
}

Status FileDestination::OpenDirect(const OpenRequest& request) {
  if (!request.mark) BIZOND_RETURN_IF_ERROR(CheckTarget(request));
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.StatTarget());
  if (request.mark && !present && !GoesOn(request)) {
    return Failure(TargetDiverged(place_.Display(), "it was removed"));
  }
  BIZOND_ASSIGN_OR_RETURN(File target, place_.root().OpenFile(place_.target(), OpenMode::kWrite));
  BIZOND_ASSIGN_OR_RETURN(const uint64_t start, DirectStart(request, &target));
  BIZOND_RETURN_IF_ERROR(writer_.Begin(std::move(target), start, false));
  return EndLastLine(writer_.file(), start);
}

// Where to go on: at the mark, what lies behind it removed; without one, at the end.
Result<uint64_t> FileDestination::DirectStart(const OpenRequest& request, File* target) {
  BIZOND_ASSIGN_OR_RETURN(const FileInfo info, target->Info());
  if (!request.mark) return info.size_bytes;
  BIZOND_ASSIGN_OR_RETURN(const FileFingerprint mark, DecodeFingerprint("mark", *request.mark));
  std::string what = fmt::format("it has {} bytes instead of {}", info.size_bytes, mark.length);
  if (info.size_bytes >= mark.length) {
    BIZOND_ASSIGN_OR_RETURN(const FileFingerprint found, FingerprintOf(*target, mark.length));
    if (found == mark) {
      if (info.size_bytes > mark.length) BIZOND_RETURN_IF_ERROR(target->Truncate(mark.length));
      return mark.length;
    }
    what = "it was replaced or rewritten";
  }
  if (!GoesOn(request)) return Failure(TargetDiverged(place_.Display(), what));
  log_->Warn(TargetContinued(place_.Display(), what));
  return info.size_bytes;
}

Status FileDestination::WriteRecords(const RecordBatch& batch) {
  if (batch.records().empty()) return {};
  if (stop_.stop_requested()) return Failure(StoppedError("writing " + place_.Display()));
  if (!writer_.open()) BIZOND_RETURN_IF_ERROR(CreateStaging());
  BIZOND_RETURN_IF_ERROR(lines_->Write(batch, clock_.Now(), &writer_));
  Failpoint("file.staging_written");
  return {};
}

Result<std::string> FileDestination::Flush() {
  if (!writer_.open()) return EncodeMark({});
  BIZOND_RETURN_IF_ERROR(writer_.Flush());
  const bool direct = mode_ == PublishMode::kDirect;
  if (!entry_durable_) {
    BIZOND_RETURN_IF_ERROR(place_.root().SyncDirectoryOf(direct ? place_.target() : staging()));
    entry_durable_ = true;
  }
  Failpoint("file.staging_synced");
  BIZOND_ASSIGN_OR_RETURN(const FileInfo info, writer_.file().Info());
  if (info.size_bytes != writer_.length()) {
    const std::string what = fmt::format(
        "it has {} bytes where {} were written: somebody else "
        "writes into it",
        info.size_bytes, writer_.length());
    return Failure(direct ? TargetDiverged(place_.Display(), what)
                          : StagingLost(writer_.file().path(), what));
  }
  if (!direct) {
    return EncodeMark(
        {.inode = info.inode, .bytes = writer_.length(), .chain = writer_.chain().state()});
  }
  BIZOND_ASSIGN_OR_RETURN(const FileFingerprint mark,
                          FingerprintOf(writer_.file(), writer_.length()));
  return EncodeFingerprint(mark);
}

Result<std::string> FileDestination::Prepare() {
  BIZOND_RETURN_IF_ERROR(Flush());
  sealed_ = true;
  FileIntent intent;
  if (mode_ == PublishMode::kDirect) {
    BIZOND_ASSIGN_OR_RETURN(intent.after, FingerprintOf(writer_.file(), writer_.length()));
  } else if (mode_ == PublishMode::kReplace || !before_) {
    BIZOND_ASSIGN_OR_RETURN(intent, SealReplacement());
  } else {
    BIZOND_ASSIGN_OR_RETURN(intent, SealAppend());
  }
  return EncodeIntent(intent);
}

Result<FileIntent> FileDestination::SealReplacement() {
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.StatTarget());
  if (present && mode_ == PublishMode::kAppend) {
    return Failure(TargetDiverged(place_.Display(), "it appeared while the run was reading"));
  }
  if (present) {
    // Who could read the old file can read the new one, and nobody else.
    BIZOND_ASSIGN_OR_RETURN(const File target,
                            place_.root().OpenFile(place_.target(), OpenMode::kRead));
    struct stat raw;
    if (fstat(target.fd(), &raw) == 0) (void)fchmod(writer_.file().fd(), raw.st_mode & 0777);
  }
  FileIntent intent{.kind = FileIntent::Kind::kRename,
                    .staging = staging(),
                    .bytes = writer_.length(),
                    .digest = {},
                    .before = {},
                    .after = {}};
  BIZOND_ASSIGN_OR_RETURN(intent.after, FingerprintOf(writer_.file(), intent.bytes));
  return intent;
}

Result<FileIntent> FileDestination::SealAppend() {
  BIZOND_ASSIGN_OR_RETURN(const auto present, place_.StatTarget());
  std::optional<FileFingerprint> now;
  File target;
  if (present) {
    BIZOND_ASSIGN_OR_RETURN(target, place_.root().OpenFile(place_.target(), OpenMode::kRead));
    BIZOND_ASSIGN_OR_RETURN(now, FingerprintOf(target));
  }
  if (now != before_) {
    return Failure(TargetDiverged(place_.Display(), "it changed while the run was reading"));
  }
  FileIntent intent{.kind = FileIntent::Kind::kNone,
                    .staging = staging(),
                    .bytes = writer_.open() ? writer_.length() : 0,
                    .digest = {},
                    .before = *before_,
                    .after = *before_};
  if (intent.bytes == 0) return intent;
  intent.kind = FileIntent::Kind::kAppend;
  intent.digest = HexOf(writer_.Digest());
  BIZOND_ASSIGN_OR_RETURN(intent.after,
                          FingerprintAfterAppend(target, *before_, writer_.file(), intent.bytes));
  return intent;
}

Result<std::string> FileDestination::Finalize(std::string_view text) {
  BIZOND_ASSIGN_OR_RETURN(const FileIntent intent, DecodeIntent(text));
  const bool sealed = sealed_;
  sealed_ = false;  // A second call looks at everything again.
  BIZOND_RETURN_IF_ERROR(PublishFile(place_, intent, sealed, stop_));
  return EncodeFingerprint(intent.after);
}

Status FileDestination::RemoveStagings() {
  BIZOND_RETURN_IF_ERROR(place_.root().Remove(place_.Staging(PublishMode::kReplace)));
  return place_.root().Remove(place_.Staging(PublishMode::kAppend));
}

Status FileDestination::Cleanup() {
  bytes_before_ += writer_.bytes_written();
  writer_ = BlockWriter();
  return RemoveStagings();
}

Status FileDestination::Discard() {
  const bool direct = mode_ == PublishMode::kDirect;
  BIZOND_RETURN_IF_ERROR(Cleanup());
  // The entry of a staging that was never made durable needs no durable removal.
  return direct || !entry_durable_ ? Status{} : place_.root().SyncDirectoryOf(staging());
}

}  // namespace bizond
