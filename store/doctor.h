// Doctor: what can be wrong with a state directory, checked one by one.
//
// It looks without changing anything, beside a running daemon too. Each finding says what to do
// next.
//
// Threads: any.
#ifndef BIZOND_STORE_DOCTOR_H_
#define BIZOND_STORE_DOCTOR_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"

namespace bizond {

struct DoctorCheck {
  std::string name;  // "integrity", "orphans", ...: stable
  bool ok = true;
  std::string detail;
  std::string remedy;  // Empty when ok.
};

// In a fixed order; a check that could not be made says so and is not ok.
std::vector<DoctorCheck> ExamineStore(const std::filesystem::path& directory, const Clock& clock);

}  // namespace bizond

#endif  // BIZOND_STORE_DOCTOR_H_
