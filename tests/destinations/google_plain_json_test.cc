// IsPlainJson: what it lets through needs no closer look, wherever in a block of 64 bytes it
// stands.
#include "destinations/google/plain_json.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "destinations/google/json_value.h"

namespace bizond {
namespace {

// `value` at every place of a block.
template <typename Check>
void AtEveryPlace(std::string_view value, Check check) {
  for (size_t padding = 0; padding < 130; ++padding) {
    const std::string text = R"({"p":")" + std::string(padding, 'x') + R"(","v":)" +
                             std::string(value) + R"(,"w":null})";
    SCOPED_TRACE(text);
    check(text);
  }
}

TEST(PlainJsonTest, LeavesWhatBigQueryMayRefuseToACloserLook) {
  for (const std::string& value :
       {std::string(R"("\ud800")"), std::string("1e400"), std::string("-1E-400"),
        std::string("12.5e+0309"), std::string(400, '9'), "0." + std::string(400, '0') + "1"}) {
    AtEveryPlace(value, [](const std::string& text) {
      EXPECT_FALSE(IsPlainJson(text));
      EXPECT_TRUE(WhyNoJson(text));
    });
  }
  EXPECT_FALSE(IsPlainJson(std::string(501, '[') + std::string(501, ']')));
  EXPECT_TRUE(WhyNoJson(std::string(501, '[') + std::string(501, ']')));
}

TEST(PlainJsonTest, LetsOrdinaryValuesThrough) {
  for (const std::string_view value :
       {R"("text, \"quoted\" \\ \n é 🚀")", "-12.5", "1e10", "2.5E-99", "18446744073709551616",
        R"("7e123456789ab")", R"([1,[2,{"a":[]}],true])", "null"}) {
#if defined(__x86_64__)
    AtEveryPlace(value, [](const std::string& text) { EXPECT_TRUE(IsPlainJson(text)); });
#endif
    AtEveryPlace(value, [](const std::string& text) { EXPECT_FALSE(WhyNoJson(text)); });
  }
  EXPECT_FALSE(WhyNoJson(std::string(500, '[') + std::string(500, ']')));
}

TEST(PlainJsonTest, WhatOnlyLooksBadIsTakenAllTheSame) {
  for (const std::string_view value :
       {R"("\u00e9")", R"("1e400, or more")", R"("1e400")", R"("\ud83d\ude80")", "1e123"}) {
    AtEveryPlace(value, [](const std::string& text) { EXPECT_FALSE(WhyNoJson(text)); });
  }
  EXPECT_FALSE(WhyNoJson("\"" + std::string(400, '9') + "\""));
}

}  // namespace
}  // namespace bizond
