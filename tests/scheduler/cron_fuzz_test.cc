// Runs the body of tests/fuzz/cron_fuzz.cc without libFuzzer, so that every build has it.
#include "tests/fuzz/cron_fuzz.cc"  // NOLINT(bugprone-suspicious-include)

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <random>
#include <string>

namespace {

const char* const kPieces[] = {"*",      "?",       "0",
                               "5",      "15",      "59",
                               "31",     "7",       "L",
                               "LW",     "W",       "#",
                               "H",      "(",       ")",
                               "-",      ",",       "/",
                               " ",      " ",       " ",
                               " ",      "\t",      "MON",
                               "fri",    "JAN",     "dec",
                               "@",      "@every ", "90s",
                               "@daily", "\xff",    "99999999999999999999",
                               "*/5",    "1-5",     "0 0 "};

TEST(CronFuzzTest, RandomTexts) {
  const char* text = std::getenv("BIZOND_TEST_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
  SCOPED_TRACE("BIZOND_TEST_SEED=" + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    std::string input(1, static_cast<char>(random()));
    for (size_t pieces = random() % 16; pieces > 0; --pieces) {
      input += kPieces[random() % std::size(kPieces)];
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
}

TEST(CronFuzzTest, MutatedExpressions) {
  std::mt19937_64 random(3);
  for (const std::string_view good :
       {"*/5 * * * *", "0 0 L * *", "0 0 15W * ?", "0 2 * * MON#2", "H H(9-17) * * 1-5",
        "0 0 29 2 *", "0 22-4/2 * nov-FEB 5L", "@every 90s", "30 0 2 LW 3,6 *"}) {
    for (int i = 0; i < 500; ++i) {
      std::string input(1, static_cast<char>(random()));
      input += good;
      for (size_t edits = random() % 3; edits > 0; --edits) {
        input[1 + random() % (input.size() - 1)] = good[random() % good.size()];
      }
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
    }
  }
}

}  // namespace
