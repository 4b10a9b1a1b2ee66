#include "sources/file/bounded_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "sources/file/file_recognizer.h"
#include "sources/file/record_sink.h"

namespace bizond {
namespace {

using nlohmann::json;

constexpr int kPaginationFormat = 1;

}  // namespace

Status BoundedReader::Plan(const ReadRequest& request, const std::stop_token& stop) {
  by_position_ = request.mode == SyncMode::kIncremental && !has_cursor_;
  opened_.reset();
  if (!request.upper_bound.empty()) {
    BIZOND_ASSIGN_OR_RETURN(const Location location, roots_.Resolve(config_.path));
    root_ = location.root;
    bool names_marks = true;
    BIZOND_ASSIGN_OR_RETURN(plan_, DecodePlan(request.upper_bound, &names_marks));
    if (!names_marks) BIZOND_RETURN_IF_ERROR(FindMarksByInode(request));
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
    BIZOND_ASSIGN_OR_RETURN(
        const KnownFiles recognized,
        RecognizeFiles(list, position, {.compression = config_.compression}, stop));
    for (const KnownFile& file : recognized.files) {
      const uint64_t size = file.listed.info.size_bytes;
      // A file that was compressed is read to its end even if nothing is new, for its mark.
      const bool skip = file.mark.compressed ? file.done() : file.start() >= size;
      plan_.push_back({file.listed.name, file.listed.info.inode, size, file.start(), file.mark.line,
                       skip, file.index, file.was_plain});
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

Status BoundedReader::FindMarksByInode(const ReadRequest& request) {
  if (!by_position_ || !request.watermark) return {};
  BIZOND_ASSIGN_OR_RETURN(const FilePosition position, DecodePosition(request.watermark->position));
  size_t index = 0;
  for (const auto* part : {&position.gone, &position.files}) {
    for (const FileMark& mark : *part) {
      for (PlannedFile& planned : plan_) {
        const bool same =
            planned.inode == mark.inode || (mark.compressed && planned.name == mark.name);
        // A file that starts over only has the mark's inode.
        if (same && (planned.start > 0 || planned.skip)) planned.mark = index;
      }
      ++index;
    }
  }
  return {};
}

Status BoundedReader::RestoreMarks(const ReadRequest& request) {
  marks_.assign(plan_.size(), "");
  gone_.clear();
  gone_index_.clear();
  if (!by_position_ || !request.watermark) return {};
  BIZOND_ASSIGN_OR_RETURN(const FilePosition position, DecodePosition(request.watermark->position));
  std::vector<const FileMark*> marks;
  for (const auto* part : {&position.gone, &position.files}) {
    for (const FileMark& mark : *part) marks.push_back(&mark);
  }
  std::vector<bool> here(marks.size());
  for (size_t i = 0; i < plan_.size(); ++i) {
    const PlannedFile& planned = plan_[i];
    if (!planned.mark) continue;
    if (*planned.mark >= marks.size()) {
      return Fail(ErrorKind::kPermanent, "bad_checkpoint",
                  "the run's snapshot of the source files does not belong to its watermark",
                  "cancel the run and start another one");
    }
    // The mark of a file that was compressed stays among those that are gone until it is read.
    if (planned.was_plain) continue;
    here[*planned.mark] = true;
    FileMark renewed = *marks[*planned.mark];
    renewed.name = planned.name;
    renewed.inode = planned.inode;
    marks_[i] = EncodeMark(renewed);
  }
  for (size_t i = 0; i < marks.size(); ++i) {
    if (here[i] || marks[i]->offset == 0) continue;
    gone_.push_back(*marks[i]);
    gone_index_.push_back(i);
  }
  if (gone_.size() > kGoneMax) {
    const auto surplus = static_cast<std::ptrdiff_t>(gone_.size() - kGoneMax);
    gone_.erase(gone_.begin(), gone_.begin() + surplus);
    gone_index_.erase(gone_index_.begin(), gone_index_.begin() + surplus);
  }
  return {};
}

void BoundedReader::SetMark(size_t index, std::string mark) {
  marks_[index] = std::move(mark);
  if (!plan_[index].was_plain) return;
  const auto found = std::find(gone_index_.begin(), gone_index_.end(), *plan_[index].mark);
  if (found == gone_index_.end()) return;
  gone_.erase(gone_.begin() + (found - gone_index_.begin()));
  gone_index_.erase(found);
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
        std::string mark,
        MarkOf(i, {plan_[i].end - std::min(done_[i].unread, plan_[i].end), done_[i].line}, true,
               done_[i].unread));
    SetMark(i, std::move(mark));
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

Result<std::string> BoundedReader::MarkOf(size_t index, LinePlace place, bool at_end,
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
  if (fresh) BIZOND_RETURN_IF_ERROR(Plan(request, stop));
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
      SetMark(index, std::move(*mark));
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
