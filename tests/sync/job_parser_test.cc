// Jobs that parse, jobs that do not and where they say so, and text that must never crash the
// parser.
#include "sync/job_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

namespace bizond {
namespace {

using nlohmann::json;

std::span<const StreamInfo> Creatures() {
  static const StreamInfo kStreams[] = {{"creatures", ""}, {"plants", ""}};
  return kStreams;
}

constexpr SourceDescriptor kSources[] = {
    {"dummy", "", true, false, false, nullptr, Creatures},
    {"tail", "", false, true, true, nullptr, nullptr},
};
constexpr DestinationDescriptor kDestinations[] = {
    {"logger", "", false, false, nullptr},
    {"file", "", true, false, nullptr},
    {"table", "", true, true, nullptr},
};
constexpr EmbeddedFile kSourceFiles[] = {
    {"dummy/schema.json",
     R"({"required": ["authentication"], "properties": {"sleep": {"type": "number", "minimum": 0},
         "authentication": {"properties": {"params": {"properties": {"token": {"type": "string"}}}}}}})"},
    {"tail/schema.json", R"({"required": ["path"], "properties": {"path": {"type": "string"},
         "quote": {"type": "string", "pattern": "^(a|b)*$"}}})"},
};
constexpr EmbeddedFile kDestinationFiles[] = {
    {"logger/schema.json", R"({"properties": {"dummy": {"type": "string"}}})"},
    {"file/schema.json", R"({"properties": {"format": {"type": "string", "enum": ["json"]}}})"},
    {"table/schema.json", R"({"required": ["path"], "properties": {"path": {"type": "string"}}})"},
};
constexpr AbsentConnector kAbsentDestinations[] = {{"queue", "Build with -DQUEUE=ON."}};
constexpr Catalog kCatalog{kSources, kDestinations, kSourceFiles, kDestinationFiles,
                           kAbsentDestinations};

ParsedJob FromFile(std::string_view text) { return ParseJob(text, kCatalog, JobOrigin::kFile); }

constexpr std::string_view kTail = R"(name: logs
source:
  name: tail
  stream: all
  path: a.jsonl
destination:
  name: table
  config:
    path: w.db
)";

std::string Told(const ParsedJob& job) {
  std::string text;
  for (const JobIssue& issue : job.errors) {
    text += fmt::format("{}:{} {}: {} | {}\n", issue.line, issue.column, issue.path, issue.message,
                        issue.remedy);
  }
  return text;
}

TEST(JobParser, ReadsBizonsJobs) {
  auto job = FromFile(R"(name: dummy to logger

source:
  name: dummy
  stream: creatures
  sync_mode: incremental
  cursor_field: updated_at  # Field to filter records by timestamp
  authentication:
    type: api_key
    params:
      token: dummy_key

destination:
  name: logger
  config:
    dummy: dummy

engine:
  backend:
    type: sqlite_in_memory
    config:
      database: not_used
      schema: not_used
)");
  ASSERT_TRUE(job.spec) << Told(job);
  EXPECT_EQ(job.spec->name, "dummy to logger");
  EXPECT_EQ(job.spec->source.sync_mode, SyncMode::kIncremental);
  EXPECT_EQ(job.spec->destination.alias, "logger");
  EXPECT_EQ(job.spec->DestinationIdOf("creatures"), "dummy_creatures");
  ASSERT_EQ(job.warnings.size(), 2u);  // The plain secret, the backend.
  EXPECT_EQ(job.warnings[0].line, 11);
  EXPECT_EQ(job.warnings[1].path, "engine.backend");
  EXPECT_EQ(job.spec->definition.find("dummy_key"), std::string::npos);
  EXPECT_EQ(job.spec->source.config.find("dummy_key"), std::string::npos);
  EXPECT_EQ(job.spec->plain_secrets.at("plain:///source/authentication/params/token"), "dummy_key");
  EXPECT_TRUE(ParseStoredJob(job.spec->definition, kCatalog));
}

