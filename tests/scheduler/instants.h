// Instants and zones of the scheduler's tests, from their text.
#ifndef BIZOND_TESTS_SCHEDULER_INSTANTS_H_
#define BIZOND_TESTS_SCHEDULER_INSTANTS_H_

#include <string_view>

#include "base/time.h"
#include "scheduler/zone.h"

namespace bizond {

inline UtcTime At(std::string_view text) { return ParseUtc(text).value(); }

inline const Zone& ZoneOf(std::string_view name) { return *Zone::Find(name).value(); }

}  // namespace bizond

#endif  // BIZOND_TESTS_SCHEDULER_INSTANTS_H_
