// Fuzz body of the job parser: whatever the bytes, the answer is a job or errors that say where,
// what and what to do; a job that was taken reads back from its own definition as the same job, and
// what the API takes holds no plain secret. BIZOND_LIBFUZZER builds it for libFuzzer; otherwise it
// is a test over seeds, their mutations and generated texts.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "sync/job_parser.h"

namespace bizond {
namespace {

void Require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

std::span<const StreamInfo> NoStreams() { return {}; }

constexpr SourceDescriptor kSources[] = {
    {"dummy", "", true, false, false, nullptr, NoStreams},
    {"tail", "", true, true, true, nullptr, nullptr},
};
constexpr DestinationDescriptor kDestinations[] = {
    {"logger", "", false, false, nullptr},
    {"table", "", true, true, nullptr},
};
constexpr EmbeddedFile kSourceFiles[] = {
    {"dummy/schema.json",
     R"({"properties": {"sleep": {"type": "number", "minimum": 0}, "authentication": {"properties":
         {"type": {"enum": ["api_key"]}, "params": {"properties": {"token": {"type": "string"}}}}}}})"},
    {"tail/schema.json", R"({"required": ["path"], "properties": {"path": {"type": "string"}}})"},
};
constexpr EmbeddedFile kDestinationFiles[] = {
    {"logger/schema.json", R"({"properties": {"dummy": {"type": "string"}}})"},
    {"table/schema.json", R"({"required": ["path"], "properties": {"path": {"type": "string"}}})"},
};
constexpr Catalog kCatalog{kSources, kDestinations, kSourceFiles, kDestinationFiles};

void RequireErrorsSpeak(const ParsedJob& parsed, std::string_view input) {
  Require(!parsed.errors.empty(), "a job that is refused has errors");
  const auto lines = 2 + std::count(input.begin(), input.end(), '\n') +
                     std::count(input.begin(), input.end(), '\r');
  for (const JobIssue& issue : parsed.errors) {
    Require(!issue.message.empty(), "an error has a message");
    Require(issue.message.size() < 2000, "an error is readable: " + issue.message.substr(0, 200));
    Require(IsUtf8(issue.message) && IsUtf8(issue.path) && IsUtf8(issue.remedy),
            "an error is text");
    Require(issue.line >= 0 && issue.line <= lines, "a line is one of the input");
  }
}

void RequireReadsBack(const ParsedJob& parsed, JobOrigin origin) {
  const JobSpec& job = *parsed.spec;
  Require(!job.name.empty() && job.name.size() <= 200 * 4, "a name has a length");
  Require(job.name.find('/') == std::string::npos && job.name[0] != '.', "a name is a name");
  Require(!job.source.streams.empty(), "a job has a stream");
  Require(!nlohmann::json::parse(job.definition, nullptr, false).is_discarded(),
          "a definition is JSON");
  if (origin == JobOrigin::kApi) Require(job.plain_secrets.empty(), "the API takes no secret");
  for (const auto& [reference, value] : job.plain_secrets) {
    Require(value.size() < 6 || job.definition.find('"' + value + '"') == std::string::npos,
            "a secret is not in the definition");
  }
  const Result<JobSpec> again = ParseStoredJob(job.definition, kCatalog);
  Require(again.has_value(), "a stored definition parses");
  Require(again->definition == job.definition, "a definition is its own definition");
  Require(again->name == job.name && again->source.streams == job.source.streams,
          "a definition means the same job");
}

bool FuzzOrigin(std::string_view input, JobOrigin origin) {
  const ParsedJob parsed = ParseJob(input, kCatalog, origin);
  Require(parsed.spec.has_value() == parsed.errors.empty(), "a job, or errors");
  if (parsed.spec) {
    RequireReadsBack(parsed, origin);
  } else {
    RequireErrorsSpeak(parsed, input);
  }
  return parsed.spec.has_value();
}

}  // namespace

// Whether it is a job, for a file at least.
bool FuzzJob(std::string_view input) {
  const bool taken = FuzzOrigin(input, JobOrigin::kFile);
  return FuzzOrigin(input, JobOrigin::kApi) || taken;
}

}  // namespace bizond

#ifdef BIZOND_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bizond::FuzzJob({reinterpret_cast<const char*>(data), size});
  return 0;
}
#else
#include <gtest/gtest.h>

