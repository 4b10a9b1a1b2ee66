// OccurrenceWords: why a nominal fire did not run, or has not yet, in words for people.
//
// One table for all that show occurrences: the API, and by it the page and the command line.
//
// Threads: pure functions.
#ifndef BIZOND_SCHEDULER_OCCURRENCE_WORDS_H_
#define BIZOND_SCHEDULER_OCCURRENCE_WORDS_H_

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string_view>

#include "store/records.h"

namespace bizond {

struct WhyRow {
  std::string_view reason;  // Of an occurrence, or "waits_" and what its queued run waits for.
  std::string_view why;     // Begins a sentence: "the job was paused".
  std::string_view remedy;  // What to do; empty: nothing.
};

// Sorted by reason.
std::span<const WhyRow> WhyRows();

// The row of an occurrence; `run` is its run, nullptr: it has none. nullptr: it ran, and nothing is
// to be said. A reason that the table does not have gets a row that says so.
const WhyRow* WhyOf(const OccurrenceRow& occurrence, const RunRow* run);

// As the API shows it: {"nominal_at", "until", "state", "reason", "run_id", "run_state",
// "recorded_at", "why", "remedy"}. Of a run that failed `why` is its error.
nlohmann::json OccurrenceJson(const OccurrenceRow& occurrence, const std::optional<RunRow>& run);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_OCCURRENCE_WORDS_H_
