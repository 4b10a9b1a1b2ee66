// The file source's promises: formats, bad records, positions, files that change, stream mode.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <future>

#include "tests/sources/source_fixture.h"

namespace bizond {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr UtcTime kStart{std::chrono::seconds(1'796'126'400)};

class FileSourceTest : public ::testing::Test {
 protected:
  ReadResult Full(const std::string& config, OnError on_error = OnError::kFail) {
    OpenedSource source(folder_, {.config = config, .on_error = on_error}, clock_);
    return source.ReadAll();
  }
  ReadResult Next(const std::string& config, const std::string& position) {
    OpenedSource source(folder_, {.config = config, .mode = SyncMode::kIncremental}, clock_);
    if (position.empty()) return source.ReadAll();
    return source.ReadAll(AtPosition(position));
  }

  TestFolder folder_;
  SimulatedClock clock_{kStart};
};

TEST_F(FileSourceTest, ReadsLinesWhateverTheirEnds) {
  folder_.Write("a.jsonl", "\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":2}\n{\"a\":3}");
  EXPECT_THAT(Full(R"({"path":"a.jsonl"})").records,
              ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
}

TEST_F(FileSourceTest, SaysFileAndLineOfABadRecord) {
  folder_.Write("a.jsonl", "{\"a\":1}\n\n[1]\n{\"a\":\n{\"a\":\"\xff\"}\n{\"a\":2}\n");
  const ReadResult failed = Full(R"({"path":"a.jsonl"})");
  ASSERT_TRUE(failed.error);
  EXPECT_EQ(failed.error->kind, ErrorKind::kPermanent);
  EXPECT_EQ(failed.error->code, "not_an_object");
  EXPECT_THAT(failed.error->message, HasSubstr("a.jsonl:3: "));
  const ReadResult passed = Full(R"({"path":"a.jsonl"})", OnError::kReject);
  EXPECT_THAT(passed.records, ElementsAre(R"({"a":1})", R"({"a":2})"));
  EXPECT_EQ(passed.rows_read, 5u);
  ASSERT_EQ(passed.rejects.size(), 3u);
  EXPECT_THAT(passed.rejects[0].origin, EndsWith("a.jsonl:3"));
  EXPECT_THAT(passed.rejects[1].origin, EndsWith("a.jsonl:4"));
  EXPECT_EQ(passed.rejects[2].code, "bad_utf8");
  EXPECT_EQ(passed.rejects[2].position, 3u);
}

TEST_F(FileSourceTest, PassesOverALineThatIsTooLong) {
  const std::string config = R"({"path":"a.jsonl","max_record_bytes":1024})";
  for (const size_t size : {1100u, 3'000'000u}) {
    folder_.Write("a.jsonl",
                  "{\"a\":1}\n{\"a\":\"" + std::string(size, 'x') + "\"}\n{\"a\":2}\n{}x\n");
    EXPECT_EQ(Full(config).code(), "record_too_large");
    const ReadResult passed = Full(config, OnError::kReject);
    EXPECT_THAT(passed.records, ElementsAre(R"({"a":1})", R"({"a":2})"));
    ASSERT_EQ(passed.rejects.size(), 2u);
    EXPECT_THAT(passed.rejects[0].origin, EndsWith("a.jsonl:2"));
    EXPECT_THAT(passed.rejects[1].origin, EndsWith("a.jsonl:4"));
  }
}

TEST_F(FileSourceTest, ReadsCsv) {
  folder_.Write("a.csv",
                "id,name,\"a \"\"b\"\"\"\r\n007,\"x,\"\"y\"\"\nz\",\r\n\r\n-3,\xc3\xa9\\,1\n");
  EXPECT_THAT(Full(R"({"path":"a.csv"})").records,
              ElementsAre(R"({"id":"007","name":"x,\"y\"\nz","a \"b\"":""})",
                          "{\"id\":\"-3\",\"name\":\"\xc3\xa9\\\\\",\"a \\\"b\\\"\":\"1\"}"));
  EXPECT_THAT(
      Full(R"({"path":"a.csv","types":{"id":"integer","a \"b\"":"json"},"null_values":["é\\"]})")
          .records,
      ElementsAre(R"({"id":7,"name":"x,\"y\"\nz","a \"b\"":null})",
                  R"({"id":-3,"name":null,"a \"b\"":1})"));
}