TEST(JobParser, RefusesPlainSecretsOfTheApi) {
  std::string text =
      R"({"name": "n", "source": {"name": "dummy", "stream": "plants", "authentication":
      {"type": "api_key", "params": {"token": "SECRET"}}}, "destination": {"name": "logger"}})";
  auto job = ParseJob(text, kCatalog, JobOrigin::kApi);
  ASSERT_EQ(job.errors.size(), 1u) << Told(job);
  EXPECT_EQ(job.errors[0].path, "source.authentication.params.token");
  EXPECT_EQ(Told(job).find("SECRET"), std::string::npos);
  text.replace(text.find("SECRET"), 6, "${env://S}");
  EXPECT_TRUE(ParseJob(text, kCatalog, JobOrigin::kApi).spec);
}

TEST(JobParser, FindsPlainSecretsWhereNoSchemaLooks) {
  const std::string text = R"(
name: n
source:
  name: dummy
  stream: plants
  authentication: {type: api_key, params: {token: CANARY0}}
  api_config: {headers: {Authorization: Bearer CANARY1, Accept: text/plain}}
  http: {auth: [{Client-Secret: CANARY2}], url: 'http://u:CANARY3@h/p', timeout: 3}
destination: {name: logger, config: {authentication: {service_account_key: CANARY4}}}
streams: [{source: {password: CANARY5}}]
alerting: {type: slack, config: {webhook_url: CANARY6}}
monitoring: {type: datadog, config: {api_key: CANARY7, enabled: true}}
engine:
  backend: {type: sqlite, config: {database: d, password: CANARY8}}
  queue: {type: rabbitmq, config: {queue: {password: CANARY9}}}
)";
  const auto from_file = ParseJob(text, kCatalog, JobOrigin::kFile);
  ASSERT_TRUE(from_file.spec) << Told(from_file);
  EXPECT_EQ(from_file.spec->definition.find("CANARY"), std::string::npos)
      << from_file.spec->definition;
  EXPECT_NE(from_file.spec->definition.find("text/plain"), std::string::npos);
  EXPECT_EQ(from_file.spec->plain_secrets.size(), 10);
  EXPECT_EQ(Told(from_file).find("CANARY"), std::string::npos);
  const auto from_api = ParseJob(text, kCatalog, JobOrigin::kApi);
  EXPECT_FALSE(from_api.spec);
  EXPECT_EQ(from_api.errors.size(), 10) << Told(from_api);
  EXPECT_EQ(Told(from_api).find("CANARY"), std::string::npos);
}

struct Bad {
  std::string_view text;
  int line;
  int column;
  std::string_view path;
  std::string_view message;  // A part of it.
};

TEST(JobParser, SaysWhereAndWhat) {
  const Bad bads[] = {
      {"", 1, 1, "", "empty"},
      {"name: a\nname: b\nsource: {name: tail, stream: s, path: p}\ndestination: {name: logger}\n",
       2, 1, "name", "occurs twice: on line 1 and on line 2"},
      {"- a\n", 1, 1, "", "mapping"},
      {"name: [a\n", 2, 1, "name[1]", "not YAML"},
      {"name: a\nsource:\n\tname: x\n", 3, 1, "", "not YAML"},
      {"a: 1\n---\nb: 2\n", 2, 1, "", "second document"},
      {"name: \xff\n", 1, 7, "", "UTF-8"},
      {"a: !!python/object x\n", 1, 4, "a", "tag"},
      {"a: 123456789012345678901234567890\n", 1, 4, "a", "64 bits"},
  };
  for (const Bad& bad : bads) {
    auto job = FromFile(bad.text);
    ASSERT_FALSE(job.errors.empty()) << bad.text;
    EXPECT_FALSE(job.spec);
    EXPECT_EQ(job.errors[0].line, bad.line) << bad.text << Told(job);
    EXPECT_NE(job.errors[0].message.find(bad.message), std::string::npos) << Told(job);
  }
}

TEST(JobParser, SaysHowToGetAConnectorThatIsNotBuiltIn) {
  const auto job = FromFile(
      "name: a\nsource: {name: tail, stream: all, path: a.jsonl}\ndestination: {name: queue}\n");
  ASSERT_EQ(job.errors.size(), 1U) << Told(job);
  EXPECT_EQ(job.errors[0].path, "destination.name");
  EXPECT_EQ(job.errors[0].message, "the destination \"queue\" is not part of this bizond");
  EXPECT_EQ(job.errors[0].remedy, "Build with -DQUEUE=ON.");
}

