#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "sources/file/page_reader.h"

namespace bizond {
namespace {

constexpr size_t kNdjsonPageBytes = 1 << 20;
constexpr size_t kSkipBytes = 256 << 10;
constexpr size_t kRejectSampleBytes = 64 << 10;

bool IsBlank(std::string_view line) {
  if (!line.empty() && line.front() == '{') return false;
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

class NdjsonPages final : public FilePages {
 public:
  explicit NdjsonPages(const FileConfig& config) : record_bytes_max_(config.max_record_bytes) {}

  Result<FilePage> Read(ByteSource* bytes, LinePlace from, LastLine last_line, RecordSink* sink,
                        std::stop_token stop) override {
    RecordBatch* const batch = sink->batch();
    // The buffer holds whole lines and the beginning of one more; it grows only for a longer line.
    const size_t longest = static_cast<size_t>(record_bytes_max_) + 2;
    size_t room = kNdjsonPageBytes;
    size_t have = 0;
    size_t complete = 0;
    char* data = nullptr;
    bool at_end = false;
    while (complete == 0 && !at_end) {
      if (have > longest) return SkipLine(bytes, from, have, last_line, sink, stop);
      if (have == room) room = std::max(room, std::min(room * 4, longest + 1));
      data = batch->PageBuffer(room);
      BIZOND_ASSIGN_OR_RETURN(const size_t got,
                              bytes->ReadAt(data + have, room - have, from.offset + have, stop));
      at_end = got < room - have;
      // What was searched before has no line end.
      const void* last = memrchr(data + have, '\n', got);
      have += got;
      if (last != nullptr)
        complete = static_cast<size_t>(static_cast<const char*>(last) - data) + 1;
    }
    const size_t usable = at_end && last_line == LastLine::kTake ? have : complete;
    BIZOND_ASSIGN_OR_RETURN(const size_t used, TakeLines({data, usable}, &from, sink));
    from.offset += used;
    if (used < have) bytes->Unread({data + used, have - used}, from.offset);
    const bool all = at_end && used == usable;
    return FilePage{from, all, all ? have - used : 0};
  }

 private:
  // Returns how much of `text` was taken; counts the lines.
  Result<size_t> TakeLines(std::string_view text, LinePlace* place, RecordSink* sink) {
    const char* p = text.data();
    const char* const end = p + text.size();
    if (place->offset == 0 && text.starts_with(kByteOrderMark)) p += kByteOrderMark.size();
    while (p < end && !sink->full()) {
      const size_t left = static_cast<size_t>(end - p);
      const char* newline = static_cast<const char*>(std::memchr(p, '\n', left));
      const char* const stop = newline != nullptr ? newline : end;
      std::string_view line(p, static_cast<size_t>(stop - p));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.size() > record_bytes_max_) {
        BIZOND_RETURN_IF_ERROR(sink->Bad("record_too_large", TooLarge(), line, place->line));
      } else if (!IsBlank(line)) {
        BIZOND_RETURN_IF_ERROR(sink->Add(line, line, place->line));
      }
      ++place->line;
      p = newline != nullptr ? newline + 1 : end;
    }
    return static_cast<size_t>(p - text.data());
  }

  std::string TooLarge() const {
    return fmt::format("the record is longer than max_record_bytes ({})", record_bytes_max_);
  }

  // The line at `from` is over the limit, and `have` bytes of it without a line end stand in the
  // page buffer: finds its end in constant memory.
  Result<FilePage> SkipLine(ByteSource* bytes, LinePlace from, size_t have, LastLine last_line,
                            RecordSink* sink, const std::stop_token& stop) {
    char* const data = sink->batch()->PageBuffer(have);
    const std::string sample(data, std::min(have, kRejectSampleBytes));
    uint64_t length = have;
    bool ended = false;
    bool at_end = false;
    while (!ended && !at_end) {
      const size_t room = std::min(have, kSkipBytes);
      BIZOND_ASSIGN_OR_RETURN(const size_t got,
                              bytes->ReadAt(data, room, from.offset + length, stop));
      at_end = got < room;
      const void* newline = std::memchr(data, '\n', got);
      ended = newline != nullptr;
      const size_t used =
          ended ? static_cast<size_t>(static_cast<const char*>(newline) - data) + 1 : got;
      length += used;
      if (used < got) bytes->Unread({data + used, got - used}, from.offset + length);
    }
    // A line that is still being written is over the limit already, but its end is not known: what
    // is written next would be taken for a record.
    if (!ended && last_line == LastLine::kLeave) {
      if (sink->fails()) return sink->Fatal("record_too_large", TooLarge(), from.line);
      return FilePage{from, true, length};
    }
    BIZOND_RETURN_IF_ERROR(sink->Bad("record_too_large", TooLarge(), sample, from.line));
    return FilePage{{from.offset + length, from.line + 1}, at_end && !ended, 0};
  }

  const uint64_t record_bytes_max_;
};

}  // namespace

std::unique_ptr<FilePages> NewNdjsonPages(const FileConfig& config) {
  return std::make_unique<NdjsonPages>(config);
}

}  // namespace bizond
