#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace bizond {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr UtcTime kNoon{std::chrono::microseconds(1'796'126'400'123'456)};

std::string Text(std::string_view message, std::vector<LogField> fields = {}) {
  return FormatLogLine(LogFormat::kText, kNoon, LogLevel::kInfo, "store", message, fields);
}

nlohmann::json Json(std::string_view message, std::vector<LogField> fields = {}) {
  const std::string line =
      FormatLogLine(LogFormat::kJson, kNoon, LogLevel::kWarning, "store", message, fields);
  EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  return nlohmann::json::parse(line);
}

TEST(LogLine, TextHasTimeLevelRoomMessageAndFields) {
  EXPECT_EQ(Text("run started", {{"job", "flights"}, {"attempt", "1"}}),
            "2026-12-01T12:00:00.123Z INFO store: run started job=flights attempt=1");
}

TEST(LogLine, JsonHasTheSameAsKeysInOrder) {
  const LogField fields[] = {{"job", "flights"}};
  EXPECT_EQ(
      FormatLogLine(LogFormat::kJson, kNoon, LogLevel::kError, "store", "run started", fields),
      R"({"at":"2026-12-01T12:00:00.123Z","level":"error","room":"store","message":"run started",)"
      R"("job":"flights"})");
}

TEST(LogLine, TextQuotesWhatIsNoPlainWord) {
  EXPECT_THAT(Text("m", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "say \"hi\""}}),
              HasSubstr(R"( a="two words" b="" c="x=y" d="say \"hi\"")"));
}

TEST(LogLine, AHostileValueCannotForgeALine) {
  const std::string forged = "x\n2026-12-01T12:00:00.123Z ERROR store: forged\r\x1b[2K\x7f";
  for (const std::string& line :
       {Text(forged), Text("m", {{"job", forged}}), Text("m", {{forged, ""}})}) {
    for (const char c : line) ASSERT_TRUE(c >= 0x20 && c != 0x7f) << line;
    EXPECT_THAT(line, HasSubstr(R"(x\n2026-12-01T12:00:00.123Z ERROR store: forged\r\x1b[2K\x7f)"));
  }
  EXPECT_EQ(Json(forged)["message"], forged);
  // U+0085, U+2028 and U+202E end or turn a line in some viewers.
  EXPECT_THAT(Text("\xc2\x85\xe2\x80\xa8\xe2\x80\xae"), HasSubstr(R"(\u{0085}\u{2028}\u{202e})"));
  EXPECT_THAT(Text("Z\xc3\xbcrich \xf0\x9f\x9a\x80"), HasSubstr("Z\xc3\xbcrich \xf0\x9f\x9a\x80"));
}

TEST(LogLine, AnyBytesMakeAValidLine) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  for (const std::string& bytes :
       {every, std::string("\xff\xfe"), std::string("\xe2\x82"), std::string("\xed\xa0\x80"),
        std::string("\xc0\xaf"), std::string("\xf5\x80\x80\x80"), std::string("\0", 1)}) {
    const nlohmann::json line = Json(bytes, {{bytes, bytes}});
    EXPECT_EQ(line["level"], "warning");
    // What was valid stays, what was not is replaced: parsing and dumping again throws no more.
    EXPECT_NO_THROW(static_cast<void>(line.dump()));
    EXPECT_NO_THROW(static_cast<void>(nlohmann::json(Text(bytes, {{"k", bytes}})).dump()));
  }
  EXPECT_EQ(Json("a\xff"
                 "b")["message"],
            "a\xef\xbf\xbd"
            "b");
}

TEST(LogLine, AFieldCannotOverwriteAFixedKey) {
  const nlohmann::json line =
      Json("real", {{"message", "fake"}, {"at", "fake"}, {"level", "fake"}});
  EXPECT_EQ(line["message"], "real");
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message_"], "fake");
}

TEST(LogLine, HoldsNoSecret) {
  RegisterSecret("s3cr3t-of-the-log");
  for (const std::string& line :
       {Text("uses s3cr3t-of-the-log", {{"token", "s3cr3t-of-the-log"}}),
        Json("uses s3cr3t-of-the-log", {{"s3cr3t-of-the-log", "x"}}).dump()}) {
    EXPECT_THAT(line, Not(HasSubstr("s3cr3t")));
    EXPECT_THAT(line, HasSubstr("uses ***"));
  }
}

