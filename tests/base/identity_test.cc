#include "base/identity.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <thread>
#include <vector>

namespace bizond {
namespace {

constexpr UtcTime kMade{std::chrono::microseconds(1'796'126'400'123'456)};

int64_t MillisOf(const std::string& uuid) {
  return std::stoll(uuid.substr(0, 8) + uuid.substr(9, 4), nullptr, 16);
}

TEST(NewUuid, HasTheFormOfVersionSevenAndCarriesItsTime) {
  const std::string uuid = NewUuid(kMade);
  EXPECT_TRUE(std::regex_match(
      uuid, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")))
      << uuid;
  EXPECT_EQ(MillisOf(uuid), 1'796'126'400'123);
}

TEST(NewUuid, IncreasesWithinOneInstant) {
  const UtcTime instant = kMade + std::chrono::hours(1);
  std::string last = NewUuid(instant);
  for (int i = 0; i < 20'000; ++i) {
    std::string next = NewUuid(instant);
    ASSERT_LT(last, next);
    last = std::move(next);
  }
  EXPECT_EQ(MillisOf(last), ToUnixMicros(instant) / 1000);
}

TEST(NewUuid, IncreasesWithTimeAndWhenAThreadComesLate) {
  const UtcTime instant = kMade + std::chrono::hours(2);
  const std::string first = NewUuid(instant);
  const std::string later = NewUuid(instant + std::chrono::milliseconds(1));
  const std::string late = NewUuid(instant);
  EXPECT_LT(first, later);
  EXPECT_LT(later, late);
}

TEST(NewUuid, FollowsAClockThatWasSetBack) {
  const UtcTime wrong = kMade + std::chrono::years(70);
  NewUuid(wrong);
  EXPECT_EQ(MillisOf(NewUuid(kMade)), ToUnixMicros(kMade) / 1000);
}

TEST(NewUuid, IsUniqueAmongThreads) {
  constexpr size_t kThreads = 4;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (auto& mine : made) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 2000; ++i) mine.push_back(NewUuid(kMade + std::chrono::hours(3)));
    });
  }
  threads.clear();
  std::set<std::string> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), kThreads * 2000);
}

// Expected values are those that xxhsum -H2 (0.8.1) and sha256sum print.
TEST(HashBytes, EqualsTheReferenceTool) {
  EXPECT_EQ(HexOf(HashBytes("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(HexOf(HashBytes("abc")), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(HexOf(HashBytes(std::string(1000, 'x'))), "50a1af5a5f2dcf01c0a4877b962cba82");
  EXPECT_EQ(HashBytes("abc", 0), HashBytes("abc"));
  EXPECT_NE(HashBytes("abc", 1), HashBytes("abc"));
}

TEST(StreamingHash, EqualsTheHashOfTheWhole) {
  std::string text;
  StreamingHash hash;
  EXPECT_EQ(hash.Digest(), HashBytes(""));
  for (int i = 0; i < 500; ++i) {
    const std::string piece(static_cast<size_t>(i % 37), static_cast<char>('a' + i % 26));
    text += piece;
    hash.Update(piece);
    ASSERT_EQ(hash.Digest(), HashBytes(text)) << i;
  }
}

TEST(ParseHex, ReadsWhatHexOfWrites) {
  const Hash128 hash{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(HexOf(hash), "0123456789abcdeffedcba9876543210");
  Hash128 parsed;
  ASSERT_TRUE(ParseHex("0123456789ABCDEFfedcba9876543210", &parsed));
  EXPECT_EQ(parsed, hash);
}

TEST(ParseHex, RefusesAnythingElseAndLeavesTheResult) {
  Hash128 hash{1, 2};
  for (const char* text :
       {"", "0123", "0123456789abcdeffedcba987654321", "g123456789abcdeffedcba9876543210",
        "0123456789abcdeffedcba98765432100", "0x23456789abcdeffedcba9876543210"}) {
    EXPECT_FALSE(ParseHex(text, &hash)) << text;
  }
  EXPECT_EQ(hash, (Hash128{1, 2}));
}

TEST(Sha256Hex, EqualsThePublishedVectors) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(NewToken, IsLongAndNeverTheSame) {
  EXPECT_EQ(NewToken().size(), 64u);
  EXPECT_NE(NewToken(), NewToken());
}

TEST(EqualSecrets, ComparesContentAndLength) {
  EXPECT_TRUE(EqualSecrets("token", "token"));
  EXPECT_FALSE(EqualSecrets("token", "tokem"));
  EXPECT_FALSE(EqualSecrets("token", "token2"));
  EXPECT_TRUE(EqualSecrets("", ""));
}

}  // namespace
}  // namespace bizond
