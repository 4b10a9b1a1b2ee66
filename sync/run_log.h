// RunLog: the log of one run, for the person who looks at it later.
//
// Threads: any.
#ifndef BIZOND_SYNC_RUN_LOG_H_
#define BIZOND_SYNC_RUN_LOG_H_

#include <initializer_list>
#include <string_view>

#include "base/log.h"

namespace bizond {

class RunLog {
 public:
  virtual ~RunLog() = default;
  virtual void Write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
};

}  // namespace bizond

#endif  // BIZOND_SYNC_RUN_LOG_H_
