// FireAnswer: "did it run at that minute, and if not, why?", of any job and any minute.
//
// Threads: called with a store's reader.
#ifndef BIZOND_SCHEDULER_FIRE_ANSWER_H_
#define BIZOND_SCHEDULER_FIRE_ANSWER_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "store/store.h"

namespace bizond {

// The page of a job's occurrences with the run of each: {"items", "next_cursor"}. Code job_missing:
// there is no such job, and none of that name has ever fired.
Result<nlohmann::json> OccurrencesPage(const StoreReader& reader, const OccurrenceFilter& filter,
                                       const Page& page);

// The same for the minute that holds `at`, as far as 1,000 fires go, with
//   "answer": {"at", "outcome", "text", "remedy", "before", "after", "runs"}
// `outcome` is ran | skipped | missed | queued (of several fires the first that did not run), or
// due (it is not handled yet) | planned (it is to come) | nothing | unknown
// (it was pruned). `text` says it in a sentence or
// two, `before` and `after` are the neighbouring fires or null, `after` perhaps with the state
// "planned". `runs` are those that were asked for in that minute, by whomever, beside the schedule.
Result<nlohmann::json> AnswerMinute(const StoreReader& reader, const std::string& job, UtcTime at,
                                    UtcTime now);

}  // namespace bizond

#endif  // BIZOND_SCHEDULER_FIRE_ANSWER_H_
