// How the conformance suite sees a destination: where to put its target, and how a reader that is
// not ours finds the rows again. One row a destination, in destination_fixtures.cc.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_DESTINATION_FIXTURES_H_
#define BIZOND_TESTS_CONFORMANCE_DESTINATION_FIXTURES_H_

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sync/destination.h"

namespace bizond {

// The target of a test: everything of it lies in `folder`.
struct TestTarget {
  std::filesystem::path folder;
  std::string id;                       // The destination_id that the test asked for.
  const std::vector<std::string>* log;  // The lines of the run's log.
};

struct StoredRow {
  std::string key;   // source_record_id
  std::string data;  // The record, byte for byte.
};

struct Placement {
  std::string config;          // destination.config as JSON text.
  std::string destination_id;  // As a job would say it.
};

struct DestinationFixture {
  // A target named `id` in `directory`, relative or absolute; "" is the test's folder. Empty where
  // nothing is stored.
  std::function<Placement(const std::string& directory, const std::string& id)> place;
  // Every published row in order; nothing when there is no target.
  std::function<std::vector<StoredRow>(const TestTarget& target)> read;
  // What a run left behind that is no target: staging tables and the like. Files whose name has
  // _temp or _incremental are found without it.
  std::function<std::vector<std::string>(const TestTarget& target)> leftovers;
  // Where the target lies in no folder: takes it away, as somebody else would.
  std::function<void(const TestTarget& target)> drop = {};
  // The target itself refuses an attempt that was overtaken (a database's ledger).
  bool fences = false;
};

struct FixtureRow {
  std::string_view name;
  DestinationFixture (*make)();
};

std::span<const FixtureRow> DestinationFixtures();
// The destinations of BigQuery once more, over bqemulator (bigquery_emulator_fixtures.cc).
std::span<const FixtureRow> EmulatorFixtures();
// Why a test of the suites cannot be had over bqemulator; empty: it can.
std::string_view UnlikeBigQuery(std::string_view destination, PublishMode mode,
                                std::string_view test);

// The value of the record's first field, as text: what the suite's records have for a key.
std::string KeyOf(std::string_view record);
// Every line of a file; nothing when it is absent.
std::vector<std::string> LinesOf(const std::filesystem::path& path);
// The lines of a file that has the records alone.
std::vector<StoredRow> RowsOfLines(const std::filesystem::path& path);

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_DESTINATION_FIXTURES_H_
