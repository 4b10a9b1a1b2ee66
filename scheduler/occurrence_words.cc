#include "scheduler/occurrence_words.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace bizond {
namespace {

using nlohmann::json;

constexpr std::array kWhyRows = {
    WhyRow{"cancelled", "its run was cancelled before it began",
           "if it should run after all: bizond jobs trigger NAME"},
    WhyRow{"changed", "the schedule was changed before this fire was made up for",
           "if its data is wanted now: bizond jobs trigger NAME"},
    WhyRow{"clock_step", "the clock was set forward over this instant, so it never came",
           "nothing; catch_up: all or {within: D} would have it made up for"},
    WhyRow{"deleted", "the job was deleted before this fire was made up for",
           "nothing; a job of the same name goes on from its state"},
    WhyRow{"downtime", "the daemon was not running, and catch_up does not make up for this fire",
           "set catch_up: all or {within: D} where each fire counts; `last` runs the newest one"},
    WhyRow{"failed", "its run ended before it could begin, with an error",
           "see the run's error, then: bizond jobs trigger NAME"},
    WhyRow{"held", "an earlier run is held back by a check and waits for somebody to approve it",
           "look at the held run, and approve or cancel it"},
    WhyRow{"late", "the daemon was too busy, and a later fire was due when it came to this one",
           "give it more `workers` or a faster disk; see bizond_scheduler_lag_seconds"},
    WhyRow{"overlap",
           "an earlier run of the job was not done, and `overlap` lets this fire not wait for it",
           "let it fire less often, or set overlap: buffer_one, buffer_all or cancel_other"},
    WhyRow{"paused", "the job was paused", "bizond jobs resume NAME"},
    WhyRow{"store_unavailable", "the daemon could not write its database: a full disk, or a lock",
           "free space where the state directory is; bizond doctor"},
    WhyRow{"suspend", "the machine slept, and catch_up does not make up for this fire",
           "set catch_up: all or {within: D} where each fire counts"},
    WhyRow{"waits_job", "it is buffered: an earlier run of the job goes on",
           "nothing; it begins when that run has ended"},
    WhyRow{"waits_key", "it waits for a run that has the same concurrency.key",
           "nothing, or raise concurrency.limit"},
    WhyRow{"waits_pool", "it waits for a place in its concurrency.pool",
           "nothing, or make the pool larger: `pools` of serve's --config"},
    WhyRow{"waits_run", "its run goes on", ""},
    WhyRow{"waits_time", "it waits for its instant: jitter, or the pause before a retry",
           "nothing; the run says until when"},
    WhyRow{"waits_upstream", "the run that it follows has succeeded, and its own is not made yet",
           "nothing; if it stays so, see /readyz"},
    WhyRow{"waits_worker", "it waits for a free worker",
           "nothing, or set more `workers` in serve's --config"},
};

constexpr WhyRow kUnknown{"unknown", "the ledger gives a reason that this version does not know",
                          "read it with the version that wrote it"};

const WhyRow* RowFor(std::string_view reason) {
  const auto* const found = std::find_if(kWhyRows.begin(), kWhyRows.end(),
                                         [&](const WhyRow& row) { return row.reason == reason; });
  return found == kWhyRows.end() ? &kUnknown : &*found;
}

const WhyRow* WaitRow(const RunRow* run) {
  if (run == nullptr) return RowFor("waits_upstream");
  if (run->phase == RunPhase::kQueued) {
    return RowFor("waits_" + std::string(RunWaitName(run->waits)));
  }
  return run->phase == RunPhase::kRunning ? RowFor("waits_run") : nullptr;
}

json TextOrNull(std::string_view text) { return text.empty() ? json() : json(text); }

}  // namespace

std::span<const WhyRow> WhyRows() { return kWhyRows; }

const WhyRow* WhyOf(const OccurrenceRow& occurrence, const RunRow* run) {
  if (occurrence.state == "queued" || occurrence.state == "buffered") return WaitRow(run);
  return occurrence.reason.empty() ? nullptr : RowFor(occurrence.reason);
}

json OccurrenceJson(const OccurrenceRow& occurrence, const std::optional<RunRow>& run) {
  json result = {{"nominal_at", FormatUtc(occurrence.nominal_at)},
                 {"until", occurrence.until ? json(FormatUtc(*occurrence.until)) : json()},
                 {"state", occurrence.state},
                 {"reason", TextOrNull(occurrence.reason)},
                 {"run_id", TextOrNull(occurrence.run_id)},
                 {"run_state", run ? json(RunPhaseName(run->phase)) : json()},
                 {"recorded_at", FormatUtc(occurrence.recorded_at)},
                 {"why", nullptr},
                 {"remedy", nullptr}};
  if (const WhyRow* const row = WhyOf(occurrence, run ? &*run : nullptr)) {
    result["why"] = row->why;
    result["remedy"] = TextOrNull(row->remedy);
  } else if (run && run->error && run->phase != RunPhase::kSucceeded) {
    result["why"] = run->error->message;
    result["remedy"] = TextOrNull(run->error->remedy);
  }
  return result;
}

}  // namespace bizond