TEST_F(FileSourceTest, CsvBadRecords) {
  folder_.Write("a.csv", "n,b\n1,true\n1\n\"1\"x,no\n.5,maybe\n+1e3,Y\n\"2\n");
  const std::string config = R"({"path":"a.csv","types":{"n":"number","b":"boolean"}})";
  EXPECT_EQ(Full(config).code(), "bad_csv");
  // The quote that is never closed fails the run in any case: what follows it is unknown.
  const ReadResult open = Full(config, OnError::kReject);
  EXPECT_EQ(open.code(), "bad_csv");
  EXPECT_THAT(open.error->message, HasSubstr("a.csv:7: "));
  folder_.Write("a.csv", "n,b\n1,true\n1\n\"1\"x,no\n.5,maybe\n+1e3,Y\n");
  const ReadResult passed = Full(config, OnError::kReject);
  EXPECT_THAT(passed.records, ElementsAre(R"({"n":1,"b":true})", R"({"n":1e3,"b":true})"));
  ASSERT_EQ(passed.rejects.size(), 3u);
  EXPECT_EQ(passed.rejects[2].code, "bad_value");
  EXPECT_THAT(passed.rejects[2].origin, EndsWith(":5"));
  folder_.Write("b.csv", "a,a\n1,2\n");
  EXPECT_EQ(Full(R"({"path":"b.csv"})").code(), "bad_csv_header");
  folder_.Write("mac.csv", "a,b\r1,2\r3,4\r");
  EXPECT_EQ(Full(R"({"path":"mac.csv"})").code(), "bad_csv_header");
  EXPECT_EQ(Full(R"({"path":"a.csv","types":{"x":"text"}})").code(), "unknown_column");
}

TEST_F(FileSourceTest, AJsonColumnCannotAddFields) {
  folder_.Write("a.csv", "j\n\"1,\"\"x\"\":2\"\n");
  EXPECT_EQ(Full(R"({"path":"a.csv","types":{"j":"json"}})").code(), "bad_value");
}

