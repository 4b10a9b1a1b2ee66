// What reaches a terminal: nothing that was put into a line forges another.
#include "cli/console.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "cli/json_cells.h"

namespace bizond {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStderr;
using ::testing::internal::GetCapturedStdout;

TEST(ConsoleTest, WidthIsCountedInColumns) {
  EXPECT_EQ(DisplayWidth(""), 0u);
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("é"), 1u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u) << "a combining accent";
  EXPECT_EQ(DisplayWidth("東京"), 4u);
  EXPECT_EQ(DisplayWidth("🚀"), 2u);
  EXPECT_EQ(DisplayWidth("\xff"), 1u) << "no UTF-8";
}

TEST(ConsoleTest, LinesCannotBeForged) {
  Console console(false);
  CaptureStdout();
  console.Print("a\nb\033[31m\rc");
  EXPECT_TRUE(console.Flush());
  const std::string out = GetCapturedStdout();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1);
  EXPECT_EQ(out.find('\033'), std::string::npos);
  EXPECT_EQ(out.find('\r'), std::string::npos);
  CaptureStderr();
  console.Report(Error{ErrorKind::kPermanent, "bad_json", "a\nerror: b\033[2J", "first\nsecond"});
  console.Note("x\ny");
  EXPECT_EQ(GetCapturedStderr(),
            "error: a\\nerror: b\\x1b[2J (bad_json)\n  first\n  second\nx\\ny\n");
}

TEST(ConsoleTest, JsonIsPrintedAsItIs) {
  Console console(true);
  CaptureStdout();
  console.Print(R"({"a":"\n"})");
  EXPECT_TRUE(console.Flush());
  EXPECT_EQ(GetCapturedStdout(), "{\"a\":\"\\n\"}\n");
}

TEST(ConsoleTest, SecretsAreTakenOutOfEverything) {
  RegisterSecret("console-hunter2");
  Console console(true);
  CaptureStdout();
  console.Print(R"({"path":"/console-hunter2/x"})");
  console.PrintTable({"path"}, {{"/console-hunter2/y"}});
  EXPECT_TRUE(console.Flush());
  EXPECT_EQ(GetCapturedStdout(), "{\"path\":\"/***/x\"}\npath\n/***/y\n");
  CaptureStderr();
  console.Report(
      Error{ErrorKind::kPermanent, "file_missing", "no /console-hunter2/x", "ls /console-hunter2"});
  console.Note("console-hunter2");
  EXPECT_EQ(GetCapturedStderr(), "error: no /***/x (file_missing)\n  ls /***\n***\n");
}

TEST(ConsoleTest, IssuesLookAsCompilersPrintThem) {
  Console console(false);
  CaptureStderr();
  console.Report("job.yml", JobIssue{"source.name", 2, 9, "no such source", "did you mean file?"},
                 false);
  console.Report("job.yml", JobIssue{"", 0, 0, "old", ""}, true);
  EXPECT_EQ(GetCapturedStderr(),
            "job.yml:2:9: error: source.name: no such source\n  did you mean file?\n"
            "job.yml: warning: old\n");
}

TEST(ConsoleTest, TablesAreAligned) {
  Console console(false);
  CaptureStdout();
  console.PrintTable({"NAME", "STATE", ""}, {{"東京", "ok", ""}, {"b\n", "x"}});
  EXPECT_TRUE(console.Flush());
  EXPECT_EQ(GetCapturedStdout(), "NAME  STATE\n東京  ok\nb\\n   x\n");
}

TEST(ConsoleTest, OnAPipeProgressIsALineEveryTenSeconds) {
  CaptureStderr();
  {
    Console console(false);
    ASSERT_FALSE(console.error_is_terminal());
    for (int second = 1; second <= 25; ++second) {
      console.Progress("flights", 1234567, 50'000'000, std::chrono::seconds(second));
    }
    console.ClearProgress();
  }
  const std::string lines = GetCapturedStderr();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
  EXPECT_THAT(lines, HasSubstr("flights: 1,234,567 rows, 5.0 MB/s, 10s\n"));
  EXPECT_EQ(lines.find('\033'), std::string::npos);
}

TEST(JsonCells, ShowAnyValue) {
  const auto value = nlohmann::json::parse(
      R"({"a":{"b":"text"},"n":null,"t":true,"l":["x",1],"e":[],"o":{"k":1}})");
  EXPECT_EQ(Cell(value, "/a/b"), "text");
  EXPECT_EQ(Cell(value, "/n"), "-");
  EXPECT_EQ(Cell(value, "/missing/deep"), "-");
  EXPECT_EQ(Cell(value, "/t"), "yes");
  EXPECT_EQ(Cell(value, "/l"), "x, 1");
  EXPECT_EQ(Cell(value, "/e"), "-");
  EXPECT_EQ(Cell(value, "/o"), R"({"k":1})");
  EXPECT_EQ(Cell("no object", "/a"), "-");
  EXPECT_EQ(MemberText(value, "a"), "") << "it is no text";
}

}  // namespace
}  // namespace bizond
