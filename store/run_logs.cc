#include "store/run_logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/identity.h"
#include "base/text.h"

namespace bizond {
namespace {

using Json = nlohmann::ordered_json;

// A file's name may have 255 bytes; a job's name, encoded, may have more.
constexpr size_t kLongestName = 200;
constexpr size_t kTailBytes = 64 << 10;
constexpr uint64_t kMaxReadBytes = 2 * kMaxRunLogBytes;

std::string FileNameOf(std::string_view text) {
  std::string name = EncodePathSegment(text);
  if (name.size() <= kLongestName) return name;
  name.resize(kLongestName - 33);
  return name + "~" + HexOf(HashBytes(text));
}

std::string FolderOf(std::string_view job) { return "logs/" + FileNameOf(job); }

std::string PathOf(std::string_view job, std::string_view run_id) {
  return fmt::format("{}/{}.jsonl", FolderOf(job), FileNameOf(run_id));
}

std::optional<RunLogLine> ParseLine(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto seq = json.find("seq");
  const auto at = json.find("at");
  const auto level = json.find("level");
  const auto message = json.find("message");
  RunLogLine line;
  const bool whole = seq != json.end() && seq->is_number_unsigned() && at != json.end() &&
                     at->is_string() && level != json.end() && level->is_string() &&
                     message != json.end() && message->is_string() &&
                     ParseLogLevel(level->get<std::string>(), &line.level);
  if (!whole) return std::nullopt;
  line.seq = seq->get<uint64_t>();
  line.at = at->get<std::string>();
  line.message = message->get<std::string>();
  const auto fields = json.find("fields");
  line.fields = fields == json.end() ? "{}" : fields->dump();
  return line;
}

// Calls `take` with every line that is whole until it returns false.
template <typename Take>
void EachLine(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return;  // Torn, or still being written.
    if (std::optional<RunLogLine> line = ParseLine(text.substr(0, end))) {
      if (!take(std::move(*line))) return;
    }
    text.remove_prefix(end + 1);
  }
}

// Where a log that exists already goes on.
struct LogEnd {
  uint64_t last_seq = 0;
  uint64_t size_bytes = 0;
  bool torn = false;  // The last line has no newline.
};

Result<LogEnd> EndOf(const Root& root, const std::string& path) {
  LogEnd end;
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(path));
  if (!info || info->size_bytes == 0) return end;
  BIZOND_ASSIGN_OR_RETURN(const File file, root.OpenFile(path, OpenMode::kRead));
  end.size_bytes = info->size_bytes;
  const uint64_t from = end.size_bytes > kTailBytes ? end.size_bytes - kTailBytes : 0;
  std::string tail(static_cast<size_t>(end.size_bytes - from), '\0');
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(tail.data(), tail.size(), from));
  tail.resize(got);
  end.torn = !tail.empty() && tail.back() != '\n';
  EachLine(tail, [&](const RunLogLine& line) {
    end.last_seq = std::max(end.last_seq, line.seq);
    return true;
  });
  return end;
}

class FileRunLog final : public RunLog {
 public:
  FileRunLog(File file, const LogEnd& end, Clock* clock, uint64_t max_bytes)
      : clock_(clock), max_bytes_(max_bytes), file_(std::move(file)), end_(end) {
    if (end_.torn) Append("\n");
    // An earlier attempt said already that the log is full.
    full_ = end_.size_bytes >= max_bytes_;
  }

  void Write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    std::lock_guard lock(mutex_);
    if (full_) return;
    std::string line = LineOf(level, message, fields);
    if (end_.size_bytes + line.size() > max_bytes_) {
      line =
          LineOf(LogLevel::kWarning,
                 fmt::format("the log of this run ends here: it holds {} bytes", max_bytes_), {});
      // What is appended makes the size reach the bound, which tells the next attempt.
      full_ = true;
      Append(line);
      return;
    }
    Append(line);
  }

 private:
  std::string LineOf(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
    Json json = {{"seq", ++end_.last_seq},
                 {"at", FormatUtc(clock_->Now())},
                 {"level", LogLevelName(level)},
                 {"message", Redact(message)}};
    if (fields.size() > 0) {
      Json& object = json["fields"] = Json::object();
      for (const LogField& field : fields) object[std::string(field.key)] = Redact(field.value);
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }

  void Append(std::string_view bytes) {
    if (const Status written = file_.WriteAll(bytes); !written && !failed_) {
      failed_ = true;
      Log(LogLevel::kWarning, "store",
          "a run's log cannot be written: " + Describe(written.error()));
    }
    end_.size_bytes += bytes.size();
  }

  Clock* const clock_;
  const uint64_t max_bytes_;

  std::mutex mutex_;
  // Guarded by mutex_.
  File file_;
  LogEnd end_;
  bool full_ = false;
  bool failed_ = false;
};