TEST_F(FileSourceTest, RefusesWhatIsNoReadableFile) {
  folder_.Write("dir/x", "");
  ASSERT_EQ(mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(Full(R"({"path":"missing.jsonl"})").code(), "file_missing");
  EXPECT_EQ(Full(R"({"path":"dir"})").code(), "not_a_file");
  EXPECT_EQ(Full(R"({"path":"fifo"})").code(), "not_a_file");
  EXPECT_EQ(Full(R"({"path":"../x"})").code(), "outside_roots");
  EXPECT_EQ(Full(R"({"path":"*.jsonl"})").code(), "no_files");
  EXPECT_EQ(Next(R"({"path":"*.jsonl"})", "").code(), "no_files");
}

TEST_F(FileSourceTest, ReadsAGlobInTheOrderOfNames) {
  folder_.Write("d/2.jsonl", "{\"a\":2}");
  folder_.Write("d/1.jsonl", "{\"a\":1}\n");
  folder_.Write("d/e/3.jsonl", "{\"a\":3}\n");
  folder_.Write("d/0.jsonl", "");
  EXPECT_THAT(Full(R"({"path":"d/**/*.jsonl"})").records,
              ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
}

TEST_F(FileSourceTest, WhatIsWrittenDuringARunIsTheNextRuns) {
  folder_.Write("a.jsonl", "{\"a\":1}\n");
  folder_.Write("b.jsonl", "{\"a\":2}\n");
  OpenedSource source(folder_, {.config = R"({"path":"*.jsonl"})"}, clock_);
  const ReadResult first = source.ReadAll({}, "", "", 0, 1);
  folder_.Append("b.jsonl", "{\"a\":3}\n");
  const ReadResult rest = source.ReadAll({}, first.upper_bound, first.paginations.back(), 1);
  EXPECT_THAT(rest.records, ElementsAre(R"({"a":2})"));
}

TEST_F(FileSourceTest, AFileThatIsCutDuringARunIsAnError) {
  folder_.Write("a.jsonl", "{\"a\":1}\n");
  folder_.Write("b.jsonl", "{\"a\":2}\n{\"a\":3}\n");
  OpenedSource source(folder_, {.config = R"({"path":"*.jsonl"})"}, clock_);
  const ReadResult first = source.ReadAll({}, "", "", 0, 1);
  std::filesystem::resize_file(folder_ / "b.jsonl", 8);
  EXPECT_EQ(source.ReadAll({}, first.upper_bound, first.paginations.back(), 1).code(),
            "file_truncated");
}

TEST_F(FileSourceTest, AFileThatIsReplacedDuringARunWantsAnotherRun) {
  folder_.Write("a.jsonl", "{\"a\":1}\n");
  folder_.Write("b.jsonl", "{\"a\":2}\n");
  const SourceSetup setup{
      .config = R"({"path":"*.jsonl"})", .mode = SyncMode::kIncremental, .cursor_field = "a"};
  OpenedSource source(folder_, setup, clock_);
  const ReadResult first = source.ReadAll({}, "", "", 0, 1);
  std::filesystem::rename(folder_ / "b.jsonl", folder_ / "old");
  folder_.Write("b.jsonl", "{\"a\":3}\n");
  OpenedSource resumed(folder_, setup, clock_);
  const ReadResult rest = resumed.ReadAll({}, first.upper_bound, first.paginations.back(), 1);
  EXPECT_EQ(rest.code(), "file_rotated");
  EXPECT_THAT(rest.error->remedy, HasSubstr("start the job again"));
  EXPECT_THAT(rest.error->remedy, Not(HasSubstr("glob")));
}

TEST_F(FileSourceTest, GoesOnByPositionUpToTheLastNewline) {
  const std::string config = R"({"path":"a.jsonl"})";
  folder_.Write("a.jsonl", "{\"a\":1}\n{\"a\":2}");
  const ReadResult first = Next(config, "");
  EXPECT_THAT(first.records, ElementsAre(R"({"a":1})"));
  EXPECT_THAT(Next(config, first.position).records, IsEmpty());
  folder_.Append("a.jsonl", "\nbad\n");
  const ReadResult second = Next(config, first.position);
  EXPECT_EQ(second.code(), "not_an_object");
  EXPECT_THAT(second.error->message, HasSubstr("a.jsonl:3: "));
}

TEST_F(FileSourceTest, NoticesWhatAFileHasBecome) {
  const std::string config = R"({"path":"a.jsonl"})";
  folder_.Write("a.jsonl", "{\"a\":1}\n{\"a\":2}\n");
  const std::string position = Next(config, "").position;
  folder_.Write("a.jsonl", "{\"a\":1}\n");
  EXPECT_EQ(Next(config, position).code(), "file_truncated");
  folder_.Write("a.jsonl", "{\"a\":1}\n{\"a\":3}\n{\"a\":4}\n");
  EXPECT_EQ(Next(config, position).code(), "file_rewritten");
  std::filesystem::rename(folder_ / "a.jsonl", folder_ / "old");
  folder_.Write("a.jsonl", "{\"a\":5}\n");
  EXPECT_EQ(Next(config, position).code(), "file_rotated");
}

TEST_F(FileSourceTest, FollowsARotatedFileThroughAGlob) {
  const std::string config = R"({"path":"log*","format":"ndjson"})";
  folder_.Write("log", "{\"a\":1}\n");
  const std::string position = Next(config, "").position;
  folder_.Append("log", "{\"a\":2}\n");
  std::filesystem::rename(folder_ / "log", folder_ / "log.1");
  folder_.Write("log", "{\"a\":3}\n");
  const ReadResult second = Next(config, position);
  EXPECT_THAT(second.records, ElementsAre(R"({"a":3})", R"({"a":2})"));
  std::filesystem::remove(folder_ / "log.1");
  const ReadResult third = Next(config, second.position);
  EXPECT_FALSE(third.error);
  EXPECT_THAT(third.records, IsEmpty());
}

TEST_F(FileSourceTest, StreamModeFollowsAndStops) {
  folder_.Write("a.jsonl", "{\"a\":1}\n{\"a\"");
  RealClock clock;
  OpenedSource source(
      folder_,
      {.config = R"({"path":"a.jsonl","poll_interval":"10ms"})", .mode = SyncMode::kStream}, clock);
  ReadResult result;
  auto first = source.ReadPage({}, "", "", 0, &result);
  ASSERT_TRUE(first);
  auto idle = source.ReadPage({}, "", first->next_pagination, 1, &result);
  ASSERT_TRUE(idle);
  EXPECT_FALSE(idle->exhausted);
  EXPECT_EQ(idle->rows_read, 0u);
  folder_.Append("a.jsonl", ":2}\n");
  auto grown = source.ReadPage({}, "", idle->next_pagination, 2, &result);
  ASSERT_TRUE(grown);
  EXPECT_THAT(result.records, ElementsAre(R"({"a":1})", R"({"a":2})"));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped =
      source.ReadPage({}, "", grown->next_pagination, 3, &result, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kStopped);
  std::filesystem::remove(folder_ / "a.jsonl");
  folder_.Write("b", "");
  folder_.Write("a.jsonl", "{\"a\":9}\n");
  const auto rotated = source.ReadPage({}, "", grown->next_pagination, 3, &result);
  ASSERT_FALSE(rotated);
}

}  // namespace
}  // namespace bizond
