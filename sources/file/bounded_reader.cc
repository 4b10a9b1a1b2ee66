#include "sources/file/bounded_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "sources/file/file_change.h"
#include "sources/file/record_sink.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kPaginationFormat = 1;

}  // namespace

Status BoundedReader::Plan(const ReadRequest& request) {
  by_position_ = request.mode == SyncMode::kIncremental && !has_cursor_;
  opened_.reset();
  if (!request.upper_bound.empty()) {
    BIZOND_ASSIGN_OR_RETURN(const Location location, roots_.Resolve(config_.path));
    root_ = location.root;
    BIZOND_ASSIGN_OR_RETURN(plan_, DecodePlan(request.upper_bound));
    plan_text_ = request.upper_bound;
    return RestoreMarks(request);
  }
  BIZOND_ASSIGN_OR_RETURN(const FileList list, ListFiles(roots_, config_.path));
  // A pattern with a slip in it must not publish an empty table. Once files were read, an empty
  // folder only means that they were taken away.
  const bool known = request.mode == SyncMode::kIncremental && request.watermark.has_value();
  if (list.files.empty() && !known) return NoFiles(config_.path);
  root_ = list.root;
  plan_.clear();
  if (by_position_) {
    const std::string text = request.watermark ? request.watermark->position : "";
    BIZOND_ASSIGN_OR_RETURN(const FilePosition position, DecodePosition(text));
    BIZOND_ASSIGN_OR_RETURN(const KnownFiles files, RecognizeFiles(list, position, false));
    for (const auto& [listed, mark] : files.files) {
      const uint64_t size = listed.info.size_bytes;
      const bool packed = mark.compressed;
      const bool skip = packed ? mark.decoded == 0 : mark.offset >= size;
      plan_.push_back({listed.name, listed.info.inode, size, packed ? mark.decoded : mark.offset,
                       mark.line, skip});
    }
  } else {
    for (const ListedFile& listed : list.files) {
      const uint64_t size = listed.info.size_bytes;
      plan_.push_back({listed.name, listed.info.inode, size, 0, 1, size == 0});
    }
  }
  plan_text_ = EncodePlan(plan_);
  return RestoreMarks(request);
}

Status BoundedReader::RestoreMarks(const ReadRequest& request) {
  marks_.assign(plan_.size(), "");
  gone_.clear();
  if (!by_position_ || !request.watermark) return {};
  BIZOND_ASSIGN_OR_RETURN(const FilePosition position, DecodePosition(request.watermark->position));
  std::unordered_map<uint64_t, size_t> by_inode;
  std::unordered_map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < plan_.size(); ++i) {
    by_inode[plan_[i].inode] = i;
    by_name[plan_[i].name] = i;
  }
  for (const auto* marks : {&position.gone, &position.files}) {
    for (const FileMark& mark : *marks) {
      if (const auto found = by_inode.find(mark.inode); found != by_inode.end()) {
        // A file that starts over only has the mark's inode.
        if (plan_[found->second].start > 0 || plan_[found->second].skip) {
          marks_[found->second] = EncodeMark(mark);
        }
      } else if (const auto named = by_name.find(mark.name);
                 named != by_name.end() && mark.compressed) {
        FileMark renewed = mark;
        renewed.inode = plan_[named->second].inode;
        marks_[named->second] = EncodeMark(renewed);
      } else if (mark.offset > 0) {
        gone_.push_back(mark);
      }
    }
  }
  constexpr size_t kGoneMax = 1000;
  if (gone_.size() > kGoneMax) gone_.erase(gone_.begin(), gone_.end() - kGoneMax);
  return {};
}

void BoundedReader::GoTo(size_t index) {
  while (index < plan_.size() && plan_[index].skip) {
    if (by_position_) done_.push_back({});
    ++index;
  }
  index_ = index;
  place_ = {};
  if (index < plan_.size()) place_ = {plan_[index].start, plan_[index].line};
}

