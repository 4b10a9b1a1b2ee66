// RunLog: the log of one run, for the person who looks at it later.
//
// Threads: any.
#ifndef BIZOND_SYNC_RUN_LOG_H_
#define BIZOND_SYNC_RUN_LOG_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/log.h"

namespace bizond {

// What did not stop the run and somebody must know: it is shown wherever the run is.
struct RunWarning {
  std::string code;     // A code of cli/error_codes.cc.
  std::string message;  // Names what it is about (the table, the file), as an error's does.
  std::string remedy;
};

class RunLog {
 public:
  virtual ~RunLog() = default;
  virtual void Write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
  // A line of the log; where the run is kept, kept with it as well: one a code and stream, the
  // latest.
  virtual void Warn(const RunWarning& warning) {
    Write(LogLevel::kWarning, warning.message,
          {{"code", warning.code}, {"remedy", warning.remedy}});
  }
};

}  // namespace bizond

#endif  // BIZOND_SYNC_RUN_LOG_H_
