// Failpoints: named places where a test kills the process.
//
// `BIZOND_FAILPOINT=name` (or `name:N` for the Nth time it is passed, by any thread) in the
// environment makes the process send itself SIGKILL there. Without the variable a failpoint costs
// one load. The names are listed in base/failpoint.cc, so that the crash test can go through all of
// them. With the variable set, to pass a name that is not listed throws std::logic_error, as does a
// variable that names none.
//
// Threads: may be passed by any thread.
#ifndef BIZOND_BASE_FAILPOINT_H_
#define BIZOND_BASE_FAILPOINT_H_

#include <span>
#include <string_view>

namespace bizond {

// About in the order in which a run passes them.
std::span<const std::string_view> FailpointNames();

namespace internal {
extern const bool failpoint_armed;
void HitFailpoint(std::string_view name);
}  // namespace internal

inline void Failpoint(std::string_view name) {
  if (internal::failpoint_armed) [[unlikely]]
    internal::HitFailpoint(name);
}

}  // namespace bizond

#endif  // BIZOND_BASE_FAILPOINT_H_