class NoRunLog final : public RunLog {
 public:
  void Write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

Result<std::string> ReadLog(const Root& root, const std::string& path) {
  BIZOND_ASSIGN_OR_RETURN(const auto info, root.Stat(path));
  if (!info) return std::string();
  BIZOND_ASSIGN_OR_RETURN(const File file, root.OpenFile(path, OpenMode::kRead));
  std::string text(static_cast<size_t>(std::min(info->size_bytes, kMaxReadBytes)), '\0');
  BIZOND_ASSIGN_OR_RETURN(const size_t got, file.ReadAt(text.data(), text.size(), 0));
  text.resize(got);
  return text;
}

size_t LimitOf(int limit) { return static_cast<size_t>(std::clamp(limit, 1, 1000)); }

}  // namespace

RunLogs::RunLogs(Root state_dir, Clock* clock, uint64_t max_bytes)
    : state_dir_(std::move(state_dir)), clock_(clock), max_bytes_(max_bytes) {}

std::unique_ptr<RunLog> RunLogs::OpenRunLog(std::string_view job, std::string_view run_id) {
  const std::string path = PathOf(job, run_id);
  const auto open = [&]() -> Result<std::unique_ptr<RunLog>> {
    BIZOND_RETURN_IF_ERROR(state_dir_.MakeDirectories(FolderOf(job)));
    BIZOND_ASSIGN_OR_RETURN(const LogEnd end, EndOf(state_dir_, path));
    BIZOND_ASSIGN_OR_RETURN(File file, state_dir_.OpenFile(path, OpenMode::kAppend));
    return std::unique_ptr<RunLog>(
        std::make_unique<FileRunLog>(std::move(file), end, clock_, max_bytes_));
  };
  Result<std::unique_ptr<RunLog>> log = open();
  if (log) return std::move(*log);
  Log(LogLevel::kWarning, "store", "a run has no log: " + Describe(log.error()));
  return std::make_unique<NoRunLog>();
}

Result<RunLogPage> RunLogs::Read(std::string_view job, std::string_view run_id, uint64_t after_seq,
                                 int limit, LogLevel min_level) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string text, ReadLog(state_dir_, PathOf(job, run_id)));
  RunLogPage page;
  page.last_seq = after_seq;
  const size_t most = LimitOf(limit);
  EachLine(text, [&](RunLogLine line) {
    if (line.seq <= after_seq) return true;
    const bool wanted = line.level >= min_level;
    if (wanted && page.items.size() == most) {
      page.more = true;
      return false;
    }
    page.last_seq = line.seq;
    if (wanted) page.items.push_back(std::move(line));
    return true;
  });
  return page;
}

Result<RunLogPage> RunLogs::Tail(std::string_view job, std::string_view run_id, int limit,
                                 LogLevel min_level) const {
  BIZOND_ASSIGN_OR_RETURN(const std::string text, ReadLog(state_dir_, PathOf(job, run_id)));
  std::deque<RunLogLine> lines;
  RunLogPage page;
  EachLine(text, [&](RunLogLine line) {
    page.last_seq = line.seq;
    if (line.level < min_level) return true;
    lines.push_back(std::move(line));
    if (lines.size() > LimitOf(limit)) lines.pop_front();
    return true;
  });
  page.items.assign(std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  return page;
}

Result<int> RunLogs::RemoveOlder(UtcTime before) {
  BIZOND_ASSIGN_OR_RETURN(const auto files, state_dir_.Glob("logs/*/*.jsonl"));
  int removed = 0;
  for (const std::string& file : files) {
    BIZOND_ASSIGN_OR_RETURN(const auto info, state_dir_.Stat(file));
    if (!info || info->modified_at >= before) continue;
    BIZOND_RETURN_IF_ERROR(state_dir_.Remove(file));
    ++removed;
  }
  return removed;
}

}  // namespace bizond
