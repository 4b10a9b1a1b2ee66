#include "base/text.h"

#include <gtest/gtest.h>
#include <stdio.h>

namespace bizond {
namespace {

TEST(IsUtf8, FollowsRfc3629) {
  for (const char* text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(text));
  }
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
  for (const char* text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "a\xc2"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(std::string(text));
  }
}

TEST(FirstCodePoint, TellsValueAndSize) {
  EXPECT_EQ(FirstCodePoint("\xe2\x82\xac...")->value, 0x20acu);
  EXPECT_EQ(FirstCodePoint("\xe2\x82\xac...")->size_bytes, 3u);
  EXPECT_EQ(FirstCodePoint("\xf0\x9f\x9a\x80")->value, 0x1f680u);
}

TEST(EscapeControls, ShowsWhatATerminalWouldActOn) {
  EXPECT_EQ(EscapeControls("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(EscapeControls("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(EscapeControls(std::string_view("\0\x1b", 2)), "\\x00\\x1b");
  EXPECT_EQ(EscapeControls("\xe2\x80\xae"), "\\u{202e}");
  EXPECT_EQ(EscapeControls("a\xff"), "a\xef\xbf\xbd");
}

TEST(EncodePathSegment, KeepsOnlyTheUnreserved) {
  EXPECT_EQ(EncodePathSegment("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(EncodePathSegment("a b/c%?#\xc3\xa9"), "a%20b%2Fc%25%3F%23%C3%A9");
  EXPECT_EQ(EncodePathSegment(std::string_view("\0", 1)), "%00");
}

TEST(ShellQuote, IsReadBackByAShell) {
  for (const char* text : {"plain", "it's", "$(exit 1) `x` \"y\" \\", "", "*"}) {
    const std::string command = "printf %s " + ShellQuote(text);
    FILE* const pipe = popen(command.c_str(), "re");
    ASSERT_NE(pipe, nullptr);
    char buffer[100] = {};
    const size_t size = fread(buffer, 1, sizeof buffer, pipe);
    EXPECT_EQ(pclose(pipe), 0);
    EXPECT_EQ(std::string(buffer, size), text);
  }
}

}  // namespace
}  // namespace bizond
