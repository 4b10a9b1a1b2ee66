#include "cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "base/text.h"

namespace bizond {
namespace {

constexpr const char* kRed = "\033[31m";
constexpr const char* kYellow = "\033[33m";
constexpr const char* kBold = "\033[1m";
constexpr const char* kPlain = "\033[0m";
constexpr const char* kEraseLine = "\r\033[K";

constexpr Duration kLineEvery = std::chrono::seconds(10);
constexpr Duration kRedrawEvery = std::chrono::milliseconds(100);
constexpr int kBarColumns = 16;
constexpr int kBarBlock = 4;

struct Range {
  char32_t first, last;
};
// East Asian wide and the emoji that terminals draw over two columns (Unicode's EastAsianWidth).
constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},
    {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FC}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
constexpr Range kCombining[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                {0x064B, 0x065F}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                                {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

template <size_t N>
bool In(const Range (&ranges)[N], char32_t value) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& r) { return value >= r.first && value <= r.last; });
}

// All that the program prints goes through here: no secret leaves it, whatever held one.
void Write(std::FILE* file, std::string_view text) {
  const std::string shown = Redact(text);
  std::fwrite(shown.data(), 1, shown.size(), file);
}

bool MayColour() {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// 1234567 as 1,234,567.
std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// How much is left is not known: the block only shows that something moves.
std::string Bar(Duration elapsed) {
  constexpr int kRoom = kBarColumns - kBarBlock;
  const auto step = static_cast<int>((elapsed / kRedrawEvery) % (2 * kRoom));
  const int at = step < kRoom ? step : 2 * kRoom - step;
  std::string bar(kBarColumns, ' ');
  bar.replace(static_cast<size_t>(at), kBarBlock, kBarBlock, '=');
  return "[" + bar + "]";
}

std::string ProgressText(std::string_view label, uint64_t rows, uint64_t bytes, Duration elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double speed = seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0;
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(elapsed);
  return fmt::format("{}: {} rows, {:.1f} MB/s, {}", EscapeControls(label), Grouped(rows), speed,
                     FormatDuration(whole));
}

std::string CutTo(std::string_view text, size_t columns) {
  std::string cut;
  size_t width = 0;
  while (!text.empty()) {
    const auto point = FirstCodePoint(text);
    const size_t bytes = point ? point->size_bytes : 1;
    width += DisplayWidth(text.substr(0, bytes));
    if (width > columns) break;
    cut += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return cut;
}

// The lines of a text that was written over several.
std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(EscapeControls(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const auto point = FirstCodePoint(text);
    if (!point) {
      ++width;
      text.remove_prefix(1);
      continue;
    }
    if (!In(kCombining, point->value)) width += In(kWide, point->value) ? 2 : 1;
    text.remove_prefix(point->size_bytes);
  }
  return width;
}

Console::Console(bool json)
    : json_(json),
      error_is_terminal_(isatty(STDERR_FILENO) == 1),
      colour_(error_is_terminal_ && MayColour()) {}

std::string Console::Coloured(std::string_view text, const char* colour) const {
  return colour_ ? fmt::format("{}{}{}", colour, text, kPlain) : std::string(text);
}

void Console::Print(std::string_view line) {
  ClearProgress();
  if (json_) {
    Write(stdout, line);
  } else {
    Write(stdout, EscapeControls(line));
  }
  Write(stdout, "\n");
}

void Console::PrintTable(const std::vector<std::string>& heading,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(heading.size(), 0);
  std::vector<std::vector<std::string>> cells{heading};
  for (const std::vector<std::string>& row : rows) {
    std::vector<std::string>& escaped = cells.emplace_back();
    for (const std::string& cell : row) escaped.push_back(EscapeControls(cell));
    escaped.resize(heading.size());
  }
  for (const std::vector<std::string>& row : cells) {
    for (size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  for (const std::vector<std::string>& row : cells) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - DisplayWidth(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    Write(stdout, line + "\n");
  }
}

void Console::Note(std::string_view line) {
  ClearProgress();
  Write(stderr, EscapeControls(line) + "\n");
}

void Console::Report(const Error& error) {
  ReportCoded(Coloured("error:", kRed), error.code, error.message, error.remedy);
}

void Console::Report(const RunWarning& warning) {
  ReportCoded(Coloured("warning:", kYellow), warning.code, warning.message, warning.remedy);
}

void Console::ReportCoded(std::string text, std::string_view code, std::string_view message,
                          std::string_view remedy) {
  ClearProgress();
  text += " " + EscapeControls(message);
  if (!code.empty()) text += " (" + EscapeControls(code) + ")";
  text += "\n";
  for (const std::string& line : Lines(remedy)) text += "  " + line + "\n";
  Write(stderr, text);
}

void Console::Report(std::string_view file, const JobIssue& issue, bool warning) {
  ClearProgress();
  std::string place = EscapeControls(file);
  if (issue.line > 0) place += fmt::format(":{}:{}", issue.line, std::max(issue.column, 1));
  std::string text = Coloured(place + ":", kBold) + " " +
                     Coloured(warning ? "warning:" : "error:", warning ? kYellow : kRed) + " ";
  if (!issue.path.empty()) text += EscapeControls(issue.path) + ": ";
  text += EscapeControls(issue.message) + "\n";
  for (const std::string& line : Lines(issue.remedy)) text += "  " + line + "\n";
  Write(stderr, text);
}

void Console::Progress(std::string_view label, uint64_t rows, uint64_t bytes, Duration elapsed) {
  const std::lock_guard lock(mutex_);
  // A new run in the same console counts from nothing again.
  if (elapsed < progress_at_) progress_at_ = Duration(0);
  const Duration every = error_is_terminal_ ? kRedrawEvery : kLineEvery;
  if (elapsed - progress_at_ < every) return;
  progress_at_ = elapsed;
  const std::string text = ProgressText(label, rows, bytes, elapsed);
  if (!error_is_terminal_) {
    Write(stderr, text + "\n");
    return;
  }
  // One column stays free: a full line would wrap, and could not be drawn over.
  Write(stderr, kEraseLine + CutTo(Bar(elapsed) + " " + text, TerminalColumns() - 1));
  progress_drawn_ = true;
}

void Console::ClearProgress() {
  const std::lock_guard lock(mutex_);
  if (!progress_drawn_) return;
  Write(stderr, kEraseLine);
  progress_drawn_ = false;
}

bool Console::Flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace bizond
