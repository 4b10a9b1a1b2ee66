// The command that makes a job load everything again, for remedies. A connector does not know
// whether a daemon or `bizond run` called it, so both ways are named.
#ifndef BIZOND_SYNC_START_OVER_H_
#define BIZOND_SYNC_START_OVER_H_

#include <string>
#include <string_view>

namespace bizond {

inline constexpr std::string_view kStartOver =
    "start over: `bizond jobs reset NAME`, without a daemon `bizond stream reset JOB.yml`";

// What else to do first, then how to start over.
inline std::string OrStartOver(std::string_view remedy) {
  return std::string(remedy).append(", or ").append(kStartOver);
}

}  // namespace bizond

#endif  // BIZOND_SYNC_START_OVER_H_
