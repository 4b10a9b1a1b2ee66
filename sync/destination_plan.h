// What a destination says before a run: what the run would make there (`bizond plan`), and whether
// it is allowed to (`bizond check`). Both are answered by looking alone.
//
// The words are the destination's own: a name and a value of a PlannedFact are those that a reader
// finds in its documentation ("writeDisposition", "WRITE_APPEND").
//
// Threads: values.
#ifndef BIZOND_SYNC_DESTINATION_PLAN_H_
#define BIZOND_SYNC_DESTINATION_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace bizond {

struct PlannedFact {
  std::string name;
  std::string value;
};

struct PlannedColumn {
  std::string name;       // "address.zip" of a column within another one.
  std::string type;       // Empty: the destination declares none.
  std::string mode = {};  // "REQUIRED"; empty: the destination has no modes.
  std::string change =
      {};  // "added", "relaxed" or "removed"; empty: it stays, or its table is new.
};

// A table, a file, a dataset.
struct PlannedPlace {
  std::string role;  // "target", "staging" or "container".
  std::string kind;  // "table"
  std::string name;  // "<n>" stands for what each run makes anew.
  bool exists = false;
  std::string becomes;                      // "appended to": what the run does to it.
  std::vector<PlannedColumn> columns = {};  // As they will be; empty: it has none.
  std::vector<PlannedFact> facts = {};
};

// What is done, in the order of the run.
struct PlannedStep {
  std::string what;  // "load job"
  std::string does;  // "each full file into the staging"
  std::vector<PlannedFact> facts = {};
};

struct DestinationPlan {
  std::vector<PlannedPlace> places;
  std::vector<PlannedStep> steps;
};

// One permission that a run needs.
struct AccessCheck {
  enum class State {
    kGranted,
    kMissing,
    kUntested,  // The service answers no question about it; a run will show.
  };
  std::string permission;  // "bigquery.jobs.create"
  std::string on;          // "project p1"
  std::string needed_for;
  State state = State::kUntested;
  std::string why = {};                       // Of kUntested.
  std::optional<Error> error = std::nullopt;  // Of kMissing: what lacks, and how it is granted.
};
// "granted", "missing" or "untested".
constexpr const char* AccessStateName(AccessCheck::State state) {
  switch (state) {
    case AccessCheck::State::kGranted:
      return "granted";
    case AccessCheck::State::kMissing:
      return "missing";
    case AccessCheck::State::kUntested:
      return "untested";
  }
  return "";
}

}  // namespace bizond

#endif  // BIZOND_SYNC_DESTINATION_PLAN_H_