TEST(JobParser, FindsWhatIsWrongInAGoodJob) {
  const struct {
    std::string_view from, to, path, message;
    int line, column;
  } rows[] = {
      {"name: tail", "name: tial", "source.name", "there is no source \"tial\"", 3, 9},
      {"stream: all", "streem: all", "source.streem", "unknown key", 4, 3},
      {"path: a.jsonl", "path: 5", "source.path", "expected text, found the number 5", 5, 9},
      {"  path: a.jsonl", "  path: x\n  sync_mode: increment", "source.sync_mode", "expected", 6,
       14},
      {"  path: a.jsonl", "  path: x\n  cursor: {lookback: soon}", "source.cursor.lookback",
       "duration", 6, 22},
      {"  path: a.jsonl", "  path: x\n  cursor: {lookback: 5m}", "source.cursor", "cursor_field", 6,
       3},
      {"stream: all", "streams: [a, a]", "source.streams[1]", "twice", 4, 16},
      {"name: logs", "name: a/b", "name", "/", 1, 7},
      {"name: logs", "name:", "name", "missing", 1, 1},
      {"    path: w.db", "    path: w\n    write: merge", "destination.config.write", "", 0, 0},
      {"name: logs", "name: l\nengine: {backend: {type: postgres}}", "engine.backend.type", "local",
       2, 26},
      {"name: logs", "name: l\ntimeout: 0s", "timeout", "longer", 2, 10},
  };
  for (const auto& row : rows) {
    std::string text(kTail);
    text.replace(text.find(row.from), row.from.size(), row.to);
    auto job = FromFile(text);
    if (row.line == 0) {
      EXPECT_TRUE(job.spec && !job.warnings.empty()) << Told(job);
      continue;
    }
    ASSERT_FALSE(job.errors.empty()) << text;
    bool found = false;
    for (const JobIssue& issue : job.errors) {
      found |= issue.path == row.path && issue.line == row.line && issue.column == row.column &&
               issue.message.find(row.message) != std::string::npos;
    }
    EXPECT_TRUE(found) << text << Told(job);
  }
}

TEST(JobParser, GivesEqualJobsOneDefinition) {
  auto yaml = FromFile(kTail);
  ASSERT_TRUE(yaml.spec) << Told(yaml);
  auto again = FromFile(json::parse(yaml.spec->definition).dump(1, '\t'));
  ASSERT_TRUE(again.spec) << Told(again);
  EXPECT_EQ(again.spec->definition, yaml.spec->definition);
}

TEST(JobParser, BoundsWhatAliasesExpandTo) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += fmt::format("a{}: &a{} [", i, i);
    for (int j = 0; j < 9; ++j) text += fmt::format("*a{}{}", i - 1, j < 8 ? ", " : "]\n");
  }
  auto job = FromFile(text);
  ASSERT_FALSE(job.errors.empty());
  EXPECT_NE(job.errors[0].message.find("aliases expand"), std::string::npos);
}

TEST(JobParser, NeverCrashesOnMutatedText) {
  std::mt19937 random(7);
  const std::string_view kPieces[] = {"{",    "}",  "[",  "]", ":",  " ",      "\n", "*a", "&a ",
                                      "<<: ", "- ", "\"", "'", "\t", "!!int ", "0x", "~"};
  for (int i = 0; i < 4000; ++i) {
    std::string text(kTail);
    for (int edits = static_cast<int>(random() % 6); edits >= 0; --edits) {
      size_t at = random() % text.size();
      text.replace(at, random() % 3, kPieces[random() % std::size(kPieces)]);
      if (text.empty()) text = "a";
    }
    auto job = FromFile(text);
    EXPECT_EQ(job.spec.has_value(), job.errors.empty());
  }
  for (const char* piece : {"[", "{", "- ", "a: {", "? ", "\"", "&a ", "[a, "}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    EXPECT_FALSE(FromFile(text).errors.empty());
  }
}

TEST(JobParser, IsQuickEnoughForARun) {
  auto begin = std::chrono::steady_clock::now();
  constexpr int kTimes = 50;
  for (int i = 0; i < kTimes; ++i) ASSERT_TRUE(FromFile(kTail).spec);
  auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                    std::chrono::steady_clock::now() - begin)
                    .count() /
                kTimes;
  RecordProperty("parse_us", static_cast<int>(micros));
  EXPECT_LT(micros, 60'000);  // Sanitizers and busy machines included.
}

}  // namespace
}  // namespace bizond