TEST(Redact, ReplacesEverySecretWhereverItStands) {
  RegisterSecret("alpha-beta");
  RegisterSecret("beta-gamma");
  RegisterSecret("beta");
  EXPECT_EQ(Redact("nothing here"), "nothing here");
  EXPECT_EQ(Redact(""), "");
  EXPECT_EQ(Redact("alpha-beta"), "***");
  EXPECT_EQ(Redact("<alpha-beta> and alpha-beta"), "<***> and ***");
  EXPECT_EQ(Redact("alphabetabeta"), "alpha***");
  // Two that overlap leave no end of either.
  EXPECT_EQ(Redact("(alpha-beta-gamma)"), "(***)");
}

TEST(Redact, KnowsTheFormsThatASecretTakesElsewhere) {
  RegisterSecret("pass\"word\n/with%signs");
  EXPECT_EQ(Redact(R"({"p":"pass\"word\n/with%signs"})"), R"({"p":"***"})");
  EXPECT_EQ(Redact("https://h/?p=pass%22word%0A%2Fwith%25signs&q=1"), "https://h/?p=***&q=1");
  RegisterSecret("\xff\xfe\xfd\xfc");
  EXPECT_EQ(Redact("a\xff\xfe\xfd\xfc"
                   "b"),
            "a***b");
}

TEST(Redact, LeavesShortValuesAlone) {
  RegisterSecret("abc");
  RegisterSecret("");
  EXPECT_EQ(Redact("abc"), "abc");
}

TEST(Redact, ALongRunIsOneStretch) {
  RegisterSecret("zzzz");
  EXPECT_EQ(Redact("y" + std::string(100'000, 'z') + "y"), "y***y");
}

TEST(Redact, MayBeCalledWhileSecretsAreRegistered) {
  std::jthread other([] {
    for (int i = 0; i < 200; ++i) RegisterSecret("thread-secret-" + std::to_string(i));
  });
  for (int i = 0; i < 200; ++i) EXPECT_EQ(Redact("plain"), "plain");
}

TEST(ParseLogLevel, TakesTheNamesOfOthersToo) {
  struct {
    const char* text;
    LogLevel level;
  } const rows[] = {{"debug", LogLevel::kDebug},     {"TRACE", LogLevel::kDebug},
                    {"Info", LogLevel::kInfo},       {"warn", LogLevel::kWarning},
                    {"WARNING", LogLevel::kWarning}, {"error", LogLevel::kError},
                    {"CRITICAL", LogLevel::kError}};
  for (const auto& row : rows) {
    LogLevel level{};
    EXPECT_TRUE(ParseLogLevel(row.text, &level)) << row.text;
    EXPECT_EQ(level, row.level);
    EXPECT_TRUE(ParseLogLevel(LogLevelName(level), &level));
    EXPECT_EQ(level, row.level);
  }
  LogLevel level{};
  EXPECT_FALSE(ParseLogLevel("loud", &level));
  EXPECT_FALSE(ParseLogLevel("", &level));
}

TEST(Log, WritesToStderrFromItsLevelOn) {
  ConfigureLog(LogLevel::kWarning, LogFormat::kJson);
  ::testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "base", "too low");
  Log(LogLevel::kWarning, "base", "{} %v", {{"key", "{0}"}});
  const std::string written = ::testing::internal::GetCapturedStderr();
  ConfigureLog(LogLevel::kInfo, LogFormat::kText);
  const nlohmann::json line = nlohmann::json::parse(written);
  EXPECT_EQ(line["message"], "{} %v");
  EXPECT_EQ(line["key"], "{0}");
  EXPECT_EQ(written.back(), '\n');
  EXPECT_FALSE(LogEnabled(LogLevel::kDebug));
  EXPECT_TRUE(LogEnabled(LogLevel::kInfo));
}

TEST(Log, LinesOfManyThreadsStayWhole) {
  ::testing::internal::CaptureStderr();
  {
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 200; ++n) Log(LogLevel::kInfo, "base", std::string(300, 'x'));
      });
    }
  }
  std::istringstream lines(::testing::internal::GetCapturedStderr());
  std::string line;
  int count = 0;
  for (; std::getline(lines, line); ++count) {
    ASSERT_THAT(line, ::testing::EndsWith(" INFO base: " + std::string(300, 'x')));
  }
  EXPECT_EQ(count, 800);
}

}  // namespace
}  // namespace bizond
