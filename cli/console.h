// Console: the terminal, or the pipe, that the program was started with.
//
// Data goes to standard output: one JSON document with --json, else lines for people. Everything
// else (progress, warnings, errors) goes to standard error. Colour and the progress bar appear on a
// terminal only, and NO_COLOR is honoured (https://no-color.org). Secrets are taken out of
// everything (base/log.h, Redact).
//
// Threads: Progress and ClearProgress may be called from any thread, the rest from the main thread.
#ifndef BIZOND_CLI_CONSOLE_H_
#define BIZOND_CLI_CONSOLE_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "sync/job_parser.h"
#include "sync/run_log.h"

namespace bizond {

class Console {
 public:
  explicit Console(bool json);

  bool json() const { return json_; }
  bool error_is_terminal() const { return error_is_terminal_; }

  // A line of standard output. What it holds cannot forge another line, move the cursor or colour
  // anything; with --json it is printed as it is.
  void Print(std::string_view line);
  // Columns, aligned, with a heading; nothing when there are no rows but the heading.
  void PrintTable(const std::vector<std::string>& heading,
                  const std::vector<std::vector<std::string>>& rows);
  // A line of standard error.
  void Note(std::string_view line);
  // "error: ...", the remedy on a line of its own.
  void Report(const Error& error);
  // "warning: ...", in the same way.
  void Report(const RunWarning& warning);
  // file:line:column: message, remedy below; as compilers print them.
  void Report(std::string_view file, const JobIssue& issue, bool warning);

  // One line that is drawn over on a terminal; on a pipe, a plain line every ten seconds of
  // `elapsed`.
  void Progress(std::string_view label, uint64_t rows, uint64_t bytes, Duration elapsed);
  void ClearProgress();

  // False when standard output could not take what was printed (a full disk, a closed pipe).
  bool Flush();

 private:
  std::string Coloured(std::string_view text, const char* colour) const;
  void ReportCoded(std::string text, std::string_view code, std::string_view message,
                   std::string_view remedy);

  const bool json_;
  bool error_is_terminal_ = false;
  bool colour_ = false;

  std::mutex mutex_;
  bool progress_drawn_ = false;  // Guarded by mutex_.
  Duration progress_at_{0};      // Guarded by mutex_.
};

// How many columns of a terminal the text takes, as far as that can be known without asking one.
size_t DisplayWidth(std::string_view text);

}  // namespace bizond

#endif  // BIZOND_CLI_CONSOLE_H_
