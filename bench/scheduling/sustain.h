// Sustain: the scheduler under a steady load.
//
// So many schedules fire once a minute each, as many in each second, while what has ended is moved
// to the history and goes from there. The folder may hold others, which fire too. Of each whole
// minute from the first: the runs, and p50, p99 and the most of their lags in ms.
#ifndef BIZOND_BENCH_SCHEDULING_SUSTAIN_H_
#define BIZOND_BENCH_SCHEDULING_SUSTAIN_H_

#include <nlohmann/json.hpp>
#include <string>

#include "bench/scheduling/daemon.h"

namespace bizond::bench {

// Ends the program when a nominal fire of them ran other than once.
nlohmann::json Sustain(const std::string& folder, int schedules, int for_seconds);

}  // namespace bizond::bench

#endif  // BIZOND_BENCH_SCHEDULING_SUSTAIN_H_