namespace bizond {
namespace {

const std::string_view kSeeds[] = {
    R"(name: logs
source: {name: tail, stream: all, path: a.jsonl, sync_mode: incremental, cursor_field: at}
destination: {name: table, config: {path: w.db, destination_id: t, write: append}}
)",
    R"(name: dummy to logger
tags: [a, "b c"]
source:
  name: dummy
  streams: [creatures]
  sync_mode: incremental
  cursor_field: updated_at
  cursor: {lookback: 10m, on_null: reject, future_tolerance: 1d}
  primary_key: [id, "at"]
  authentication: &auth
    type: api_key
    params: {token: plain-secret-token}
destination:
  name: logger
  alias: &x warehouse
  config: {dummy: *x, destination_id: "{stream}"}
schedule: {cron: "*/5 * * * *", timezone: Europe/Paris, overlap: skip}
retry: {max_attempts: 5, initial_backoff: 1s}
timeout: 1h
)",
    R"({"name": "j\u00e9", "source": {"name": "tail", "stream": "s", "path": "p", "max_iterations": 3},
 "destination": {"name": "logger"}, "concurrency": {"pool": "p", "limit": 1}})",
    R"({"name": "n", "source": {"name": "dummy", "stream": "plants", "authentication": {"type":
 "api_key", "params": {"token": "${env://TOKEN}"}}}, "destination": {"name": "logger"}})",
};

const std::string_view kPieces[] = {"name",
                                    "source",
                                    "destination",
                                    "config",
                                    "stream",
                                    "streams",
                                    "sync_mode",
                                    "cursor_field",
                                    ": ",
                                    ":",
                                    "- ",
                                    "\n",
                                    "\n  ",
                                    "\n    ",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    "\"",
                                    "'",
                                    "|",
                                    ">",
                                    "&a ",
                                    "*a",
                                    "!!str ",
                                    "!x ",
                                    "<<: ",
                                    "? ",
                                    "#",
                                    "---",
                                    "...",
                                    "%YAML 1.2",
                                    "null",
                                    "~",
                                    "true",
                                    "0x1F",
                                    "1e999",
                                    "-0",
                                    ".nan",
                                    "99999999999999999999",
                                    "tail",
                                    "dummy",
                                    "table",
                                    "logger",
                                    "10m",
                                    "\t",
                                    "\xff",
                                    "\xc3\xa9",
                                    "\\u0000",
                                    "env://X",
                                    "${env://X}",
                                    "BIZON_ENV_X",
                                    "plain:///a",
                                    "\r\n",
                                    std::string_view("\0", 1)};

std::string Mutated(std::string text, std::mt19937& random) {
  for (auto edits = 1 + random() % 2; edits > 0; --edits) {
    const size_t at = random() % (text.size() + 1);
    switch (random() % 5) {
      case 0:
        text.insert(at, kPieces[random() % std::size(kPieces)]);
        break;
      case 1:
        text.erase(at, 1 + random() % 4);
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 3:
        text.insert(at, text.substr(random() % (text.size() + 1), random() % 40));
        break;
      default:
        text.erase(at, random() % 30);
    }
  }
  return text;
}

unsigned SeedOr(unsigned fixed) {
  const char* const text = std::getenv("BIZOND_TEST_SEED");
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : fixed;
}

TEST(JobFuzz, SeedsAndTheirMutations) {
  std::mt19937 random(SeedOr(11));
  int taken = 0;
  for (const std::string_view seed : kSeeds) {
    EXPECT_TRUE(FuzzJob(seed)) << seed;
    for (int i = 0; i < 3000; ++i) {
      const std::string text = Mutated(std::string(seed), random);
      EXPECT_NO_THROW(taken += FuzzJob(text)) << ::testing::PrintToString(text);
    }
  }
  EXPECT_GT(taken, 500) << "mutations that are jobs go furthest";
}

TEST(JobFuzz, GeneratedTexts) {
  std::mt19937 random(SeedOr(12));
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto pieces = random() % 40; pieces > 0; --pieces) {
      text += kPieces[random() % std::size(kPieces)];
    }
    EXPECT_NO_THROW(FuzzJob(text)) << ::testing::PrintToString(text);
  }
}

TEST(JobFuzz, WhatGrowsWithoutAnEnd) {
  std::string aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) aliases += "*a" + std::to_string(i - 1) + ", ";
    aliases += "]\n";
  }
  for (const std::string& text :
       {aliases, std::string(100'000, '['), std::string(100'000, '{'), std::string(2 << 20, ' '),
        "name: " + std::string(900'000, 'n'), std::string(200'000, '-'), std::string(50'000, '?'),
        "a: " + std::string(100'000, '"'), std::string(300'000, '\n') + "x",
        "{\"a\":" + std::string(500'000, ' ') + "1}"}) {
    EXPECT_NO_THROW(FuzzJob(text)) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace bizond
#endif
