#include "sources/file/file_follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "sources/file/packed_twin.h"
#include "sources/file/record_sink.h"

namespace bizond {

Status FileFollower::Open(const Root& root, const KnownFile& known) {
  const uint64_t size = known.listed.info.size_bytes;
  if (opened_ != nullptr && opened_->inode == known.listed.info.inode) {
    // The header of a CSV file is kept; only the end moves.
    opened_->bytes = OpenPlainBytes(opened_->file, size);
    return {};
  }
  BIZOND_ASSIGN_OR_RETURN(
      opened_, OpenSourceFile(root, known.listed.name, config_, known.listed.info.inode, size));
  if (!opened_->compressed) return {};
  const std::string path = opened_->file.path();
  opened_.reset();
  return Fail(
      ErrorKind::kPermanent, "cannot_follow_compressed",
      fmt::format("{} is compressed; sync_mode: stream follows plain files", path),
      "leave compressed files out of the glob, or use sync_mode: incremental with a schedule");
}

Result<bool> FileFollower::IsWhole(const Root& root, const KnownFile& known,
                                   const std::stop_token& stop) const {
  BIZOND_ASSIGN_OR_RETURN(const File file, root.OpenFile(known.listed.name, OpenMode::kRead));
  Compression compression = config_.compression;
  if (compression == Compression::kAuto) {
    BIZOND_ASSIGN_OR_RETURN(compression, DetectCompression(file));
  }
  return EndsAt(file, compression, known.listed.info.size_bytes, known.mark.decoded, stop);
}

Result<bool> FileFollower::Look(const ReadRequest& request, RecordBatch* batch,
                                const std::stop_token& stop, Iteration* iteration) {
  BIZOND_ASSIGN_OR_RETURN(const FileList list, ListFiles(roots_, config_.path));
  BIZOND_ASSIGN_OR_RETURN(KnownFiles known,
                          RecognizeFiles(list, position_, {config_.compression, true}, stop));
  position_.files.clear();
  for (KnownFile& file : known.files) {
    if (file.was_plain) {
      // All of it was read before it was compressed, or it is an error below.
      BIZOND_ASSIGN_OR_RETURN(const bool whole, IsWhole(list.root, file, stop));
      if (whole) file.mark.decoded = 0;
    }
    position_.files.push_back(file.mark);
  }
  position_.gone = std::move(known.gone);
  // Taking turns: the file after the one that was read last comes first.
  const size_t count = known.files.size();
  const auto first = std::find_if(known.files.begin(), known.files.end(), [&](const auto& file) {
    return file.listed.name > position_.after;
  });
  const size_t offset = static_cast<size_t>(first - known.files.begin());
  for (size_t turn = 0; turn < count; ++turn) {
    const size_t index = (offset + turn) % count;
    const KnownFile& file = known.files[index];
    const uint64_t size = file.listed.info.size_bytes;
    const bool unfinished = file.mark.compressed && !file.done();
    const bool as_it_was = size == file.mark.offset || size == file.mark.offset + file.mark.unread;
    if (as_it_was && !unfinished) continue;
    BIZOND_RETURN_IF_ERROR(Open(list.root, file));
    RecordSink sink(opened_->file.path(), on_error_, request.parser, batch);
    const LinePlace from{file.mark.offset, file.mark.line};
    BIZOND_ASSIGN_OR_RETURN(
        const FilePage page,
        opened_->pages->Read(opened_->bytes.get(), from, LastLine::kLeave, &sink, stop));
    FileMark mark = file.mark;
    mark.offset = page.next.offset;
    mark.line = page.next.line;
    mark.unread = page.at_end ? size - page.next.offset : 0;
    BIZOND_ASSIGN_OR_RETURN(position_.files[index], MarkFile(opened_->file, std::move(mark)));
    if (page.next.offset == from.offset) continue;
    position_.after = file.listed.name;
    iteration->rows_read = sink.rows_read();
    return true;
  }
  return false;
}

Result<Iteration> FileFollower::Read(const ReadRequest& request, std::string_view pagination,
                                     RecordBatch* batch, std::stop_token stop) {
  if (!loaded_ || pagination != pagination_) {
    const std::string_view watermark =
        request.watermark ? std::string_view(request.watermark->position) : "";
    BIZOND_ASSIGN_OR_RETURN(position_, DecodePosition(pagination.empty() ? watermark : pagination));
    pagination_ = pagination;
    loaded_ = true;
  }
  Iteration iteration;
  bool found = false;
  for (int look = 0; look < 2 && !found; ++look) {
    if (stop.stop_requested() || (look > 0 && !clock_.SleepFor(config_.poll_interval, stop))) {
      return tl::make_unexpected(StoppedError("following " + config_.path));
    }
    auto looked = Look(request, batch, stop, &iteration);
    if (!looked) {
      // What was found so far is not handed out: the next call begins at its pagination again.
      loaded_ = false;
      return tl::make_unexpected(std::move(looked).error());
    }
    found = *looked;
  }
  if (found) {
    std::vector<std::string> marks;
    marks.reserve(position_.files.size());
    for (const FileMark& mark : position_.files) marks.push_back(EncodeMark(mark));
    pagination_ = EncodePosition(marks, position_.gone, position_.after);
    iteration.next_position = pagination_;
  }
  iteration.next_pagination = pagination_;
  return iteration;
}

}  // namespace bizond
