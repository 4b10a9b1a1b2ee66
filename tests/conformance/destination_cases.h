// The cases of the destination suites: every row of the catalogue in every mode that it has, and a
// destination with only the three methods; BigQuery's over the emulator that others wrote, too.
//
// Threads: one test at a time.
#ifndef BIZOND_TESTS_CONFORMANCE_DESTINATION_CASES_H_
#define BIZOND_TESTS_CONFORMANCE_DESTINATION_CASES_H_

#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/destination_harness.h"

namespace bizond {

struct DestinationCase {
  const DestinationDescriptor* row;
  DestinationFixture (*fixture)();
  PublishMode mode;
  // Over bqemulator, which others wrote, instead of our own fake.
  bool emulator = false;
};

std::ostream& operator<<(std::ostream& out, const DestinationCase& shown);
std::string NameOf(const ::testing::TestParamInfo<DestinationCase>& info);
// Whether a suite is about such a destination in such a mode.
using CaseFilter = bool (*)(const DestinationCase& tested);

bool ExactlyOnce(const DestinationCase& tested);
// Exactly once, through a staging that can be thrown away: every mode but direct.
bool Staged(const DestinationCase& tested);
// Exactly once, beside what is there already: every mode but replace.
bool Adds(const DestinationCase& tested);
// Exactly once, and the target itself refuses an attempt that was overtaken.
bool Fenced(const DestinationCase& tested);
// Exactly once, one row a key.
bool Merges(const DestinationCase& tested);
// Stores its rows in a folder that a job can name.
bool Placed(const DestinationCase& tested);

// The cases that `fits` lets through, all without it. A row without a fixture is left out here and
// fails the test of the catalogue.
std::vector<DestinationCase> DestinationCases(CaseFilter fits = nullptr);

class DestinationConformance : public ::testing::TestWithParam<DestinationCase> {
 protected:
  void SetUp() override {
    std::string_view test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string_view why = LeftOut(test.substr(0, test.find('/')));
    if (!why.empty()) GTEST_SKIP() << why;
  }
  // Why a test or a part of one ("test.part") cannot be had over bqemulator; empty: it can.
  static std::string_view LeftOut(std::string_view test) {
    if (!GetParam().emulator) return "";
    return UnlikeBigQuery(GetParam().row->name, GetParam().mode, test);
  }

  DestinationHarness harness_{*GetParam().row, GetParam().fixture(), GetParam().mode};

  bool exactly_once() const { return GetParam().row->exactly_once; }
  bool replaces() const { return GetParam().mode == PublishMode::kReplace; }

  void MustRun(const std::string& run, const Pages& pages) {
    const Status done = harness_.Run(run, pages);
    ASSERT_TRUE(done) << run << ": " << Describe(done.error());
  }
  // Hard ones and ordinary ones, with a page that is empty.
  static Pages ManyPages() {
    RecordPage hard = HardRecords();
    if (!LeftOut("ManyPages.large").empty()) {
      std::erase_if(hard, [](const std::string& record) { return record.size() > 900'000; });
    }
    return {std::move(hard), PlainRecords(100, 700), {}, PlainRecords(1000, 3)};
  }
  // All of these and no others, each once; at least once: all of these at the least.
  void ExpectPublished(const Pages& pages) {
    const std::vector<std::string> expected = DestinationHarness::Hashed(pages);
    const std::vector<std::string> found = harness_.Published();
    if (exactly_once()) {
      EXPECT_EQ(found, expected);
      return;
    }
    const std::set<std::string> distinct(found.begin(), found.end());
    for (const std::string& row : expected) EXPECT_TRUE(distinct.contains(row)) << row;
  }
};

}  // namespace bizond

#endif  // BIZOND_TESTS_CONFORMANCE_DESTINATION_CASES_H_