Status BoundedReader::Seek(std::string_view pagination) {
  done_.clear();
  pagination_ = pagination;
  if (pagination.empty()) {
    GoTo(0);
    return {};
  }
  try {
    const json parsed = json::parse(pagination);
    if (parsed.at("format").get<int>() != kPaginationFormat) throw std::out_of_range("format");
    index_ = parsed.at("file").get<size_t>();
    place_ = {parsed.at("offset").get<uint64_t>(), parsed.at("line").get<uint64_t>()};
    for (const json& row : parsed.value("done", json::array())) {
      done_.push_back({row.at(0).get<uint64_t>(), row.at(1).get<uint64_t>()});
    }
    if (index_ > plan_.size() || done_.size() != (by_position_ ? index_ : 0)) {
      throw std::out_of_range("file");
    }
  } catch (const std::exception& problem) {
    return Fail(ErrorKind::kPermanent, "bad_checkpoint",
                fmt::format("the place in the source files cannot be read from the checkpoint: {}",
                            problem.what()),
                "cancel the run and start another one");
  }
  // The marks of files that this run has finished before it was interrupted.
  for (size_t i = 0; by_position_ && i < index_; ++i) {
    if (plan_[i].skip) continue;
    BIZOND_RETURN_IF_ERROR(Open(i));
    BIZOND_ASSIGN_OR_RETURN(
        marks_[i],
        MarkOf(i, {plan_[i].end - std::min(done_[i].unread, plan_[i].end), done_[i].line}, true,
               done_[i].unread));
  }
  return {};
}

Status BoundedReader::Open(size_t index) {
  if (opened_ != nullptr && opened_index_ == index) return {};
  const PlannedFile& planned = plan_[index];
  BIZOND_ASSIGN_OR_RETURN(opened_,
                          OpenSourceFile(root_, planned.name, config_, planned.inode, planned.end));
  opened_index_ = index;
  return {};
}

Result<std::string> BoundedReader::MarkOf(size_t index, FilePlace place, bool at_end,
                                          uint64_t unread) {
  const PlannedFile& planned = plan_[index];
  FileMark mark;
  mark.name = planned.name;
  mark.inode = planned.inode;
  mark.offset = place.offset;
  mark.line = place.line;
  mark.unread = unread;
  if (opened_->compressed) {
    mark.compressed = true;
    mark.offset = planned.end;
    mark.decoded = at_end ? 0 : place.offset;
    mark.unread = 0;
  }
  BIZOND_ASSIGN_OR_RETURN(const FileMark whole, MarkFile(opened_->file, std::move(mark)));
  return EncodeMark(whole);
}

std::string BoundedReader::Pagination() const {
  std::string text = fmt::format(R"({{"format":{},"file":{},"offset":{},"line":{})",
                                 kPaginationFormat, index_, place_.offset, place_.line);
  for (size_t i = 0; i < done_.size(); ++i) {
    fmt::format_to(std::back_inserter(text), R"({}[{},{}])", i == 0 ? R"(,"done":[)" : ",",
                   done_[i].line, done_[i].unread);
  }
  return text + (done_.empty() ? "}" : "]}");
}

Result<Iteration> BoundedReader::Read(const ReadRequest& request, std::string_view pagination,
                                      RecordBatch* batch, std::stop_token stop) {
  Iteration iteration;
  const bool fresh = plan_text_.empty() || request.upper_bound != plan_text_;
  if (fresh) BIZOND_RETURN_IF_ERROR(Plan(request));
  if (fresh || pagination != pagination_) BIZOND_RETURN_IF_ERROR(Seek(pagination));
  if (request.upper_bound.empty()) iteration.upper_bound = plan_text_;
  if (index_ < plan_.size()) {
    const size_t index = index_;
    BIZOND_RETURN_IF_ERROR(Open(index));
    RecordSink sink(opened_->file.path(), on_error_, request.parser, batch);
    const LastLine last_line =
        by_position_ && !opened_->compressed ? LastLine::kLeave : LastLine::kTake;
    auto page = opened_->pages->Read(opened_->bytes.get(), place_, last_line, &sink, stop);
    if (!page) {
      // Where reading stopped inside of the file is not known: the next page opens it again.
      opened_.reset();
      return tl::make_unexpected(std::move(page).error());
    }
    iteration.rows_read = sink.rows_read();
    place_ = page->next;
    // Spares a last page with nothing in it.
    const bool at_end = page->at_end || (!opened_->compressed && place_.offset >= plan_[index].end);
    if (by_position_) {
      auto mark = MarkOf(index, place_, at_end, page->unread);
      if (!mark) {
        // The place has moved on and its page is not handed out: the next read plans anew.
        plan_text_.clear();
        return tl::make_unexpected(std::move(mark).error());
      }
      marks_[index] = std::move(*mark);
    }
    if (at_end) {
      if (by_position_) done_.push_back({place_.line, page->unread});
      GoTo(index + 1);
    }
  }
  iteration.exhausted = index_ == plan_.size();
  pagination_ = Pagination();
  iteration.next_pagination = pagination_;
  if (by_position_) iteration.next_position = EncodePosition(marks_, gone_, "");
  return iteration;
}

}  // namespace bizond
